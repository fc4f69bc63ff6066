// The simulator's own page: the control API with buttons.
"use strict";

(() => {
  const $ = (selector) => document.querySelector(selector);

  async function ask(method, path, body) {
    const answer = await fetch(`/sim/${path}`, {
      method, ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
    });
    $("#problem").textContent = answer.ok ? "" : await answer.text();
    return answer.ok && answer.status !== 204 ? answer.json() : null;
  }

  function button(text, press) {
    const made = document.createElement("button");
    made.textContent = text;
    made.addEventListener("click", () => { void press().then(refresh); });
    return made;
  }

  function row(text, ...buttons) {
    const made = document.createElement("li");
    made.append(`${text} `, ...buttons);
    return made;
  }

  const act = (contact, what, body) => () => ask("POST", `ccp/contacts/${contact.id}/${what}`, body);

  function contactRow(contact) {
    const { media } = contact;
    const text = `${contact.agent} · ${contact.queue} · ${contact.state}${contact.on_hold ? ", on hold" : ""}${contact.muted ? ", muted" : ""}`
      + ` · sent ${media.packets_sent}, received ${media.packets_received} packets`;
    if (contact.state !== "connecting" && contact.state !== "connected") return row(text, button("Clear", act(contact, "clear")));
    return row(text, button("Hang up", act(contact, "hang-up")),
      ...["tone", "silence", "nothing"].map((sound) => button(`Customer: ${sound}`, act(contact, "say", { sound }))));
  }

  async function refresh() {
    const [agents, contacts, calls] = await Promise.all(["ccp/agents", "ccp/contacts", "ccp/calls"].map((path) => ask("GET", path)));
    $("#agents").replaceChildren(...(agents ?? []).map((agent) => row(
      `${agent.username} · ${agent.signed_in ? agent.state : "signed out"} · ${agent.browsers} browsers`,
      ...(agent.signed_in ? [button("Sign out", () => ask("DELETE", `ccp/agents/${encodeURIComponent(agent.username)}`))] : []),
    )));
    $("#contacts").replaceChildren(...(contacts ?? []).map(contactRow));
    $("#calls").textContent = (calls ?? []).slice(-100).reverse()
      .map((c) => `${c.at} ${c.agent} ${c.method} ${c.status} ${c.millis} ms ${JSON.stringify(c.params).slice(0, 200)}`).join("\n");
  }

  const fields = { loss: ["Loss (0–1)", 0.01], burst_packets: ["Burst (packets)", 1], delay_millis: ["Delay (ms)", 1], jitter_millis: ["Jitter (ms)", 1] };
  for (const set of document.querySelectorAll("fieldset")) {
    for (const [name, [text, step]] of Object.entries(fields)) {
      const label = document.createElement("label");
      label.append(`${text} `, Object.assign(document.createElement("input"), { type: "number", name, min: 0, step, value: 0 }));
      set.append(label);
    }
    const label = document.createElement("label");
    label.append(Object.assign(document.createElement("input"), { type: "checkbox", name: "silent" }), " silent");
    set.append(label);
  }

  function direction(name) {
    const set = document.querySelector(`fieldset[name="${name}"]`);
    const values = Object.fromEntries(Object.keys(fields).map((field) => [field, Number(set.querySelector(`[name="${field}"]`).value)]));
    return { ...values, silent: set.querySelector('[name="silent"]').checked };
  }

  function submit(form, send) {
    $(form).addEventListener("submit", (event) => {
      event.preventDefault();
      void send(event.target.elements).then(refresh);
    });
  }

  submit("#place", (form) => ask("POST", "ccp/contacts", {
    agent: form.agent.value, queue: form.queue.value, customer_number: form.customer_number.value,
    length_seconds: Number(form.length_seconds.value), auto_accept: form.auto_accept.checked,
  }));
  submit("#impair", (form) => ask("PUT", "impairments", {
    to_agent: direction("to_agent"), from_agent: direction("from_agent"), unreachable: form.unreachable.checked,
  }));
  submit("#fail", (form) => {
    const fault = { method: form.method.value, latency_millis: Number(form.latency_millis.value), status: Number(form.status.value) };
    return ask("PUT", "ccp/faults", {
      api: fault.latency_millis || fault.status ? [fault] : [], invite_code: Number(form.invite_code.value),
    });
  });
  $("#forget").addEventListener("click", () => { void ask("DELETE", "ccp/calls").then(refresh); });
  setInterval(refresh, 2000);
  void refresh();
})();
