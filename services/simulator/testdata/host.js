// Calls the real initCCP, accepts what comes, talks for as long as the query says, hangs up, and posts every event to the test.
"use strict";

(() => {
  const query = new URLSearchParams(location.search);
  let queue = Promise.resolve(); // one after another: the test wants their order
  const tell = (name, data) => {
    queue = queue.then(() => fetch("/events", { method: "POST", body: JSON.stringify({ name, data: data ?? null }) })).catch(() => {});
  };
  window.addEventListener("error", (event) => { tell("error", event.message); });

  const ownsMedia = query.get("media_owner") === "page";
  const start = () => {
    connect.core.initCCP(document.querySelector("#ccp"), {
      ccpUrl: query.get("ccp"), loginPopup: false, softphone: { allowFramedSoftphone: !ownsMedia },
    });
    if (ownsMedia) connect.core.initSoftphoneManager({ allowFramedSoftphone: true });
    const bus = connect.core.getEventBus();
    for (const name of ["INIT", "SOFTPHONE_STATS", "SOFTPHONE_REPORT", "API_METRIC", "TERMINATED"]) {
      bus.subscribe(connect.EventType[name], (data) => { tell(name.toLowerCase(), data); });
    }
    bus.subscribe(connect.AgentEvents.SOFTPHONE_ERROR, (data) => { tell("softphone_error", data); });
    connect.agent((agent) => {
      tell("agent", { name: agent.getName(), profile: agent.getRoutingProfile().name, state: agent.getState().name });
    });
    connect.contact((contact) => {
      const hangUp = () => {
        tell("sound", document.querySelector("#remote-audio").srcObject?.active ?? false);
        contact.getAgentConnection().destroy();
      };
      contact.onConnecting(() => {
        tell("connecting", { queue: contact.getQueue().name });
        if (query.get("then") === "reject") contact.reject();
        else if (query.get("then") !== "ignore") contact.accept();
      });
      contact.onConnected(() => {
        tell("connected");
        const seconds = Number(query.get("seconds"));
        if (seconds > 0) setTimeout(hangUp, seconds * 1000);
      });
      contact.onMissed(() => { tell("missed"); });
      contact.onEnded(() => { tell("ended"); });
      contact.onDestroy(() => { tell("cleared"); });
    });
  };
  if (!ownsMedia) return start();
  const library = document.createElement("script");
  library.src = "/connect-rtc.js";
  library.onload = start;
  document.head.append(library);
})();
