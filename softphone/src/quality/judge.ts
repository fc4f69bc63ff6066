import type { StreamRecord } from "../wire/types.gen";
import { mosOf, oneWay, rate } from "./mos";

/** One second of one direction, judged as the pushers judge it (internal/telemetry: stream.go, jitter.go, loss.go). */
export interface Second {
  readonly at: number;
  readonly record: StreamRecord;
  lossPercent?: number;
  jitterMillis?: number;
  jitterKind?: "interarrival" | "buffer_delay";
  mos?: number;
}

interface Sample extends Second {
  bufferMillis?: number;
}

export interface Judged {
  readonly input: readonly Second[];
  readonly output: readonly Second[];
}

const maxPackets = 150; // more: the first sample of a connection holds all before it
const lossWindowMillis = 10_000;
const maxBorrowMillis = 2000;
const cumulativeAbove = 2000;
const samplesPerSecond = 48_000;

/** Judges the seconds of one batch of one contact. */
export function judge(records: readonly StreamRecord[]): Judged {
  const [input, output] = (["audio_input", "audio_output"] as const).map((type) =>
    records
      .filter((record) => record.softphoneStreamType === type)
      .map((record): Sample => ({ at: Date.parse(record.timestamp), record }))
      .sort((a, b) => a.at - b.at),
  ) as [Sample[], Sample[]];
  for (const group of [input, output]) {
    tellJitter(group);
    tellLoss(group);
  }
  rateAll(input, output);
  rateAll(output, input);
  return { input, output };
}

const packets = (sample: Sample): number => sample.record.packetsCount ?? 0;

function counted(sample: Sample): { lost: number; count: number } | undefined {
  const { packetsCount: count, packetsLost: lost } = sample.record;
  return count === null || lost === null || count > maxPackets ? undefined : { count: Math.max(0, count), lost: Math.max(0, lost) };
}

function tellLoss(group: Sample[]): void {
  const first = group[0]?.at ?? 0;
  for (const sample of group) {
    const own = counted(sample);
    if (own === undefined) continue;
    if (sample.record.softphoneStreamType === "audio_input") {
      if (own.lost + own.count > 0) sample.lossPercent = (100 * own.lost) / (own.lost + own.count);
      continue;
    }
    // The loss of what is sent comes in lumps, when a report of the far end does.
    const from = Math.max(sample.at - lossWindowMillis + 1, first);
    let [lost, count] = [0, 0];
    for (const other of group) {
      const some = other.at >= from && other.at < from + lossWindowMillis ? counted(other) : undefined;
      lost += some?.lost ?? 0;
      count += some?.count ?? 0;
    }
    if (count > 0) sample.lossPercent = Math.min(100, (100 * lost) / count);
  }
}

function tellJitter(group: Sample[]): void {
  const stretches: Sample[][] = [];
  let last: number | undefined;
  for (const sample of group) {
    const jitter = sample.record.jitterBufferMillis;
    if (jitter === null) continue;
    if (last === undefined || jitter < last) stretches.push([]);
    stretches.at(-1)?.push(sample);
    last = jitter;
  }
  for (const stretch of stretches) {
    const cumulative = isCumulative(stretch.map(jitterOf), stretches.length > 1);
    stretch.forEach((sample, i) => {
      if (cumulative) buffered(sample, stretch.slice(0, i));
      else interarrival(sample);
    });
  }
}

const jitterOf = (sample: Sample): number => sample.record.jitterBufferMillis ?? 0;

/** Tells the sum over all samples played, which some libraries send, by what only a sum does. */
function isCumulative(values: readonly number[], oneOfSeveral: boolean): boolean {
  const [begin, end] = [values[0] ?? 0, values.at(-1) ?? 0];
  if (values.length < 2 || end <= cumulativeAbove || values.some((value) => value !== 0 && value <= cumulativeAbove)) return false;
  return !(oneOfSeveral || begin === 0) || end - begin >= samplesPerSecond;
}

function buffered(sample: Sample, before: readonly Sample[]): void {
  sample.jitterKind = "buffer_delay";
  const earlier = before.findLast((other) => other.at < sample.at);
  if (earlier === undefined || packets(sample) <= 0) return;
  const seconds = Math.max(1, Math.round((sample.at - earlier.at) / 1000));
  sample.jitterMillis = sample.bufferMillis = (jitterOf(sample) - jitterOf(earlier)) / (samplesPerSecond * seconds);
}

function interarrival(sample: Sample): void {
  const jitter = jitterOf(sample);
  if (jitter < 0 || jitter > cumulativeAbove) return;
  sample.jitterKind = "interarrival";
  if (packets(sample) > 0) {
    sample.jitterMillis = jitter;
    sample.bufferMillis = 2 * jitter;
  } else if (sample.record.softphoneStreamType === "audio_input" && (sample.record.packetsLost ?? 0) > 0) {
    sample.bufferMillis = 2 * jitter;
  }
}

function rateAll(group: Sample[], others: readonly Sample[]): void {
  for (const sample of group) {
    const trip = roundTripOf(sample, others);
    if (trip === undefined || sample.lossPercent === undefined || sample.bufferMillis === undefined) continue;
    sample.mos = mosOf(rate(oneWay(trip, sample.bufferMillis), sample.lossPercent));
  }
}

/** A second's own round trip, else that of the other direction nearest in time. */
function roundTripOf(sample: Sample, others: readonly Sample[]): number | undefined {
  const own = sample.record.roundTripTimeMillis;
  if (own !== null && own >= 0) return own;
  let nearest: number | undefined;
  let distance = maxBorrowMillis + 1;
  for (const other of others) {
    const trip = other.record.roundTripTimeMillis;
    const apart = Math.abs(sample.at - other.at);
    if (trip !== null && trip >= 0 && apart < distance) [nearest, distance] = [trip, apart];
  }
  return nearest;
}

/** The mean score of the seconds that have one. */
export function meanMos(seconds: readonly Second[]): number | undefined {
  const scores = seconds.flatMap((second) => second.mos ?? []);
  return scores.length === 0 ? undefined : scores.reduce((sum, mos) => sum + mos, 0) / scores.length;
}
