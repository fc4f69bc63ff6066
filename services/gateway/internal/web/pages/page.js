// What a page can do better with a script: times in the viewer's zone, values under the pointer, a link in the clipboard. Without it
// every page shows the same, in UTC.

const zone = new Intl.DateTimeFormat(undefined, { timeZoneName: "short" }).formatToParts(new Date()).find((part) => part.type === "timeZoneName")?.value ?? "";
const written = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
for (const element of document.querySelectorAll("time[datetime]")) {
  const at = new Date(element.dateTime);
  element.textContent = written.format(at);
  element.title = at.toISOString();
}

const pad = (n) => String(n).padStart(2, "0");
const asLocal = (at) => `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}T${pad(at.getHours())}:${pad(at.getMinutes())}`;
const filter = document.querySelector("form.filter");
if (filter) {
  for (const label of filter.querySelectorAll(".zone")) label.textContent = `(${zone})`;
  const inputs = [...filter.querySelectorAll('input[type="datetime-local"]')];
  for (const input of inputs) {
    input.value = asLocal(new Date(`${input.value}Z`));
    input.defaultValue = input.value;
  }
  filter.addEventListener("formdata", (event) => {
    for (const input of inputs) {
      // A span that nobody has changed stays that of the address: the last day stays the last.
      const isKept = inputs.every((one) => one.value === one.defaultValue) && !new URLSearchParams(location.search).has("from");
      if (isKept || !input.value) event.formData.delete(input.name);
      else event.formData.set(input.name, new Date(input.value).toISOString().replace(/\.\d+/, ""));
    }
    for (const [name, value] of [...event.formData]) if (value === "") event.formData.delete(name);
  });
  const today = filter.querySelector("[data-today]");
  const midnight = new Date();
  midnight.setHours(0, 0, 0, 0);
  const query = new URLSearchParams(location.search);
  query.delete("cursor");
  query.set("from", midnight.toISOString().replace(/\.\d+/, ""));
  const next = new Date(Date.now() + 60_000);
  query.set("to", next.toISOString().replace(/\.\d+/, ""));
  today.href = `/insights?${query}`;
  today.hidden = false;
}

addEventListener("pagehide", () => document.documentElement.removeAttribute("aria-busy"));
const busy = () => document.documentElement.setAttribute("aria-busy", "true");
filter?.addEventListener("submit", busy);
for (const link of document.querySelectorAll('main a[href^="/insights"]:not([download])')) {
  link.addEventListener("click", (event) => {
    if (!event.ctrlKey && !event.metaKey && !event.shiftKey && event.button === 0) busy();
  });
}
addEventListener("pageshow", () => document.documentElement.removeAttribute("aria-busy"));

for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    const text = button.textContent;
    try {
      await navigator.clipboard.writeText(new URL(button.dataset.copy, location.href).href);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Copy the address above";
    }
    setTimeout(() => (button.textContent = text), 2000);
  });
}

const back = document.querySelector("[data-back]");
if (back && document.referrer.startsWith(`${location.origin}/insights`) && !document.referrer.includes("/calls/")) back.href = document.referrer;

// values are the points of a picture's curves by their place from the left.
const line = document.querySelector(".timeline");
if (line) {
  const length = Number(line.dataset.length);
  const plots = [...line.querySelectorAll(".plot")].filter((plot) => plot.querySelector("svg"));
  const curves = new Map(plots.map((plot) => [plot, ["heard", "spoken"].map((name) => [name, pointsOf(plot, name)])]));
  const clock = (millis) => `${Math.floor(millis / 60_000)}:${pad(Math.floor(millis / 1000) % 60)}`;
  const show = (x) => {
    for (const plot of plots) {
      plot.querySelector(".cursor").setAttribute("d", x === null ? "" : `M${x} 0V100`);
      const reading = plot.querySelector(".reading");
      if (x === null) {
        reading.textContent = "";
        continue;
      }
      const least = Number(plot.dataset.least);
      const most = Number(plot.dataset.most);
      const near = (1500 / length) * 1000;
      const said = curves.get(plot).map(([name, points]) => {
        const point = points.reduce((best, one) => (Math.abs(one[0] - x) < Math.abs((best?.[0] ?? -1e9) - x) ? one : best), null);
        const value = point && Math.abs(point[0] - x) <= Math.max(near, 2) ? (least + (1 - point[1] / 100) * (most - least)).toFixed(Number(plot.dataset.digits)) : "–";
        return `${name === "heard" ? "agent" : "customer"} ${value}`;
      });
      reading.textContent = `${clock((x / 1000) * length)}: ${said.join(", ")}`;
    }
  };
  for (const plot of plots) {
    const svg = plot.querySelector("svg");
    svg.addEventListener("pointermove", (event) => {
      const box = svg.getBoundingClientRect();
      show(Math.min(Math.max(((event.clientX - box.left) / box.width) * 1000, 0), 1000));
    });
    svg.addEventListener("pointerleave", () => show(null));
  }
}

function pointsOf(plot, name) {
  return [...plot.querySelectorAll(`polyline.${name}`)].flatMap((one) => one.getAttribute("points").split(" ").map((point) => point.split(",").map(Number)));
}
