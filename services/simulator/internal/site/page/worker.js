// The shared worker of the stand-in: it passes messages between the pages of one browser and the simulator, as Connect's
// worker passes them between pages and Connect. State, answers and signalling are the simulator's.
"use strict";

const ports = new Map(); // id → port
const masters = new Map(); // topic → id of the port
const waiting = new Map(); // id of a call → {port, requestId}
let socket = null;
let ended = false; // the session is over: nothing is opened anew until a page comes that has signed in
let last = null; // the last agent::update, for pages that come later
const unsent = [];

const dates = new Set(["timestamp", "startTimestamp", "snapshotTimestamp", "queueTimestamp"]);
const revive = (key, value) => (dates.has(key) && typeof value === "string" ? new Date(value) : value);

function tellAll(event, data) {
  for (const port of ports.values()) port.postMessage({ event, data });
}

function open() {
  const url = new URL("socket", self.location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  url.search = self.location.search;
  socket = new WebSocket(url);
  ended = false;
  socket.onopen = () => { for (const text of unsent.splice(0)) socket.send(text); };
  socket.onmessage = ({ data: text }) => {
    const message = JSON.parse(text, revive);
    if (message.event === undefined) return answered(message);
    if (message.event === "agent::update") last = message.data;
    if (message.event === "terminated") [ended, last] = [true, null];
    tellAll(message.event, message.data);
  };
  socket.onclose = () => {
    socket = null;
    for (const id of [...waiting.keys()]) answered({ id, err: { type: "NetworkError", message: "The simulator is gone." } });
    if (!ended) setTimeout(open, 1000);
  };
}

function send(message) {
  const text = JSON.stringify(message);
  if (socket?.readyState === WebSocket.OPEN) socket.send(text);
  else if (unsent.length < 100) unsent.push(text);
}

function answered({ id, data, err }) {
  const asked = waiting.get(id);
  waiting.delete(id);
  asked?.port.postMessage({ event: "api_response", data: { requestId: asked.requestId, data: data ?? {}, err: err ?? null } });
}

function master(id, { requestId, method, params }) {
  const { topic } = params;
  const takeOver = method === "becomeMaster";
  if (takeOver || (!masters.has(topic) && !params.shouldNotBecomeMasterIfNone)) masters.set(topic, id);
  const masterId = masters.get(topic);
  const data = takeOver ? { masterId, takeOver: true, topic } : { masterId, isMaster: masterId === id, topic };
  ports.get(id).postMessage({ event: "master_response", data: { requestId, data } });
}

const handlers = {
  synchronize() { tellAll("acknowledge"); },
  broadcast(_id, data) { tellAll(data.event, data.data); },
  api_request(id, { requestId, method, params }) {
    const call = crypto.randomUUID();
    waiting.set(call, { port: ports.get(id), requestId });
    send({ type: "call", id: call, method, params: params ?? {} });
  },
  master_request: master,
  "webSocket::send"(_id, { connectionId, jsonRpcMsg }) { send({ type: "signal", connectionId, jsonRpcMsg }); },
  "webSocket::subscribe"(id, topics) {
    ports.get(id).postMessage({ event: "webSocket::subscription_update", data: { content: { status: "success", topics } } });
  },
  close(id) {
    ports.delete(id);
    for (const [topic, holder] of masters) if (holder === id) masters.delete(topic);
    tellAll("update_connected_ccps", { length: ports.size });
  },
};

self.onconnect = ({ ports: [port] }) => {
  const id = crypto.randomUUID();
  ports.set(id, port);
  port.onmessage = ({ data: message }) => {
    if (ports.has(id)) handlers[message.event]?.(id, message.data); // settings and logs mean nothing here
  };
  if (ended) open();
  port.postMessage({ event: "acknowledge", data: { id } });
  tellAll("update_connected_ccps", { length: ports.size });
  if (last !== null) port.postMessage({ event: "agent::update", data: last });
};

open();
