import type { SetupCheck, SetupItem } from "../api/types";

export const setupNames: Record<SetupItem["item"], string> = {
  directory_role: "Directory role",
  approved_origin: "Approved origin",
  ccp_url: "Contact Control Panel",
};

export const setupStates: Record<SetupItem["state"], string> = { done: "done", not_done: "not done", unknown: "not known" };

const againMillis = 20_000;
const patienceMillis = 300_000;

/** How long until the next look, while whoever was asked may be at it; false when all is done, or nobody was for too long. */
export function untilNextLook(found: SetupCheck | undefined, began: number, now: number): number | false {
  if (found?.items.every(({ state }) => state === "done") === true) return false;
  return now - began < patienceMillis ? againMillis : false;
}

/** "2 of 3 are done". */
export function summaryOf({ items }: SetupCheck): string {
  const done = items.filter(({ state }) => state === "done").length;
  return done === items.length ? "All is done" : `${done} of ${items.length} are done`;
}
