/** Every address of the portal. */
export const paths = {
  tenants: () => "/tenants",
  tenantsOf: (cell: string) => `/tenants?cell=${encodeURIComponent(cell)}`,
  tenantsWith: (version: string) => `/tenants?artifact_version=${encodeURIComponent(version)}`,
  newTenant: () => "/tenants/new",
  handOver: (slug: string) => `/tenants/new?made=${encodeURIComponent(slug)}`,
  tenant: (slug: string) => `/tenants/${encodeURIComponent(slug)}`,
  tenantTab: (slug: string, tab: TenantTab) => (tab === "overview" ? paths.tenant(slug) : `${paths.tenant(slug)}/${tab}`),
  newInstance: (slug: string) => `${paths.tenant(slug)}/instances/new`,
  instance: (slug: string, alias: string) => `${paths.tenant(slug)}/instances/edit/${encodeURIComponent(alias)}`,
  newManager: (slug: string) => `${paths.tenant(slug)}/managers/invite`,
  operations: () => "/operations",
  operation: (id: string) => `/operations/${encodeURIComponent(id)}`,
  upgrades: () => "/upgrades",
  newUpgrade: (slugs: readonly string[]) => `/upgrades/new?tenants=${encodeURIComponent(slugs.join(","))}`,
  upgrade: (id: string) => `/upgrades/${encodeURIComponent(id)}`,
  cells: () => "/cells",
  newCell: () => "/cells/new",
  cell: (name: string) => `/cells/${encodeURIComponent(name)}`,
  audit: () => "/audit",
  apiKeys: () => "/api-keys",
  newAPIKey: () => "/api-keys/new",
  about: () => "/about",
  apiDocs: () => "/docs",
  specification: () => "/openapi.json",
} as const;

export const tenantTabs = ["overview", "instances", "managers", "space", "settings", "operations", "audit", "manage"] as const;
export type TenantTab = (typeof tenantTabs)[number];

export const isTenantTab = (text: string): text is TenantTab => (tenantTabs as readonly string[]).includes(text);

/** Addresses of this origin that the API answers. */
export const isAPI = (path: string): boolean => path === paths.apiDocs() || path === paths.specification() || path.startsWith("/v1/");
