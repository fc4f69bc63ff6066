// Stand-in for the session of connect-rtc-js, which is in no registry: connect.RTCSession over the browser's own WebRTC, as
// much of it as Connect's library uses. It leaves out: connections that stay from call to call, ICE restarts, reconnecting its
// signalling, remote desktops, and the report's figures of devices and networks.
"use strict";

(() => {
  const dialect = document.currentScript.dataset.jitter; // "interarrival" (up to 1.2.4) or "buffer_delay" (from 1.3 on)
  const limits = { microphone: 10_000, ice: 8_000, connect: 10_000, invite: 5_000, bye: 2_000 };

  const errors = {
    ICE_COLLECTION_TIMEOUT: "Ice Collection Timeout",
    USER_BUSY: "User Busy",
    SIGNALLING_CONNECTION_FAILURE: "Signalling Connection Failure",
    SIGNALLING_HANDSHAKE_FAILURE: "Signalling Handshake Failure",
    SET_REMOTE_DESCRIPTION_FAILURE: "Set Remote Description Failure",
    CREATE_OFFER_FAILURE: "Create Offer Failure",
    SET_LOCAL_DESCRIPTION_FAILURE: "Set Local Description Failure",
    INVALID_REMOTE_SDP: "Invalid Remote SDP",
    NO_REMOTE_ICE_CANDIDATE: "No Remote ICE Candidate",
    GUM_TIMEOUT_FAILURE: "GUM Timeout Failure",
    GUM_OTHER_FAILURE: "GUM Other Failure",
    CALL_NOT_FOUND: "Call Not Found",
    ACCESS_DENIED: "Access Denied",
  };
  const byCode = { 403: errors.ACCESS_DENIED, 404: errors.CALL_NOT_FOUND, 486: errors.USER_BUSY };

  class Failed extends Error {
    constructor(reason, ...flags) {
      super(reason);
      this.flags = flags;
    }
  }

  const within = (millis, promise, late) => Promise.race([
    promise,
    new Promise((_, reject) => setTimeout(() => { reject(late); }, millis)),
  ]);

  class RTCSession {
    mediaStream = null;
    remoteAudioElement = null;
    echoCancellation = true;
    _pc = null;
    _isUserProvidedStream = false;
    sessionReport = {
      sessionStartTime: null, sessionEndTime: null, gumTimeMillis: null, initializationTimeMillis: null, iceCollectionTimeMillis: null,
      signallingConnectTimeMillis: null, handshakingTimeMillis: null, preTalkingTimeMillis: null, talkingTimeMillis: null,
      cleanupTimeMillis: null, iceCollectionFailure: false, signallingConnectionFailure: false, handshakingFailure: false,
      gumOtherFailure: false, gumTimeoutFailure: false, createOfferFailure: false, setLocalDescriptionFailure: false,
      userBusyFailure: false, invalidRemoteSDPFailure: false, noRemoteIceCandidateFailure: false, setRemoteDescriptionFailure: false,
      iceConnectionsLost: 0, iceConnectionsFailed: null, peerConnectionFailed: null, firstRTPTimeMillis: null,
      rtcJsVersion: "simulator", streamStats: [],
    };

    #token; #contactId; #webSockets; #signals = null; #answers = new Map(); #over = false; #talking = 0;

    constructor(signalingUri, iceServers, token, _logger, contactId, connectionId, webSockets) {
      this._signalingUri = signalingUri; // the library names these two in the errors that it shows
      this._iceServers = iceServers;
      this.#token = token;
      this.#contactId = contactId;
      this._callId = connectionId;
      this.#webSockets = webSockets;
    }

    get callId() { return this._callId; }

    connect() {
      this.#run().catch((error) => { this.#fail(error); });
    }

    async #run() {
      const report = this.sessionReport;
      report.sessionStartTime = new Date();
      const began = performance.now();
      await this.#microphone();
      report.gumTimeMillis = Math.round(performance.now() - began);
      const candidates = await this.#gather();
      const connected = performance.now();
      await this.#signalling();
      report.signallingConnectTimeMillis = Math.round(performance.now() - connected);
      report.initializationTimeMillis = Math.round(performance.now() - began);
      const shaking = performance.now();
      await this.#invite(candidates);
      report.handshakingTimeMillis = Math.round(performance.now() - shaking);
      report.preTalkingTimeMillis = Math.round(performance.now() - began);
      this.#talking = performance.now();
      if (!this.#over) this.onSessionConnected?.(this);
    }

    async #microphone() {
      if (this.mediaStream === null) {
        const asked = navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: this.echoCancellation } })
          .catch(() => { throw new Failed(errors.GUM_OTHER_FAILURE, "gumOtherFailure"); });
        this.mediaStream = await within(limits.microphone, asked, new Failed(errors.GUM_TIMEOUT_FAILURE, "gumTimeoutFailure"));
      }
      this.onLocalStreamAdded?.(this, this.mediaStream);
    }

    // Goes on with the first candidate: a browser may take long to say that there are no more.
    async #gather() {
      const began = performance.now();
      const pc = new RTCPeerConnection({ iceServers: this._iceServers, iceTransportPolicy: "relay", rtcpMuxPolicy: "require" });
      this._pc = pc;
      const candidates = [];
      const first = new Promise((resolve) => {
        pc.onicecandidate = ({ candidate }) => {
          if (!candidate?.candidate) return;
          candidates.push(candidate.toJSON());
          resolve();
        };
      });
      pc.ontrack = ({ streams: [stream] }) => {
        if (this.remoteAudioElement) this.remoteAudioElement.srcObject = stream;
      };
      pc.oniceconnectionstatechange = () => {
        if (pc.iceConnectionState === "disconnected") this.sessionReport.iceConnectionsLost++;
        if (pc.iceConnectionState === "failed") this.sessionReport.iceConnectionsFailed = (this.sessionReport.iceConnectionsFailed ?? 0) + 1;
      };
      for (const track of this.mediaStream.getTracks()) pc.addTrack(track, this.mediaStream);
      const offer = await pc.createOffer().catch(() => { throw new Failed(errors.CREATE_OFFER_FAILURE, "createOfferFailure"); });
      await pc.setLocalDescription({ type: "offer", sdp: `${offer.sdp}a=ptime:20\r\na=maxptime:20\r\n` })
        .catch(() => { throw new Failed(errors.SET_LOCAL_DESCRIPTION_FAILURE, "setLocalDescriptionFailure"); });
      const measure = () => { this.sessionReport.iceCollectionTimeMillis = Math.round(performance.now() - began); };
      await within(limits.ice, first, new Failed(errors.ICE_COLLECTION_TIMEOUT, "iceCollectionFailure")).finally(measure);
      return candidates;
    }

    // By the library's own websocket where the call is configured so, else by one for the call.
    async #signalling() {
      this.#signals = this.#webSockets ? this.#share() : await this.#open();
    }

    #share() {
      const [topic, connectionId] = ["aws/softphone", this._callId];
      this.#webSockets.subscribeTopics([topic]);
      const leave = this.#webSockets.onMessage(topic, ({ content }) => {
        const message = JSON.parse(content);
        if (message.connectionId === connectionId) this.#answered(message.jsonRpcMsg);
      });
      return { send: (jsonRpcMsg) => { this.#webSockets.sendMessage({ topic, connectionId, jsonRpcMsg }); }, close: leave };
    }

    #open() {
      const url = new URL(this._signalingUri);
      url.searchParams.set("callId", this.#contactId);
      url.searchParams.set("contactCtx", this.#token);
      const failed = new Failed(errors.SIGNALLING_CONNECTION_FAILURE, "signallingConnectionFailure");
      const socket = new WebSocket(url);
      socket.onmessage = ({ data }) => { this.#answered(JSON.parse(data)); };
      const signals = {
        send: (message) => { if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message)); },
        close: () => { socket.close(); },
      };
      return within(limits.connect, new Promise((resolve, reject) => {
        socket.onopen = () => { resolve(signals); };
        socket.onerror = () => { reject(failed); };
      }), failed);
    }

    #answered(message) {
      this.#answers.get(message.id)?.(message);
      this.#answers.delete(message.id);
    }

    #ask(method, params) {
      const id = crypto.randomUUID();
      const answer = new Promise((resolve) => { this.#answers.set(id, resolve); });
      this.#signals.send({ jsonrpc: "2.0", id, method, params: { contactId: this.#contactId, callContextToken: this.#token, ...params } });
      return answer;
    }

    async #invite(candidates) {
      const failed = new Failed(errors.SIGNALLING_HANDSHAKE_FAILURE, "handshakingFailure");
      const { result, error } = await within(limits.invite, this.#ask("invite", { sdp: this._pc.localDescription.sdp, candidates }), failed);
      if (error) throw new Failed(byCode[error.code] ?? failed.message, "handshakingFailure", ...(error.code === 486 ? ["userBusyFailure"] : []));
      if (!result.candidates?.length) throw new Failed(errors.NO_REMOTE_ICE_CANDIDATE, "noRemoteIceCandidateFailure");
      const refused = () => { throw new Failed(errors.SET_REMOTE_DESCRIPTION_FAILURE, "setRemoteDescriptionFailure"); };
      await this._pc.setRemoteDescription({ type: "answer", sdp: result.sdp }).catch(refused);
      for (const candidate of result.candidates) await this._pc.addIceCandidate(candidate).catch(refused);
      void this.#ask("accept", {});
    }

    hangup() {
      if (this.#over) return;
      this.#end();
      this.onSessionCompleted?.(this);
    }

    #fail(error) {
      if (this.#over) return;
      for (const flag of error.flags ?? ["handshakingFailure"]) this.sessionReport[flag] = true;
      this.#end();
      this.onSessionFailed?.(this, error.message);
    }

    #end() {
      this.#over = true;
      const report = this.sessionReport;
      const began = performance.now();
      if (this.#talking) report.talkingTimeMillis = Math.round(began - this.#talking);
      if (this.#signals) void this.#ask("bye", {});
      this.#signals?.close();
      // Connect's library gives one track to all calls that are up, and says so.
      if (!this._isUserProvidedStream) for (const track of this.mediaStream?.getTracks() ?? []) track.stop();
      this._pc?.close();
      report.cleanupTimeMillis = Math.round(performance.now() - began);
      report.sessionEndTime = new Date();
    }

    // What the agent hears. (The name is that of the real session.)
    getUserAudioStats() {
      return this.#stats("inbound-rtp", (s) => ({
        packetsLost: s.packetsLost, packetsCount: s.packetsReceived, audioLevel: level(s.audioLevel), rttMilliseconds: null,
        jbMilliseconds: Math.floor((dialect === "buffer_delay" ? s.jitterBufferDelay : s.jitter) * 1000),
      }));
    }

    // What the far side received of the agent.
    async getRemoteAudioStats() {
      const [sent, source, far] = await Promise.all([
        this.#stats("outbound-rtp", (s) => s), this.#stats("media-source", (s) => s, {}), this.#stats("remote-inbound-rtp", (s) => s, {}),
      ]);
      const input = dialect === "buffer_delay" ? await this.getUserAudioStats() : null;
      return {
        timestamp: new Date(), packetsLost: far.packetsLost ?? 0, packetsCount: sent.packetsSent, audioLevel: level(source.audioLevel),
        rttMilliseconds: far.roundTripTime === undefined ? null : Math.floor(far.roundTripTime * 1000),
        jbMilliseconds: input ? input.jbMilliseconds : Math.floor((far.jitter ?? 0) * 1000),
      };
    }

    async #stats(type, take, none) {
      for (const stat of (await this._pc.getStats()).values()) {
        if (stat.type === type && (stat.kind ?? "audio") === "audio") return { timestamp: new Date(), ...take(stat) };
      }
      if (none === undefined) throw new Error(`no ${type} yet`);
      return none;
    }
  }

  const level = (of) => (of === undefined ? null : Math.floor(of * 32768));

  connect.RTCErrors = errors;
  connect.RTCSession = RTCSession;
})();
