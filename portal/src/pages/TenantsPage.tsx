import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Header from "@cloudscape-design/components/header";
import Link from "@cloudscape-design/components/link";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Table, { type TableProps } from "@cloudscape-design/components/table";
import TextFilter from "@cloudscape-design/components/text-filter";
import { useInfiniteQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useEffect, useState } from "react";

import { useService } from "../api/context";
import { tenantsQuery, type TenantFilter } from "../api/queries";
import type { Tenant } from "../api/types";
import { ChangeButton } from "../parts/MayChange";
import { Page } from "../parts/Page";
import { ProblemAlert } from "../parts/ProblemAlert";
import { ShowMore } from "../parts/ShowMore";
import { TenantStateIndicator } from "../parts/StateIndicator";
import { paths } from "../paths";
import { conditions, tenantStates } from "../search";
import { Snapshot } from "../tenants/Snapshot";

const route = getRouteApi("/tenants");

const count = new Intl.NumberFormat();

const columns: TableProps.ColumnDefinition<Tenant>[] = [
  {
    id: "slug",
    header: "Tenant",
    isRowHeader: true,
    minWidth: 170,
    cell: ({ slug, display_name }) => (
      <>
        <Link href={paths.tenant(slug)}>{slug}</Link>
        <Box color="text-body-secondary">{display_name}</Box>
      </>
    ),
  },
  { id: "state", header: "State", minWidth: 150, cell: ({ state }) => <TenantStateIndicator state={state} /> },
  { id: "health", header: "Health", minWidth: 170, cell: (tenant) => <Snapshot tenant={tenant} /> },
  { id: "calls", header: "Calls today", cell: ({ calls_today }) => (calls_today === undefined ? "–" : count.format(calls_today)) },
  {
    id: "instances",
    header: "Connect instances",
    cell: ({ connect_instances }) => connect_instances.map(({ alias }) => alias).join(", "),
  },
  {
    id: "cell",
    header: "Cell and version",
    cell: ({ cell, isolation, stack: { artifact_version: version } }) => (
      <>
        <div>
          <Link href={paths.tenantsOf(cell)} ariaLabel={`Tenants in ${cell}`}>{cell}</Link>
          {isolation === "dedicated" ? ", dedicated" : null}
        </div>
        {version === undefined ? null : <Link href={paths.tenantsWith(version)} ariaLabel={`Tenants with ${version}`}>{version}</Link>}
      </>
    ),
  },
];

/** Waits until typing has paused, so that not every letter is asked for. */
const typingPauseMillis = 300;

const anyHealth = { value: "", label: "Any health" };
const healthOptions: { value: string; label: string }[] = [anyHealth, ...conditions.map((one) => ({ value: one, label: one === "unknown" ? "not known" : one }))];

const anyState = { value: "", label: "Any state" };
const stateOptions: { value: string; label: string }[] = [anyState, ...tenantStates.map((state) => ({ value: state, label: state }))];

