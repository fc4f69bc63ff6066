import Box from "@cloudscape-design/components/box";
import StatusIndicator, { type StatusIndicatorProps } from "@cloudscape-design/components/status-indicator";

import type { Condition, Tenant } from "../api/types";
import { When } from "../parts/When";

const looks: Record<Condition, StatusIndicatorProps.Type> = { good: "success", warning: "warning", bad: "error", unknown: "info" };
const words: Record<Condition, string> = { good: "good", warning: "warning", bad: "bad", unknown: "not known" };

/** How a tenant did when somebody looked last. What is good needs no reason; what is old says so first. */
export function Snapshot({ tenant: { health } }: { readonly tenant: Tenant }) {
  if (health === undefined) return <>–</>;
  const { state, reason, at, stale } = health;
  return (
    <>
      <StatusIndicator type={stale && state !== "unknown" ? "pending" : looks[state]}>{words[state]}</StatusIndicator>
      {stale && at !== undefined ? (
        <Box color="text-body-secondary" fontSize="body-s">
          stale: of <When at={at} />
        </Box>
      ) : null}
      {state === "good" ? null : <Box color="text-body-secondary" fontSize="body-s">{reason}</Box>}
    </>
  );
}
