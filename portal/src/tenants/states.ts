import type { Tenant } from "../api/types";

/** Why a tenant's stack cannot be changed now. */
export function busyReason({ state, active_operation }: Tenant): string | undefined {
  if (active_operation !== undefined) return "An operation is under way; wait for its end.";
  return state === "active" ? undefined : `The tenant is ${state}; only an active one can be changed.`;
}

/** Why an action is of no use now. */
export const refusals = {
  suspend: ({ state, active_operation }: Tenant) =>
    active_operation !== undefined ? "An operation is under way; wait for its end." : state === "active" ? undefined : `The tenant is ${state}, not active.`,
  resume: ({ state, active_operation }: Tenant) =>
    active_operation !== undefined ? "An operation is under way; wait for its end." : state === "suspended" ? undefined : `The tenant is ${state}, not suspended.`,
  retry: ({ state }: Tenant) => (state === "failed" ? undefined : "Nothing has failed."),
  offboard: ({ state, data_retained, settings }: Tenant) => {
    if (settings.delete_protection) return "Delete protection is on; turn it off in the settings first.";
    return state === "deleting" || (state === "deleted" && !data_retained) ? `The tenant is ${state}.` : undefined;
  },
} as const;
