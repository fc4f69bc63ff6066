// What the Connect library publishes about calls, as far as it is read. Every member may be missing or of another type: the
// library's version is Amazon's choice when the frame owns the media.

export interface StatsEvent {
  readonly contactId?: unknown;
  readonly ccpVersion?: unknown;
  readonly stats?: unknown;
}

export interface ReportEvent {
  readonly contactId?: unknown;
  readonly ccpVersion?: unknown;
  readonly report?: unknown;
}

export interface MetricEvent {
  readonly name?: unknown;
  readonly time?: unknown;
  readonly error?: unknown;
  readonly error5xx?: unknown;
  readonly fault?: unknown;
  readonly optionalDimensions?: unknown;
}

export type Members = Readonly<Record<string, unknown>>;

export const isObject = (value: unknown): value is Members => typeof value === "object" && value !== null && !Array.isArray(value);

/** A number as it was measured, or null: an unknown one is never 0. */
export function quantity(value: unknown): number | null {
  const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  return typeof number === "number" && Number.isFinite(number) ? number : null;
}

/** An instant in RFC 3339, or undefined. */
export function instant(value: unknown): string | undefined {
  const date = value instanceof Date ? value : typeof value === "number" || typeof value === "string" ? new Date(value) : undefined;
  return date === undefined || Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}

/** A name that the pushers take: not longer, without control characters; else nothing. */
export function name(value: unknown, maxBytes = 256): string | undefined {
  if (typeof value !== "string" || value === "" || /\p{Cc}/u.test(value)) return undefined;
  return new TextEncoder().encode(value).length <= maxBytes ? value : undefined;
}
