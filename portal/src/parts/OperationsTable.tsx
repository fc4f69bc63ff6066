import Link from "@cloudscape-design/components/link";
import ProgressBar from "@cloudscape-design/components/progress-bar";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Table, { type TableProps } from "@cloudscape-design/components/table";
import { useInfiniteQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";

import { useService } from "../api/context";
import { operationsQuery, type OperationFilter } from "../api/queries";
import type { Operation } from "../api/types";
import { paths } from "../paths";
import { ProblemAlert } from "./ProblemAlert";
import { ShowMore } from "./ShowMore";
import { OperationStateIndicator } from "./StateIndicator";
import { When } from "./When";
import { Who } from "./Who";

const columns: TableProps.ColumnDefinition<Operation>[] = [
  { id: "kind", header: "Operation", isRowHeader: true, cell: ({ id, kind }) => <Link href={paths.operation(id)}>{kind}</Link> },
  { id: "tenant", header: "Tenant", cell: ({ tenant }) => <Link href={paths.tenant(tenant)}>{tenant}</Link> },
  { id: "state", header: "State", minWidth: 130, cell: ({ state }) => <OperationStateIndicator state={state} /> },
  {
    id: "progress",
    header: "Progress",
    minWidth: 140,
    cell: ({ percent, state, step, failure }) =>
      state === "running" ? <ProgressBar value={percent} ariaLabel="Progress" description={step} /> : (failure?.reason ?? "–"),
  },
  { id: "by", header: "Asked for by", minWidth: 140, cell: ({ requested_by }) => <Who name={requested_by} /> },
  { id: "began", header: "Began", minWidth: 140, cell: ({ created_at }) => <When at={created_at} /> },
  { id: "ended", header: "Ended", minWidth: 140, cell: ({ finished_at }) => <When at={finished_at} /> },
];

interface Props {
  readonly filter: OperationFilter;
  readonly showTenant?: boolean;
  readonly controls?: ReactNode;
  readonly empty: ReactNode;
}

export function OperationsTable({ filter, showTenant = false, controls, empty }: Props) {
  const { api } = useService();
  const listed = useInfiniteQuery(operationsQuery(api, filter));
  return (
    <SpaceBetween size="m">
      <ProblemAlert error={listed.error} what="The operations cannot be listed" retry={listed.refetch} />
      <Table
        columnDefinitions={columns.filter(({ id }) => showTenant || id !== "tenant")}
        items={listed.data?.pages.flatMap((page) => page.items) ?? []}
        trackBy="id"
        wrapLines
        loading={listed.isPending}
        loadingText="Asking for the operations"
        ariaLabels={{ tableLabel: "Operations" }}
        filter={controls}
        empty={empty}
        footer={<ShowMore query={listed} />}
      />
    </SpaceBetween>
  );
}
