import Box from "@cloudscape-design/components/box";
import Header from "@cloudscape-design/components/header";
import Link from "@cloudscape-design/components/link";
import ProgressBar from "@cloudscape-design/components/progress-bar";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import Table, { type TableProps } from "@cloudscape-design/components/table";
import { useQuery } from "@tanstack/react-query";

import { useService } from "../api/context";
import { cellsQuery } from "../api/queries";
import type { Cell } from "../api/types";
import { ChangeButton } from "../parts/MayChange";
import { Page } from "../parts/Page";
import { ProblemAlert } from "../parts/ProblemAlert";
import { paths } from "../paths";

const count = new Intl.NumberFormat();

const columns: TableProps.ColumnDefinition<Cell>[] = [
  { id: "name", header: "Cell", isRowHeader: true, cell: ({ name }) => <Link href={paths.cell(name)}>{name}</Link> },
  { id: "region", header: "Region", cell: ({ region }) => region },
  {
    id: "state",
    header: "New tenants",
    minWidth: 130,
    cell: ({ draining, tenants, max_tenants, shards, max_shards }) => {
      if (draining) return <StatusIndicator type="stopped">drains</StatusIndicator>;
      const isFull = tenants >= max_tenants || (max_shards > 0 && shards >= max_shards);
      return isFull ? <StatusIndicator type="warning">full</StatusIndicator> : <StatusIndicator type="success">takes them</StatusIndicator>;
    },
  },
  { id: "tenants", header: "Tenants", minWidth: 180, cell: ({ name, tenants, max_tenants }) => <Full what={`Tenants of ${name}`} taken={tenants} most={max_tenants} /> },
  { id: "shards", header: "Shards", minWidth: 180, cell: ({ name, shards, max_shards }) => <Full what={`Shards of ${name}`} taken={shards} most={max_shards} /> },
  { id: "held", header: "Its tenants", cell: ({ name }) => <Link href={paths.tenantsOf(name)} ariaLabel={`Tenants in ${name}`}>Show</Link> },
];

/** How much of a limit is taken; no limit is 0. */
function Full({ what, taken, most }: { readonly what: string; readonly taken: number; readonly most: number }) {
  if (most === 0) return `${count.format(taken)}, no limit`;
  return <ProgressBar ariaLabel={what} value={Math.min(100, (100 * taken) / most)} additionalInfo={`${count.format(taken)} of ${count.format(most)}`} />;
}

export function CellsPage() {
  const { api } = useService();
  const listed = useQuery(cellsQuery(api));
  return (
    <Page
      title="Cells"
      trail={[]}
      header={
        <Header
          variant="h1"
          description="Where tenants live: an AWS account and region with its search. New tenants go to the emptiest that takes them."
          actions={
            <ChangeButton right="cells.change" variant="primary" href={paths.newCell()}>
              Add a cell
            </ChangeButton>
          }
        >
          Cells
        </Header>
      }
    >
      <SpaceBetween size="m">
        <ProblemAlert error={listed.error} what="The cells cannot be listed" retry={listed.refetch} />
        <Table
          columnDefinitions={columns}
          items={listed.data ?? []}
          trackBy="name"
          loading={listed.isLoading}
          loadingText="Asking for the cells"
          ariaLabels={{ tableLabel: "Cells" }}
          empty={
            <Box textAlign="center">
              <SpaceBetween size="s">
                <b>No cells yet</b>
                <Box color="text-body-secondary">
                  Deploy infra/cell.yaml in an AWS account, put the artifacts into its bucket, and add it here. Until then no tenant can be onboarded.
                </Box>
              </SpaceBetween>
            </Box>
          }
        />
      </SpaceBetween>
    </Page>
  );
}
