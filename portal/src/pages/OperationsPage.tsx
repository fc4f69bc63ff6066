import Box from "@cloudscape-design/components/box";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";

import type { OperationFilter } from "../api/queries";
import { OperationsTable } from "../parts/OperationsTable";
import { Page } from "../parts/Page";
import { operationKinds, operationStates } from "../search";

const route = getRouteApi("/operations");

const options = (any: string, all: readonly string[]) => [{ value: "", label: any }, ...all.map((one) => ({ value: one, label: one }))];
const kinds = options("Any kind", operationKinds);
const states = options("Any state", operationStates);

export function OperationsPage() {
  const filter = route.useSearch();
  const navigate = route.useNavigate();
  const [tenant, setTenant] = useState(filter.tenant ?? "");
  const change = (next: OperationFilter): void => {
    void navigate({ search: { ...filter, ...next }, replace: true });
  };
  return (
    <Page
      title="Operations"
      trail={[]}
      header={
        <Header variant="h1" description="What was done to tenants, and what is under way. Newest first.">
          Operations
        </Header>
      }
    >
      <OperationsTable
        filter={filter}
        showTenant
        controls={
          <SpaceBetween direction="horizontal" size="xs">
            <form
              onSubmit={(event) => {
                event.preventDefault();
                change({ tenant: tenant === "" ? undefined : tenant });
              }}
            >
              <Input
                ariaLabel="Tenant's slug"
                placeholder="Tenant's slug"
                type="search"
                value={tenant}
                onChange={({ detail }) => {
                  setTenant(detail.value);
                  if (detail.value === "") change({ tenant: undefined });
                }}
              />
            </form>
            <Select
              ariaLabel="Kind"
              selectedOption={kinds.find(({ value }) => value === filter.kind) ?? kinds[0] ?? null}
              options={kinds}
              onChange={({ detail }) => change({ kind: operationKinds.find((kind) => kind === detail.selectedOption.value) })}
            />
            <Select
              ariaLabel="State"
              selectedOption={states.find(({ value }) => value === filter.state) ?? states[0] ?? null}
              options={states}
              onChange={({ detail }) => change({ state: operationStates.find((state) => state === detail.selectedOption.value) })}
            />
          </SpaceBetween>
        }
        empty={<Box textAlign="center">No operation matches. Onboarding, every change of a stack, suspending and off-boarding are operations.</Box>}
      />
    </Page>
  );
}
