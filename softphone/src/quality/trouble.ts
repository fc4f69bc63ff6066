import type { Judged, Second } from "./judge";

/** What an agent can be told while the call goes on, worst first. The finding of a call is the server's to make. */
export type Trouble =
  | "nothing_received"
  | "nothing_sent"
  | "silent_microphone"
  | "network_both"
  | "network_heard"
  | "network_sent"
  | "round_trip";

const order: readonly Trouble[] = [
  "nothing_received", "nothing_sent", "silent_microphone", "network_both", "network_heard", "network_sent", "round_trip",
];

const silentSeconds = 15;
const missingSeconds = 5;
const windowSeconds = 10;

/** Looks for trouble in the newest seconds of a call. */
export function findTrouble({ input, output }: Judged): Trouble[] {
  const found = new Set<Trouble>();
  const quiet = (second: Second): boolean => second.record.onHold !== true;
  const speaking = (second: Second): boolean => quiet(second) && second.record.muted !== true;
  if (allOfLast(input, missingSeconds, (it) => quiet(it) && it.record.packetsCount === 0)) found.add("nothing_received");
  if (allOfLast(output, missingSeconds, (it) => speaking(it) && it.record.packetsCount === 0)) found.add("nothing_sent");
  const isSilent = (it: Second): boolean =>
    speaking(it) && (it.record.packetsCount ?? 0) > 0 && it.record.audioLevel !== null && it.record.audioLevel <= 1;
  if (allOfLast(output, silentSeconds, isSilent)) found.add("silent_microphone");
  const heard = isBad(input);
  const sent = isBad(output);
  if (heard && sent) found.add("network_both");
  else if (heard) found.add("network_heard");
  else if (sent) found.add("network_sent");
  if (most([...input, ...output], (it) => (it.record.roundTripTimeMillis ?? 0) > 300)) found.add("round_trip");
  return order.filter((trouble) => found.has(trouble));
}

function allOfLast(seconds: readonly Second[], n: number, holds: (second: Second) => boolean): boolean {
  return seconds.length >= n && seconds.slice(-n).every(holds);
}

/** Whether the direction loses or delays more than speech bears, in most of the newest seconds. */
function isBad(seconds: readonly Second[]): boolean {
  return most(seconds.slice(-windowSeconds), (it) => {
    const limit = it.jitterKind === "buffer_delay" ? 150 : 30;
    return (it.lossPercent ?? 0) > 2.5 || (it.jitterMillis ?? 0) > limit;
  });
}

function most(seconds: readonly Second[], holds: (second: Second) => boolean): boolean {
  return seconds.length >= 5 && seconds.filter(holds).length * 2 > seconds.length;
}
