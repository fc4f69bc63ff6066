import StatusIndicator, { type StatusIndicatorProps } from "@cloudscape-design/components/status-indicator";

import type { OperationState, TenantState, UpgradeState } from "../api/types";

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

const upgradeLooks: Record<UpgradeState, StatusIndicatorProps.Type> = { running: "in-progress", stopping: "warning", succeeded: "success", failed: "error" };

export const UpgradeStateIndicator = ({ state }: { readonly state: UpgradeState }) => (
  <StatusIndicator type={upgradeLooks[state]}>{state}</StatusIndicator>
);

export const TenantStateIndicator = ({ state }: { readonly state: TenantState }) => (
  <StatusIndicator type={tenantLooks[state]}>{state}</StatusIndicator>
);

export const OperationStateIndicator = ({ state }: { readonly state: OperationState }) => (
  <StatusIndicator type={operationLooks[state]}>{state}</StatusIndicator>
);
