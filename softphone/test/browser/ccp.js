// A stand-in for the framed Contact Control Panel: it speaks just enough of the conduit for the real Connect library in the page
// to see an agent, a call and its statistics. It has no media, no Connect behind it, and none of the panel's own pages.
/* global URLSearchParams, parent, addEventListener, location, document, setTimeout, setInterval, structuredClone, window */
const tell = (event, data) => parent.postMessage({ event, data }, "*");
const arn = "arn:aws:connect:eu-central-1:123456789012:instance/11111111-2222-4333-8444-555555555555";
const state = { name: "Available", type: "routable", startTimestamp: new Date(), agentStateARN: `${arn}/agent-state/1` };
const configuration = {
  name: "Kim Example", username: "kim.example", agentARN: `${arn}/agent/1`, softphoneEnabled: true, softphoneAutoAccept: false, extension: "",
  permissions: ["outboundCall"], agentPreferences: {}, dialableCountries: ["de"], agentStates: [state],
  routingProfile: {
    name: "Basic", routingProfileARN: `${arn}/routing-profile/1`, routingProfileId: `${arn}/routing-profile/1`, channelConcurrencyMap: { VOICE: 1 },
    defaultOutboundQueue: { name: "Support", queueARN: `${arn}/queue/1`, queueId: `${arn}/queue/1` },
    queues: [{ name: "Support", queueARN: `${arn}/queue/1`, queueId: `${arn}/queue/1` }, { name: null, queueARN: `${arn}/queue/agent/1`, queueId: `${arn}/queue/agent/1` }],
  },
};
let contacts = [];
const contact = (id, queue, type) => {
  const at = { type, timestamp: new Date() };
  return {
    contactId: id, initialContactId: id, type: "voice", state: at, status: at, queue: { name: queue, queueARN: `${arn}/queue/1`, queueId: `${arn}/queue/1` },
    queueTimestamp: new Date(), attributes: {}, contactFeatures: {},
    connections: [
      {
        connectionId: `agent-${id}`, type: "agent", initial: false, state: at, endpoint: { type: "phone_number", phoneNumber: "softphone" },
        softphoneMediaInfo: {
          callType: "audio_only", autoAccept: false, callContextToken: "SECRET-context",
          callConfigJson: '{"signalingEndpoint":"wss://rtc.eu-central-1.amazonaws.com/LilyRTC","iceServers":[{"urls":["turn:turn.example.com:3478?transport=udp"],"username":"SECRET-user","credential":"SECRET-credential"}]}',
        },
      },
      { connectionId: `cust-${id}`, type: "inbound", initial: true, state: { type: "connected", timestamp: new Date() }, endpoint: { type: "phone_number", phoneNumber: "+15550100" } },
    ],
  };
};
const update = () => tell("agent::update", structuredClone({
  snapshot: { state, status: state, snapshotTimestamp: new Date(), localTimestamp: Date.now(), skew: 0, contacts }, configuration,
}));
let isSilent = new URLSearchParams(location.search).has("silent");
addEventListener("message", ({ data }) => {
  if (isSilent || data?.event !== "synchronize") return;
  tell("acknowledge", { id: "port-1" });
});
window.sim = {
  ring(id, queue) { contacts = [...contacts, contact(id, queue, "connecting")]; update(); },
  connect() { contacts = contacts.map((it) => contact(it.contactId, it.queue.name, "connected")); update(); },
  end(id) { contacts = contacts.map((it) => (it.contactId === id ? contact(id, it.queue.name, "ended") : it)); update(); },
  clear(id) { contacts = contacts.filter((it) => it.contactId !== id); update(); },
  stats(id, seconds, input = {}, output = {}) {
    const stats = [];
    for (let i = 0; i < seconds; i++) {
      const at = new Date(Date.now() - (seconds - i) * 1000);
      const second = { timestamp: at, packetsLost: 0, packetsCount: 50, audioLevel: 800, jitterBufferMillis: 3, roundTripTimeMillis: 60 };
      stats.push({ softphoneStreamType: "audio_input", ...second, ...input }, { softphoneStreamType: "audio_output", ...second, ...output });
    }
    tell("softphone_stats", { contactId: id, ccpVersion: "V2", stats });
  },
  report(id) { tell("softphone_report", { contactId: id, ccpVersion: "V2", report: { callStartTime: new Date(Date.now() - 60_000), callEndTime: new Date(), gumTimeMillis: 3, talkingTimeMillis: 60_000 } }); },
  metric(name, time) { tell("api_metric", { name, time, dimensions: [], optionalDimensions: [{ name: "HttpStatusCode", value: 200 }] }); },
  mute(muted) { tell("mute", { muted }); },
  silence() { isSilent = true; },
};
document.body.textContent = "A stand-in for the Contact Control Panel";
if (!isSilent) {
  tell("acknowledge", { id: "port-1" });
  setTimeout(update, 200);
  setInterval(update, 2000);
}
