import Table, { type TableProps } from "@cloudscape-design/components/table";

import type { StackChange } from "../api/types";

const modified = { true: "changed, and made anew for it", false: "changed in place", conditional: "changed, perhaps made anew for it" } as const;
const actions = { add: "added", remove: "removed", import: "taken over", dynamic: "known when it runs", modify: "changed" } as const;

const columns: TableProps.ColumnDefinition<StackChange>[] = [
  { id: "resource", header: "Resource", isRowHeader: true, cell: ({ resource }) => resource },
  { id: "type", header: "Type", cell: ({ type }) => type },
  {
    id: "action",
    header: "What happens",
    cell: ({ action, replacement }) => (action === "modify" && replacement !== undefined ? modified[replacement] : actions[action]),
  },
  { id: "properties", header: "What of it", cell: ({ properties }) => properties.join(", ") || "–" },
];

/** What an upgrade would do to each resource of a stack. */
export const Changes = ({ changes, tenant }: { readonly changes: readonly StackChange[]; readonly tenant: string }) => (
  <Table
    variant="embedded"
    contentDensity="compact"
    wrapLines
    columnDefinitions={columns}
    items={changes}
    trackBy="resource"
    ariaLabels={{ tableLabel: `What would change of ${tenant}` }}
    empty="Nothing would change: the stack has this version, and all that its cell gives, already."
  />
);
