import type { components } from "./schema.gen";

type Schemas = components["schemas"];
export type Tenant = Schemas["Tenant"];
export type TenantState = Schemas["TenantState"];
export type TenantHealth = Schemas["TenantHealth"];
export type TenantDraft = Schemas["TenantDraft"];
export type ConnectInstance = Schemas["ConnectInstance"];
export type ConnectInstanceDraft = Schemas["ConnectInstanceDraft"];
export type Operation = Schemas["Operation"];
export type OperationEvent = Schemas["OperationEvent"];
export type OperationKind = Schemas["OperationKind"];
export type OperationState = Schemas["OperationState"];
export type Settings = Schemas["Settings"];
export type SettingsDraft = Schemas["SettingsDraft"];
export type Caller = Schemas["Caller"];
