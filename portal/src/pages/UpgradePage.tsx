import Alert from "@cloudscape-design/components/alert";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import Link from "@cloudscape-design/components/link";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator, { type StatusIndicatorProps } from "@cloudscape-design/components/status-indicator";
import Table, { type TableProps } from "@cloudscape-design/components/table";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";

import { useService } from "../api/context";
import { upgradeQuery } from "../api/queries";
import type { ManyUpgrade } from "../api/types";
import { Page } from "../parts/Page";
import { ProblemAlert } from "../parts/ProblemAlert";
import { UpgradeStateIndicator } from "../parts/StateIndicator";
import { When } from "../parts/When";
import { Who } from "../parts/Who";
import { paths } from "../paths";

const route = getRouteApi("/upgrades/$id");

type Turn = ManyUpgrade["tenants"][number];

const looks: Record<Turn["state"], StatusIndicatorProps.Type> = {
  waiting: "pending",
  not_begun: "stopped",
  queued: "pending",
  running: "in-progress",
  succeeded: "success",
  failed: "error",
  cancelled: "stopped",
};

const columns: TableProps.ColumnDefinition<Turn>[] = [
  { id: "tenant", header: "Tenant", isRowHeader: true, cell: ({ tenant }) => <Link href={paths.tenant(tenant)}>{tenant}</Link> },
  { id: "state", header: "State", cell: ({ state }) => <StatusIndicator type={looks[state]}>{state.replace("_", " ")}</StatusIndicator> },
  {
    id: "operation",
    header: "Operation",
    cell: ({ tenant, operation }) =>
      operation === undefined ? (
        "–"
      ) : (
        <Link href={paths.operation(operation)} ariaLabel={`The operation of ${tenant}`}>
          watch
        </Link>
      ),
  },
];

export function UpgradePage() {
  const { id } = route.useParams();
  const { api } = useService();
  const { data: upgrade, error, refetch } = useQuery(upgradeQuery(api, id));
  const title = upgrade === undefined ? "Upgrade" : `Upgrade to ${upgrade.artifact_version}`;
  return (
    <Page title={title} trail={[{ text: "Upgrades", href: paths.upgrades() }]} header={<Header variant="h1">{title}</Header>}>
      <SpaceBetween size="l">
        <ProblemAlert error={error} what="The upgrade cannot be shown" retry={refetch} />
        {upgrade === undefined ? null : (
          <SpaceBetween size="l">
            {upgrade.failure === undefined ? null : (
              <Alert type="error" header={`It stopped at ${upgrade.failure.tenant}: ${upgrade.failure.code}`}>
                {upgrade.failure.reason} What went before stays. Mend it, and upgrade those that have not begun.
              </Alert>
            )}
            <KeyValuePairs
              columns={4}
              items={[
                { label: "State", value: <UpgradeStateIndicator state={upgrade.state} /> },
                { label: "At a time", value: upgrade.parallel },
                { label: "Asked for by", value: <Who name={upgrade.requested_by} /> },
                { label: "Began", value: <When at={upgrade.created_at} /> },
              ]}
            />
            <Table
              header={
                <Header variant="h2" counter={`(${upgrade.tenants.length})`}>
                  Tenants
                </Header>
              }
              columnDefinitions={columns}
              items={upgrade.tenants}
              trackBy="tenant"
              ariaLabels={{ tableLabel: "Tenants of the upgrade" }}
            />
          </SpaceBetween>
        )}
      </SpaceBetween>
    </Page>
  );
}
