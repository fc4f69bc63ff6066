import { createRootRoute, createRoute, createRouter, lazyRouteComponent, redirect } from "@tanstack/react-router";

import type { AuditFilter, OperationFilter, TenantFilter } from "./api/queries";
import { NotFound } from "./pages/NotFound";
import { isTenantTab, paths } from "./paths";
import { auditOutcomes, conditions, instant, oneOf, operationKinds, operationStates, tenantStates, text } from "./search";
import { Shell } from "./shell/Shell";
import { Failed } from "./shell/Failed";

// Nothing but main imports this: a page is loaded when it is first opened, and finds its route by its path (getRouteApi).

const root = createRootRoute({ component: Shell, notFoundComponent: NotFound, errorComponent: Failed });

const home = createRoute({
  getParentRoute: () => root,
  path: "/",
  beforeLoad: () => {
    throw redirect({ to: paths.tenants() });
  },
});

const auditSearch = (search: Readonly<Record<string, unknown>>): AuditFilter => ({
  actor: text(search["actor"]),
  action: text(search["action"]),
  outcome: oneOf(auditOutcomes, search["outcome"]),
  from: instant(search["from"]),
  to: instant(search["to"]),
});

const tenants = createRoute({
  getParentRoute: () => root,
  path: "/tenants",
  validateSearch: (search): TenantFilter => ({
    q: text(search["q"]),
    state: oneOf(tenantStates, search["state"]),
    health: oneOf(conditions, search["health"]),
    cell: text(search["cell"]),
    artifact_version: text(search["artifact_version"]),
  }),
  component: lazyRouteComponent(() => import("./pages/TenantsPage"), "TenantsPage"),
});

const operations = createRoute({
  getParentRoute: () => root,
  path: "/operations",
  validateSearch: (search): OperationFilter => ({
    tenant: text(search["tenant"]),
    kind: oneOf(operationKinds, search["kind"]),
    state: oneOf(operationStates, search["state"]),
  }),
  component: lazyRouteComponent(() => import("./pages/OperationsPage"), "OperationsPage"),
});

const operation = createRoute({
  getParentRoute: () => root,
  path: "/operations/$id",
  component: lazyRouteComponent(() => import("./pages/OperationPage"), "OperationPage"),
});

// One route for all tabs, so that a change of tab keeps the page, and with it where the keyboard is.
const tenant = createRoute({
  getParentRoute: () => root,
  path: "/tenants/$slug/{-$tab}",
  validateSearch: auditSearch,
  beforeLoad: ({ params: { slug, tab } }) => {
    if (tab !== undefined && !isTenantTab(tab)) throw redirect({ to: paths.tenant(slug), replace: true });
  },
  component: lazyRouteComponent(() => import("./pages/TenantPage"), "TenantPage"),
});

const newTenant = createRoute({
  getParentRoute: () => root,
  path: "/tenants/new",
  validateSearch: (search): { made?: string | undefined } => ({ made: text(search["made"]) }),
  component: lazyRouteComponent(() => import("./pages/NewTenantPage"), "NewTenantPage"),
});

const newInstance = createRoute({
  getParentRoute: () => root,
  path: "/tenants/$slug/instances/new",
  component: lazyRouteComponent(() => import("./pages/InstancePage"), "NewInstancePage"),
});

const instance = createRoute({
  getParentRoute: () => root,
  path: "/tenants/$slug/instances/edit/$alias",
  component: lazyRouteComponent(() => import("./pages/InstancePage"), "InstancePage"),
});

const newManager = createRoute({
  getParentRoute: () => root,
  path: "/tenants/$slug/managers/invite",
  component: lazyRouteComponent(() => import("./pages/NewManagerPage"), "NewManagerPage"),
});

const upgrades = createRoute({
  getParentRoute: () => root,
  path: "/upgrades",
  component: lazyRouteComponent(() => import("./pages/UpgradesPage"), "UpgradesPage"),
});

const newUpgrade = createRoute({
  getParentRoute: () => root,
  path: "/upgrades/new",
  validateSearch: (search): { tenants: readonly string[] } => ({ tenants: (text(search["tenants"]) ?? "").split(",").filter((slug) => slug !== "") }),
  component: lazyRouteComponent(() => import("./pages/NewUpgradePage"), "NewUpgradePage"),
});

const upgrade = createRoute({
  getParentRoute: () => root,
  path: "/upgrades/$id",
  component: lazyRouteComponent(() => import("./pages/UpgradePage"), "UpgradePage"),
});

const cells = createRoute({
  getParentRoute: () => root,
  path: "/cells",
  component: lazyRouteComponent(() => import("./pages/CellsPage"), "CellsPage"),
});

const newCell = createRoute({
  getParentRoute: () => root,
  path: "/cells/new",
  component: lazyRouteComponent(() => import("./pages/CellPage"), "NewCellPage"),
});

const cell = createRoute({
  getParentRoute: () => root,
  path: "/cells/$name",
  component: lazyRouteComponent(() => import("./pages/CellPage"), "CellPage"),
});

const audit = createRoute({
  getParentRoute: () => root,
  path: "/audit",
  validateSearch: (search): AuditFilter => ({ ...auditSearch(search), tenant: text(search["tenant"]) }),
  component: lazyRouteComponent(() => import("./pages/AuditPage"), "AuditPage"),
});

const apiKeys = createRoute({
  getParentRoute: () => root,
  path: "/api-keys",
  component: lazyRouteComponent(() => import("./pages/APIKeysPage"), "APIKeysPage"),
});

const newAPIKey = createRoute({
  getParentRoute: () => root,
  path: "/api-keys/new",
  component: lazyRouteComponent(() => import("./pages/NewAPIKeyPage"), "NewAPIKeyPage"),
});

const about = createRoute({
  getParentRoute: () => root,
  path: "/about",
  component: lazyRouteComponent(() => import("./pages/AboutPage"), "AboutPage"),
});

const tree = root.addChildren([
  home, tenants, newTenant, newInstance, instance, newManager, tenant, operations, operation, upgrades, newUpgrade, upgrade, cells, newCell, cell,
  audit, apiKeys, newAPIKey, about,
]);

export const newRouter = () => createRouter({ routeTree: tree, defaultPreload: false, scrollRestoration: true, defaultErrorComponent: Failed });

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof newRouter>;
  }
}
