import type { Texts } from "../text/en";
import { h, setText } from "./dom";

export interface CheckOptions {
  readonly texts: Texts;
  readonly api: string;
  readonly fetch: typeof globalThis.fetch;
  readonly openMicrophone: () => Promise<MediaStream>;
}

const listenMillis = 4000;
const silentBelow = 0.005;

/** The check before a call: the microphone's level, and whether a post reaches the telemetry API. */
export function preCallCheck(options: CheckOptions): HTMLElement {
  const { check } = options.texts;
  const level = h("meter", { min: "0", max: "1", "aria-label": check.level, hidden: true });
  const microphone = h("p", { role: "status" });
  const api = h("p", { role: "status" });
  const run = async (): Promise<void> => {
    button.disabled = true;
    setText(microphone, check.running);
    setText(api, "");
    level.hidden = false;
    const [heard, reached] = await Promise.all([
      hear(options, (value) => { level.value = Math.min(1, value * 4); }),
      reach(options),
    ]);
    level.hidden = true;
    show(microphone, heard.isGood, heard.text);
    show(api, reached.isGood, reached.text);
    button.disabled = false;
  };
  const button = h("button", { type: "button", class: "quiet", click: () => { void run(); } }, check.start);
  return h("section", { class: "card" }, h("h2", {}, check.title), button, level, microphone, api);
}

interface Finding {
  readonly isGood: boolean;
  readonly text: string;
}

function show(line: HTMLElement, isGood: boolean, text: string): void {
  setText(line, text);
  line.className = isGood ? "good" : "alarm";
}

async function hear({ texts, openMicrophone }: CheckOptions, tell: (level: number) => void): Promise<Finding> {
  const { microphone } = texts.check;
  let stream: MediaStream;
  try {
    stream = await openMicrophone();
  } catch (error) {
    const isMissing = error instanceof DOMException && error.name === "NotFoundError";
    return { isGood: false, text: isMissing ? microphone.missing : microphone.refused };
  }
  const audio = new AudioContext();
  try {
    const loudest = await listen(audio, stream, tell);
    return loudest < silentBelow ? { isGood: false, text: microphone.silent } : { isGood: true, text: microphone.good };
  } finally {
    stream.getTracks().forEach((track) => { track.stop(); });
    await audio.close();
  }
}

/** Listens for some seconds and returns the loudest moment, 0 to 1. */
function listen(audio: AudioContext, stream: MediaStream, tell: (level: number) => void): Promise<number> {
  const analyser = audio.createAnalyser();
  audio.createMediaStreamSource(stream).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  let loudest = 0;
  return new Promise((resolve) => {
    const look = setInterval(() => {
      analyser.getFloatTimeDomainData(samples);
      const level = Math.sqrt(samples.reduce((sum, it) => sum + it * it, 0) / samples.length);
      loudest = Math.max(loudest, level);
      tell(level);
    }, 100);
    setTimeout(() => {
      clearInterval(look);
      resolve(loudest);
    }, listenMillis);
  });
}

/** A body that names no agent is refused by an API that works, and leaves nothing. */
async function reach({ texts, api, fetch }: CheckOptions): Promise<Finding> {
  const { api: words } = texts.check;
  try {
    const { status } = await fetch(`${api}/apimetrics`, {
      method: "POST", headers: { "content-type": "application/json" }, body: '{"test":"reachability"}', signal: AbortSignal.timeout(10_000),
    });
    if (status === 422) return { isGood: true, text: words.good };
    return { isGood: false, text: status === 410 ? words.suspended : words.refused(status) };
  } catch {
    return { isGood: false, text: words.unreachable };
  }
}
