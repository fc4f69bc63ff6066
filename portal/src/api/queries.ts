import { infiniteQueryOptions, QueryClient, queryOptions } from "@tanstack/react-query";

import { bodyOf, withTag, type API } from "./client";
import { ProblemError } from "./problem";
import type { AuditEventPage, AuditOutcome, Condition, OperationKind, OperationState, Tenant, TenantState } from "./types";

export interface TenantFilter {
  readonly q?: string | undefined;
  readonly state?: TenantState | undefined;
  readonly health?: Condition | undefined;
  readonly cell?: string | undefined;
  readonly artifact_version?: string | undefined;
}

export interface AuditFilter {
  readonly actor?: string | undefined;
  readonly action?: string | undefined;
  readonly tenant?: string | undefined;
  readonly outcome?: AuditOutcome | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

export interface OperationFilter {
  readonly tenant?: string | undefined;
  readonly kind?: OperationKind | undefined;
  readonly state?: OperationState | undefined;
}

/** How soon to look again: often while something is going on. */
const soonMillis = 3_000;
const calmMillis = 30_000;

export function newQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 2_000,
        retry: (failures, error) => failures < 2 && !(error instanceof ProblemError && error.problem.status < 500),
      },
    },
  });
}

const isBusy = (tenant: Tenant): boolean => tenant.active_operation !== undefined;

export const tenantsQuery = (api: API, filter: TenantFilter) =>
  infiniteQueryOptions({
    queryKey: ["tenants", filter],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) =>
      bodyOf(api.GET("/v1/tenants", { params: { query: defined({ ...filter, limit: 50, cursor: pageParam }) }, signal })),
    getNextPageParam: (page) => page.next_cursor,
    refetchInterval: ({ state }) => (state.data?.pages.some((page) => page.items.some(isBusy)) === true ? soonMillis : calmMillis),
  });

export const tenantQuery = (api: API, slug: string) =>
  queryOptions({
    queryKey: ["tenant", slug],
    queryFn: async ({ signal }) => {
      const { body, tag } = await withTag(api.GET("/v1/tenants/{slug}", { params: { path: { slug } }, signal }));
      return { tenant: body, tag };
    },
    refetchInterval: ({ state }) => (state.data !== undefined && isBusy(state.data.tenant) ? soonMillis : calmMillis),
  });

export const healthQuery = (api: API, slug: string) =>
  queryOptions({
    queryKey: ["health", slug],
    queryFn: ({ signal }) => bodyOf(api.GET("/v1/tenants/{slug}/health", { params: { path: { slug } }, signal })),
    refetchInterval: 2 * calmMillis,
    staleTime: calmMillis,
  });

export const instancesQuery = (api: API, slug: string) =>
  queryOptions({
    queryKey: ["tenant", slug, "instances"],
    queryFn: async ({ signal }) => {
      const { body, tag } = await withTag(api.GET("/v1/tenants/{slug}/connect-instances", { params: { path: { slug } }, signal }));
      return { items: body.items, tag };
    },
    refetchInterval: calmMillis, // a new tenant's links come with its stack
  });

/** A look into the customer's account, which costs them something: it is asked for, and never twice by itself. */
export const setupQuery = (api: API, slug: string, alias: string) =>
  queryOptions({
    queryKey: ["setup", slug, alias],
    queryFn: ({ signal }) => bodyOf(api.POST("/v1/tenants/{slug}/connect-instances/{alias}/check", { params: { path: { slug, alias } }, signal })),
    retry: false,
    refetchOnMount: false,
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
  });

export const managersQuery = (api: API, slug: string) =>
  queryOptions({
    queryKey: ["tenant", slug, "managers"],
    queryFn: async ({ signal }) => (await bodyOf(api.GET("/v1/tenants/{slug}/managers", { params: { path: { slug } }, signal }))).items,
  });

export const auditQuery = (api: API, filter: AuditFilter) =>
  infiniteQueryOptions({
    queryKey: ["audit", filter],
    initialPageParam: undefined as string | undefined,
    queryFn: async ({ pageParam, signal }) => {
      const page = await bodyOf(api.GET("/v1/audit-events", { params: { query: defined({ ...filter, limit: 50, cursor: pageParam }) }, signal }));
      return page as AuditEventPage; // no lines were asked for
    },
    getNextPageParam: (page) => page.next_cursor,
  });

export const apiKeysQuery = (api: API) =>
  queryOptions({
    queryKey: ["api-keys"],
    queryFn: async ({ signal }) => (await bodyOf(api.GET("/v1/api-keys", { signal }))).items,
  });

export const operationsQuery = (api: API, filter: OperationFilter) =>
  infiniteQueryOptions({
    queryKey: ["operations", filter],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) =>
      bodyOf(api.GET("/v1/operations", { params: { query: defined({ ...filter, limit: 50, cursor: pageParam }) }, signal })),
    getNextPageParam: (page) => page.next_cursor,
    refetchInterval: ({ state }) =>
      state.data?.pages.some((page) => page.items.some(({ finished_at }) => finished_at === undefined)) === true ? soonMillis : calmMillis,
  });

export const operationQuery = (api: API, id: string) =>
  queryOptions({
    queryKey: ["operation", id],
    queryFn: ({ signal }) => bodyOf(api.GET("/v1/operations/{id}", { params: { path: { id } }, signal })),
  });

/** An operation that nobody follows event by event. */
export const runningOperationQuery = (api: API, id: string) =>
  queryOptions({ ...operationQuery(api, id), refetchInterval: ({ state }) => (state.data?.finished_at === undefined ? soonMillis : false) });

export const upgradesQuery = (api: API) =>
  infiniteQueryOptions({
    queryKey: ["upgrades"],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) => bodyOf(api.GET("/v1/upgrades", { params: { query: defined({ limit: 50, cursor: pageParam }) }, signal })),
    getNextPageParam: (page) => page.next_cursor,
    refetchInterval: ({ state }) =>
      state.data?.pages.some((page) => page.items.some(({ finished_at }) => finished_at === undefined)) === true ? soonMillis : calmMillis,
  });

export const upgradeQuery = (api: API, id: string) =>
  queryOptions({
    queryKey: ["upgrade", id],
    queryFn: ({ signal }) => bodyOf(api.GET("/v1/upgrades/{id}", { params: { path: { id } }, signal })),
    refetchInterval: ({ state }) => (state.data?.finished_at === undefined ? soonMillis : false),
  });

export const cellsQuery = (api: API) =>
  queryOptions({ queryKey: ["cells"], queryFn: async ({ signal }) => (await bodyOf(api.GET("/v1/cells", { signal }))).items });

export const cellQuery = (api: API, name: string) =>
  queryOptions({
    queryKey: ["cells", name],
    queryFn: async ({ signal }) => {
      const { body, tag } = await withTag(api.GET("/v1/cells/{name}", { params: { path: { name } }, signal }));
      return { cell: body, tag };
    },
    refetchInterval: calmMillis,
  });

export const callerQuery = (api: API) =>
  queryOptions({
    queryKey: ["whoami"],
    queryFn: ({ signal }) => bodyOf(api.GET("/v1/whoami", { signal })),
    staleTime: 10 * calmMillis,
  });

type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/** The members that have a value: the API takes no empty ones. */
export function defined<T extends object>(members: T): Partial<Defined<T>> {
  // Object.fromEntries forgets the types of what it is given; only undefined was taken out.
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as Partial<Defined<T>>;
}
