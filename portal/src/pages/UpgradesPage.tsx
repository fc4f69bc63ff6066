import Box from "@cloudscape-design/components/box";
import Header from "@cloudscape-design/components/header";
import Link from "@cloudscape-design/components/link";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Table, { type TableProps } from "@cloudscape-design/components/table";
import { useInfiniteQuery } from "@tanstack/react-query";

import { useService } from "../api/context";
import { upgradesQuery } from "../api/queries";
import type { ManyUpgrade } from "../api/types";
import { Page } from "../parts/Page";
import { ProblemAlert } from "../parts/ProblemAlert";
import { ShowMore } from "../parts/ShowMore";
import { UpgradeStateIndicator } from "../parts/StateIndicator";
import { When } from "../parts/When";
import { Who } from "../parts/Who";
import { paths } from "../paths";

const columns: TableProps.ColumnDefinition<ManyUpgrade>[] = [
  { id: "version", header: "To version", isRowHeader: true, cell: ({ id, artifact_version }) => <Link href={paths.upgrade(id)}>{artifact_version}</Link> },
  { id: "state", header: "State", minWidth: 130, cell: ({ state }) => <UpgradeStateIndicator state={state} /> },
  {
    id: "tenants",
    header: "Tenants",
    cell: ({ tenants }) => `${tenants.filter(({ state }) => state === "succeeded").length} of ${tenants.length} done`,
  },
  { id: "by", header: "Asked for by", minWidth: 150, cell: ({ requested_by }) => <Who name={requested_by} /> },
  { id: "began", header: "Began", cell: ({ created_at }) => <When at={created_at} /> },
  { id: "ended", header: "Ended", cell: ({ finished_at }) => <When at={finished_at} /> },
];

export function UpgradesPage() {
  const { api } = useService();
  const listed = useInfiniteQuery(upgradesQuery(api));
  return (
    <Page
      title="Upgrades"
      trail={[]}
      header={
        <Header variant="h1" description="Of many tenants, so many at a time. Newest first.">
          Upgrades
        </Header>
      }
    >
      <SpaceBetween size="m">
        <ProblemAlert error={listed.error} what="The upgrades cannot be listed" retry={listed.refetch} />
        <Table
          columnDefinitions={columns}
          items={listed.data?.pages.flatMap((page) => page.items) ?? []}
          trackBy="id"
          wrapLines
          loading={listed.isPending}
          loadingText="Asking for the upgrades"
          ariaLabels={{ tableLabel: "Upgrades" }}
          empty={
            <Box textAlign="center">
              <SpaceBetween size="s">
                <b>No upgrade yet</b>
                <Box color="text-body-secondary">
                  A release has another version of functions, site and template. Tick tenants in the{" "}
                  <Link href={paths.tenants()}>table of tenants</Link>, choose “Upgrade”, and look at what would change before it does.
                </Box>
              </SpaceBetween>
            </Box>
          }
          footer={<ShowMore query={listed} />}
        />
      </SpaceBetween>
    </Page>
  );
}
