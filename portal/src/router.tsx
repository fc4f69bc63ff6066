import { createRootRoute, createRoute, createRouter, lazyRouteComponent, redirect } from "@tanstack/react-router";

import type { AuditFilter, OperationFilter, TenantFilter } from "./api/queries";
import { NotFound } from "./pages/NotFound";
import { isTenantTab, paths } from "./paths";
import { auditOutcomes, conditions, instant, oneOf, operationKinds, operationStates, tenantStates, text } from "./search";
import { Shell } from "./shell/Shell";
import { Failed } from "./shell/Failed";

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

export const tenantsRoute = createRoute({
  getParentRoute: () => root,
  path: "/tenants",
  validateSearch: (search): TenantFilter => ({ q: text(search["q"]), state: oneOf(tenantStates, search["state"]), health: oneOf(conditions, search["health"]), cell: text(search["cell"]), artifact_version: text(search["artifact_version"]) }),
  component: lazyRouteComponent(() => import("./pages/TenantsPage"), "TenantsPage"),
});

export const operationsRoute = createRoute({
  getParentRoute: () => root,
  path: "/operations",
  validateSearch: (search): OperationFilter => ({
    tenant: text(search["tenant"]),
    kind: oneOf(operationKinds, search["kind"]),
    state: oneOf(operationStates, search["state"]),
  }),
  component: lazyRouteComponent(() => import("./pages/OperationsPage"), "OperationsPage"),
});

export const operationRoute = createRoute({
  getParentRoute: () => root,
  path: "/operations/$id",
  component: lazyRouteComponent(() => import("./pages/OperationPage"), "OperationPage"),
});

// One route for all tabs, so that a change of tab keeps the page, and with it where the keyboard is.
export const tenantRoute = createRoute({
  getParentRoute: () => root,
  path: "/tenants/$slug/{-$tab}",
  validateSearch: auditSearch,
  beforeLoad: ({ params: { slug, tab } }) => {
    if (tab !== undefined && !isTenantTab(tab)) throw redirect({ to: paths.tenant(slug), replace: true });
  },
  component: lazyRouteComponent(() => import("./pages/TenantPage"), "TenantPage"),
});

export const newTenantRoute = createRoute({
  getParentRoute: () => root,
  path: "/tenants/new",
  validateSearch: (search): { made?: string | undefined } => ({ made: text(search["made"]) }),
  component: lazyRouteComponent(() => import("./pages/NewTenantPage"), "NewTenantPage"),
});

export const newInstanceRoute = createRoute({
  getParentRoute: () => root,
  path: "/tenants/$slug/instances/new",
  component: lazyRouteComponent(() => import("./pages/InstancePage"), "NewInstancePage"),
});

export const instanceRoute = createRoute({
  getParentRoute: () => root,
  path: "/tenants/$slug/instances/edit/$alias",
  component: lazyRouteComponent(() => import("./pages/InstancePage"), "InstancePage"),
});

export const newManagerRoute = createRoute({
  getParentRoute: () => root,
  path: "/tenants/$slug/managers/invite",
  component: lazyRouteComponent(() => import("./pages/NewManagerPage"), "NewManagerPage"),
});

const upgrades = createRoute({
  getParentRoute: () => root,
  path: "/upgrades",
  component: lazyRouteComponent(() => import("./pages/UpgradesPage"), "UpgradesPage"),
});

export const newUpgradeRoute = createRoute({
  getParentRoute: () => root,
  path: "/upgrades/new",
  validateSearch: (search): { tenants: readonly string[] } => ({ tenants: (text(search["tenants"]) ?? "").split(",").filter((slug) => slug !== "") }),
  component: lazyRouteComponent(() => import("./pages/NewUpgradePage"), "NewUpgradePage"),
});

export const upgradeRoute = createRoute({
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

export const cellRoute = createRoute({
  getParentRoute: () => root,
  path: "/cells/$name",
  component: lazyRouteComponent(() => import("./pages/CellPage"), "CellPage"),
});

export const auditRoute = createRoute({
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

const tree = root.addChildren([home, tenantsRoute, newTenantRoute, newInstanceRoute, instanceRoute, newManagerRoute, tenantRoute, operationsRoute, operationRoute, upgrades, newUpgradeRoute, upgradeRoute, cells, newCell, cellRoute, auditRoute, apiKeys, newAPIKey, about]);

export const newRouter = () => createRouter({ routeTree: tree, defaultPreload: false, scrollRestoration: true, defaultErrorComponent: Failed });

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof newRouter>;
  }
}
