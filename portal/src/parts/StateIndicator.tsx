import StatusIndicator, { type StatusIndicatorProps } from "@cloudscape-design/components/status-indicator";

import type { OperationState, TenantState } from "../api/types";

const tenantLooks: Record<TenantState, StatusIndicatorProps.Type> = {
  pending: "pending",
  provisioning: "in-progress",
  active: "success",
  updating: "in-progress",
  suspended: "stopped",
  failed: "error",
  deleting: "in-progress",
  deleted: "stopped",
};

const operationLooks: Record<OperationState, StatusIndicatorProps.Type> = {
  queued: "pending",
  running: "in-progress",
  succeeded: "success",
  failed: "error",
  cancelled: "stopped",
};

export const TenantStateIndicator = ({ state }: { readonly state: TenantState }) => (
  <StatusIndicator type={tenantLooks[state]}>{state}</StatusIndicator>
);

export const OperationStateIndicator = ({ state }: { readonly state: OperationState }) => (
  <StatusIndicator type={operationLooks[state]}>{state}</StatusIndicator>
);
