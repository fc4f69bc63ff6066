// The CCP of the stand-in: Connect's real library in the frame, over a shared worker of our own, and as much of a CCP's face as
// one person needs to take a call.
"use strict";

(() => {
  const { agent: username, region } = document.body.dataset;
  const at = (path) => new URL(path, location.href).href;

  // The library asks its provider for the SDK of embedded apps. There are none here: every method answers.
  const proxy = new Proxy({}, { get: (_, name) => (name === "then" ? undefined : () => Promise.resolve()) });
  connect.core._amazonConnectProviderData = {
    provider: { id: crypto.randomUUID(), config: {}, getProxy: () => proxy }, isStreamsProvider: false,
  };

  connect.core.initSharedWorker({
    sharedWorkerUrl: at(`worker.js?agent=${encodeURIComponent(username)}`),
    authToken: "none", refreshToken: "none", authTokenExpiration: Date.now() + 86_400_000, region,
    endpoint: at("/"), authorizeEndpoint: at("/login"), agentAppEndpoint: at("/"), authCookieName: "simulator_agent",
  });
  const upstream = connect.core.getUpstream();
  connect.core.getEventBus().subscribe(connect.EventType.CONFIGURE, () => { connect.core.hasReceivedCRMConfigure = true; });
  connect.core.checkIfConfigureReceived(upstream);
  connect.core.initPageOptions({});
  connect.core.initSoftphoneManager({ allowFramedSoftphone: true });

  const states = document.querySelector("#state");
  const list = document.querySelector("#contacts");
  let isMuted = false; // the microphone is, for every call
  const button = (text, press) => {
    const made = document.createElement("button");
    made.textContent = text;
    made.addEventListener("click", press);
    return made;
  };

  function face(contact) {
    const { type } = contact.getStatus();
    const row = document.createElement("li");
    row.dataset.contact = contact.getContactId();
    const customer = contact.getInitialConnection();
    row.append(`${customer?.getEndpoint().phoneNumber ?? ""} · ${contact.getQueue()?.name ?? ""} · ${type} `);
    if (type === "connecting" || type === "incoming") {
      row.append(button("Accept", () => { contact.accept(); }), button("Reject", () => { contact.reject(); }));
    } else if (type === "connected") {
      const held = customer.isOnHold();
      row.append(
        button(held ? "Resume" : "Hold", () => { if (held) customer.resume(); else customer.hold(); }),
        button(isMuted ? "Unmute" : "Mute", () => { const agent = new connect.Agent(); if (isMuted) agent.unmute(); else agent.mute(); }),
        button("Hang up", () => { contact.getAgentConnection().destroy(); }),
      );
    } else {
      row.append(button("Clear", () => { contact.clear(); }));
    }
    return row;
  }

  connect.agent((agent) => {
    states.replaceChildren(...agent.getAgentStates().map((state) => new Option(state.name, state.name)));
    states.addEventListener("change", () => {
      agent.setState(agent.getAgentStates().find((state) => state.name === states.value), {}, {});
    });
    let shown = "";
    const show = () => {
      const contacts = agent.getContacts();
      const now = JSON.stringify([isMuted, agent.getState().name, contacts.map((c) => [c.getContactId(), c.getConnections().map((x) => x.getStatus().type)])]);
      if (now === shown) return; // an update comes every two seconds, and a button must not go from under a finger
      shown = now;
      document.querySelector("#now").textContent = agent.getState().name;
      if ([...states.options].some((option) => option.value === agent.getState().name)) states.value = agent.getState().name;
      list.replaceChildren(...contacts.map(face));
    };
    agent.onRefresh(show);
    agent.onMuteToggle(({ muted }) => {
      isMuted = muted === true;
      show();
    });
  });
})();