export function TenantsPage() {
  const { api } = useService();
  const filter = route.useSearch();
  const navigate = route.useNavigate();
  const listed = useInfiniteQuery(tenantsQuery(api, filter));
  const [chosen, setChosen] = useState<readonly Tenant[]>([]);
  const [typed, setTyped] = useState(filter.q ?? "");
  const change = (next: Partial<TenantFilter>): void => {
    void navigate({ search: { ...filter, ...next }, replace: true });
  };
  useEffect(() => {
    if (typed === (filter.q ?? "")) return;
    const timer = setTimeout(() => change({ q: typed === "" ? undefined : typed }), typingPauseMillis);
    return () => clearTimeout(timer);
  });
  const items = listed.data?.pages.flatMap((page) => page.items) ?? [];
  const isFiltered = filter.q !== undefined || filter.state !== undefined || filter.health !== undefined || filter.cell !== undefined || filter.artifact_version !== undefined;
  return (
    <Page
      title="Tenants"
      trail={[]}
      header={
        <Header
          variant="h1"
          description="Contact centres on Amazon Connect whose calls Earshot listens to."
          actions={
            <SpaceBetween direction="horizontal" size="xs">
              <ChangeButton href={paths.newUpgrade(chosen.map(({ slug }) => slug))} because={chosen.length === 0 ? "Tick the tenants to upgrade." : undefined}>
                {chosen.length === 0 ? "Upgrade" : `Upgrade ${chosen.length}`}
              </ChangeButton>
              <ChangeButton right="tenants.add" variant="primary" href={paths.newTenant()}>
                Onboard a tenant
              </ChangeButton>
            </SpaceBetween>
          }
        >
          Tenants
        </Header>
      }
    >
      <SpaceBetween size="m">
        <ProblemAlert error={listed.error} what="The tenants cannot be listed" retry={listed.refetch} />
        <Table
          columnDefinitions={columns}
          items={items}
          trackBy="id"
          variant="container"
          wrapLines
          loading={listed.isPending}
          loadingText="Asking for the tenants"
          ariaLabels={{
            tableLabel: "Tenants",
            selectionGroupLabel: "Tenants to upgrade",
            allItemsSelectionLabel: () => "All tenants shown",
            itemSelectionLabel: (_, { slug }) => `Choose ${slug}`,
          }}
          selectionType="multi"
          selectedItems={chosen}
          isItemDisabled={({ stack }) => stack.artifact_version === undefined}
          onSelectionChange={({ detail }) => setChosen(detail.selectedItems)}
          filter={
            <SpaceBetween direction="horizontal" size="xs">
              <TextFilter
                filteringText={typed}
                filteringPlaceholder="Find by slug or name"
                filteringAriaLabel="Find tenants by slug or name"
                onChange={({ detail }) => setTyped(detail.filteringText)}
              />
              <Select
                ariaLabel="State"
                selectedOption={stateOptions.find(({ value }) => value === filter.state) ?? anyState}
                options={stateOptions}
                onChange={({ detail }) => change({ state: tenantStates.find((state) => state === detail.selectedOption.value) })}
              />
              <Select
                ariaLabel="Health"
                selectedOption={healthOptions.find(({ value }) => value === filter.health) ?? anyHealth}
                options={healthOptions}
                onChange={({ detail }) => change({ health: conditions.find((one) => one === detail.selectedOption.value) })}
              />
              {filter.cell === undefined ? null : <Only what={`in ${filter.cell}`} end={() => change({ cell: undefined })} />}
              {filter.artifact_version === undefined ? null : <Only what={`with ${filter.artifact_version}`} end={() => change({ artifact_version: undefined })} />}
            </SpaceBetween>
          }
          empty={isFiltered ? <NoMatch clear={() => { setTyped(""); change({ q: undefined, state: undefined, health: undefined, cell: undefined, artifact_version: undefined }); }} /> : <NoTenants />}
          footer={<ShowMore query={listed} />}
        />
      </SpaceBetween>
    </Page>
  );
}

const Only = ({ what, end }: { readonly what: string; readonly end: () => void }) => (
  <Button iconName="close" iconAlign="right" ariaLabel={`Not only ${what}`} onClick={end}>
    {what}
  </Button>
);

const NoMatch = ({ clear }: { readonly clear: () => void }) => (
  <Box textAlign="center">
    <SpaceBetween size="s">
      <b>No tenant matches</b>
      <Button onClick={clear}>Show all</Button>
    </SpaceBetween>
  </Box>
);

const NoTenants = () => (
  <Box textAlign="center">
    <SpaceBetween size="s">
      <b>No tenants yet</b>
      <Box color="text-body-secondary">
        A tenant is a contact centre that is your customer. To onboard one you need the ARN of its Amazon Connect instance; Earshot
        builds the rest and proves it with a call.
      </Box>
      <Button href={paths.newTenant()}>Onboard a tenant</Button>
    </SpaceBetween>
  </Box>
);
