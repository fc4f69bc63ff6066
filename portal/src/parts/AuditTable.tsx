import Box from "@cloudscape-design/components/box";
import ExpandableSection from "@cloudscape-design/components/expandable-section";
import Link from "@cloudscape-design/components/link";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import Table, { type TableProps } from "@cloudscape-design/components/table";
import { useInfiniteQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";

import { useService } from "../api/context";
import { auditQuery, type AuditFilter } from "../api/queries";
import type { AuditEvent } from "../api/types";
import { paths } from "../paths";
import { ProblemAlert } from "./ProblemAlert";
import { ShowMore } from "./ShowMore";
import { When } from "./When";
import { Who } from "./Who";

/** The columns, of one tenant's events without saying of whom they are. */
const columns = (isOfOneTenant: boolean): TableProps.ColumnDefinition<AuditEvent>[] => [
  { id: "at", header: "When", minWidth: 120, cell: ({ at }) => <When at={at} /> },
  { id: "actor", header: "Who", minWidth: 150, cell: ({ actor }) => <Actor actor={actor} /> },
  {
    id: "action",
    header: "Action",
    isRowHeader: true,
    minWidth: 180,
    cell: ({ action, target, tenant }) => (
      <>
        {action}
        {isOfOneTenant ? null : <div className="value">{tenant === undefined ? target : <Link href={paths.tenant(tenant)}>{target}</Link>}</div>}
      </>
    ),
  },
  {
    id: "outcome",
    header: "Outcome",
    minWidth: 120,
    cell: ({ outcome, code }) =>
      outcome === "done" ? (
        <StatusIndicator type="success">done</StatusIndicator>
      ) : (
        <>
          <StatusIndicator type="error">refused</StatusIndicator>
          {code === undefined ? null : <Box color="text-body-secondary">{code}</Box>}
        </>
      ),
  },
  { id: "change", header: "What differs", minWidth: 300, cell: (event) => <Change event={event} /> },
];

function Actor({ actor: { subject, name, role } }: Pick<AuditEvent, "actor">) {
  const operation = /^operation:(.+)$/.exec(subject)?.[1];
  return (
    <>
      {operation === undefined ? <Who name={name ?? subject} /> : <Link href={paths.operation(operation)}>an operation</Link>}
      {role === undefined ? null : <Box color="text-body-secondary">{role}</Box>}
    </>
  );
}

type Members = Readonly<Record<string, unknown>>;

const written = (value: unknown): string => (value === undefined || value === "" ? "–" : typeof value === "string" ? value : JSON.stringify(value));

/** The most members of a change that are shown without being asked for, and the most letters of each of them. */
const shownAtOnce = { members: 3, letters: 120 };

function Change({ event }: { readonly event: AuditEvent }) {
  const before: Members = event.before ?? {};
  const after: Members = event.after ?? {};
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  const texts = names.map((name) => `${name}: ${before[name] === undefined ? "" : `${written(before[name])} → `}${written(after[name])}`);
  const lines = texts.map((text, i) => (
    <div key={names[i]} className="value">
      {text}
    </div>
  ));
  const isShort = texts.length <= shownAtOnce.members && texts.every((text) => text.length <= shownAtOnce.letters);
  return (
    <SpaceBetween size="xxs">
      {isShort ? lines : null}
      <ExpandableSection
        headerText={isShort ? "More" : names.length === 1 ? names[0] : `${names.length} values`}
        headerAriaLabel={`More of ${event.action}, event ${event.id}`}
        variant="inline"
      >
        {isShort ? null : lines}
        <Box variant="small">
          {event.source_address === undefined ? null : <div>from {event.source_address}</div>}
          {event.request_id === undefined ? null : <div className="value">request {event.request_id}</div>}
          {Object.entries<unknown>(event.detail ?? {}).map(([name, value]) => (
            <div key={name} className="value">
              {name}: {written(value)}
            </div>
          ))}
        </Box>
      </ExpandableSection>
    </SpaceBetween>
  );
}

interface Props {
  readonly filter: AuditFilter;
  readonly controls: ReactNode;
  readonly empty: ReactNode;
}

/** Who did what, newest first. */
export function AuditTable({ filter, controls, empty }: Props) {
  const { api } = useService();
  const listed = useInfiniteQuery(auditQuery(api, filter));
  return (
    <SpaceBetween size="m">
      <ProblemAlert error={listed.error} what="The audit events cannot be listed" retry={listed.refetch} />
      <Table
        columnDefinitions={columns(filter.tenant !== undefined)}
        items={listed.data?.pages.flatMap((page) => page.items) ?? []}
        trackBy={({ id }) => String(id)}
        wrapLines
        cellVerticalAlign="top"
        loading={listed.isPending}
        loadingText="Asking for the audit events"
        ariaLabels={{ tableLabel: "Audit events" }}
        filter={controls}
        empty={empty}
        footer={<ShowMore query={listed} />}
      />
    </SpaceBetween>
  );
}
