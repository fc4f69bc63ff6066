// The E-model of ITU-T G.107 with the delay term of Cole & Rosenbluth (2001) and the packet-loss robustness of G.113 Appendix I
// for G.711 with concealment, as in internal/telemetry/mos.go: both are tested with the same vectors.

/** The rating R of a path with so much delay one way and so much loss. */
export function rate(oneWayMillis: number, lossPercent: number): number {
  const delay = 0.024 * oneWayMillis + (oneWayMillis > 177.3 ? 0.11 * (oneWayMillis - 177.3) : 0);
  return 93.2 - delay - (95 * lossPercent) / (lossPercent + 25.1);
}

/** The mean opinion score of a rating, 1 to 4.5. */
export function mosOf(r: number): number {
  if (r < 6.5) return 1;
  if (r > 100) return 4.5;
  return Math.max(1, 1 + 0.035 * r + 7e-6 * r * (r - 60) * (100 - r));
}

/** Half the round trip, what the jitter buffer adds, one frame of 20 ms. */
export const oneWay = (roundTripMillis: number, bufferMillis: number): number => roundTripMillis / 2 + bufferMillis + 20;

export type Quality = "good" | "fair" | "poor" | "bad";

export function qualityOf(mos: number): Quality {
  if (mos >= 4.0) return "good";
  if (mos >= 3.6) return "fair";
  return mos >= 3.1 ? "poor" : "bad";
}
