import { createRootRoute, createRoute, createRouter, lazyRouteComponent, redirect } from "@tanstack/react-router";

import type { OperationFilter, TenantFilter } from "./api/queries";
import { NotFound } from "./pages/NotFound";
import { isTenantTab, paths } from "./paths";
import { oneOf, operationKinds, operationStates, tenantStates, text } from "./search";
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

export const tenantsRoute = createRoute({
  getParentRoute: () => root,
  path: "/tenants",
  validateSearch: (search): TenantFilter => ({ q: text(search["q"]), state: oneOf(tenantStates, search["state"]), cell: text(search["cell"]) }),
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

export const tenantRoute = createRoute({
  getParentRoute: () => root,
  path: "/tenants/$slug",
  component: lazyRouteComponent(() => import("./pages/TenantPage"), "TenantPage"),
});

export const tenantTabRoute = createRoute({
  getParentRoute: () => root,
  path: "/tenants/$slug/$tab",
  beforeLoad: ({ params: { slug, tab } }) => {
    if (!isTenantTab(tab)) throw redirect({ to: paths.tenant(slug), replace: true });
  },
  component: lazyRouteComponent(() => import("./pages/TenantPage"), "TenantPage"),
});

const newTenant = createRoute({
  getParentRoute: () => root,
  path: "/tenants/new",
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

const about = createRoute({
  getParentRoute: () => root,
  path: "/about",
  component: lazyRouteComponent(() => import("./pages/AboutPage"), "AboutPage"),
});

const tree = root.addChildren([home, tenantsRoute, newTenant, newInstanceRoute, instanceRoute, tenantRoute, tenantTabRoute, operationsRoute, operationRoute, about]);

export const newRouter = () => createRouter({ routeTree: tree, defaultPreload: false, scrollRestoration: true, defaultErrorComponent: Failed });

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof newRouter>;
  }
}
