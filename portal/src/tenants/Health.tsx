import Alert from "@cloudscape-design/components/alert";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs, { type KeyValuePairsProps } from "@cloudscape-design/components/key-value-pairs";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Spinner from "@cloudscape-design/components/spinner";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { useQuery } from "@tanstack/react-query";

import { useService } from "../api/context";
import { healthQuery } from "../api/queries";
import type { TenantHealth } from "../api/types";
import { ProblemAlert } from "../parts/ProblemAlert";

const count = new Intl.NumberFormat();

/** How the tenant does, and which part of the answer is missing. */
export function Health({ slug }: { readonly slug: string }) {
  const { api } = useService();
  const { data, error, refetch, isFetching } = useQuery(healthQuery(api, slug));
  return (
    <Container
      header={
        <Header
          variant="h2"
          description={data === undefined ? undefined : `The last ${Math.round(data.window_seconds / 60)} minutes. The synthetic call counts nowhere.`}
          actions={<Button iconName="refresh" ariaLabel="Look at the health again" loading={isFetching} onClick={() => void refetch()} />}
        >
          Health
        </Header>
      }
    >
      <SpaceBetween size="m">
        <ProblemAlert error={error} what="The health cannot be read" retry={refetch} />
        {data === undefined ? error === null ? <Spinner /> : null : <Parts health={data} />}
      </SpaceBetween>
    </Container>
  );
}

function Parts({ health }: { readonly health: TenantHealth }) {
  const items = [...figures(health), ...queue(health), ...directory(health)];
  return (
    <SpaceBetween size="m">
      {items.length === 0 && health.unreadable.length === 0 ? "There is nothing to read yet: the tenant has no stack." : <KeyValuePairs columns={4} items={items} />}
      {health.unreadable.length === 0 ? null : (
        <Alert type="warning" header="A part cannot be read">
          <ul>
            {health.unreadable.map(({ part, reason }) => (
              <li key={part}>
                {part.replaceAll("_", " ")}: {reason}
              </li>
            ))}
          </ul>
        </Alert>
      )}
    </SpaceBetween>
  );
}

type Items = readonly KeyValuePairsProps.Item[];

function figures({ figures: counted }: TenantHealth): Items {
  if (counted === undefined) return [];
  const byCode = (codes: Readonly<Record<string, number>>): string =>
    Object.entries(codes)
      .map(([code, times]) => `${code}: ${count.format(times)}`)
      .join(", ") || "none";
  return [
    { label: "Calls", value: count.format(counted.calls) },
    { label: "Records received", value: count.format(counted.records_in) },
    { label: "Records in search", value: count.format(counted.indexed) },
    { label: "Lag (95 %)", value: counted.lag_p95_millis === undefined ? "–" : `${(counted.lag_p95_millis / 1000).toFixed(1)} s` },
    { label: "Rejected records", value: byCode(counted.rejected) },
    { label: "Refused posts", value: byCode(counted.refused) },
    { label: "Records of unknown agents", value: count.format(counted.unknown_agents) },
    { label: "Summaries written", value: count.format(counted.summaries.written) },
  ];
}

function queue({ queue: depth, dead_letters }: TenantHealth): Items {
  const items: KeyValuePairsProps.Item[] = [];
  if (depth !== undefined) {
    const oldest = depth.oldest_seconds === undefined ? "" : `, the oldest for ${depth.oldest_seconds} s`;
    items.push({ label: "Messages waiting", value: `${count.format(depth.waiting)}${oldest}` });
  }
  if (dead_letters !== undefined) {
    items.push({
      label: "Dead letters",
      value: <StatusIndicator type={dead_letters === 0 ? "success" : "warning"}>{count.format(dead_letters)}</StatusIndicator>,
    });
  }
  return items;
}

function directory({ directory: runs }: TenantHealth): Items {
  return (runs ?? []).map(({ connect_instance, state, agents, code, detail }) => ({
    label: `Agent directory of ${connect_instance}`,
    value: {
      off: <StatusIndicator type="stopped">off, no role yet</StatusIndicator>,
      never: <StatusIndicator type="pending">not read yet</StatusIndicator>,
      good: <StatusIndicator type="success">{`${count.format(agents ?? 0)} agents`}</StatusIndicator>,
      failed: (
        <StatusIndicator type="error">
          {code}: {detail}
        </StatusIndicator>
      ),
    }[state],
  }));
}
