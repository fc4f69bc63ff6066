import type { AuditOutcome, Condition, OperationKind, OperationState, TenantState } from "./api/types";

// Record wants each member of the contract's enumerations, so that a new one does not compile without its place here.
const states: Record<TenantState, true> = {
  pending: true, provisioning: true, active: true, updating: true, suspended: true, failed: true, deleting: true, deleted: true,
};
const kinds: Record<OperationKind, true> = {
  onboard: true, rebuild: true, update: true, upgrade: true, preview: true, suspend: true, resume: true, replay: true, redrive: true, erase: true, offboard: true,
};
const outcomes: Record<OperationState, true> = { queued: true, running: true, succeeded: true, failed: true, cancelled: true };

const allConditions: Record<Condition, true> = { good: true, warning: true, bad: true, unknown: true };

const verdicts: Record<AuditOutcome, true> = { done: true, refused: true };

// Object.keys knows only that keys are strings; these are the record's.
export const tenantStates = Object.keys(states) as readonly TenantState[];
export const conditions = Object.keys(allConditions) as readonly Condition[];
export const operationKinds = Object.keys(kinds) as readonly OperationKind[];
export const operationStates = Object.keys(outcomes) as readonly OperationState[];
export const auditOutcomes = Object.keys(verdicts) as readonly AuditOutcome[];

/** A member of an address's query, if it is a text. The router reads digits as numbers. */
export function text(value: unknown): string | undefined {
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  return typeof value === "string" && value !== "" ? value : undefined;
}

export function oneOf<T extends string>(all: readonly T[], value: unknown): T | undefined {
  return all.find((one) => one === value);
}

/** An instant in an address's query, as the API takes it. */
export function instant(value: unknown): string | undefined {
  const written = text(value);
  return written === undefined || Number.isNaN(Date.parse(written)) ? undefined : new Date(written).toISOString();
}
