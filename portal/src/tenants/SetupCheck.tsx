import Box from "@cloudscape-design/components/box";
import LiveRegion from "@cloudscape-design/components/live-region";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator, { type StatusIndicatorProps } from "@cloudscape-design/components/status-indicator";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { useService } from "../api/context";
import { setupQuery } from "../api/queries";
import type { SetupItem } from "../api/types";
import { ChangeButton } from "../parts/MayChange";
import { ProblemAlert } from "../parts/ProblemAlert";
import { When } from "../parts/When";
import { setupNames, setupStates, summaryOf, untilNextLook } from "./setup";

const looks: Record<SetupItem["state"], StatusIndicatorProps.Type> = { done: "success", not_done: "error", unknown: "info" };

/** Looks in the customer's account whether each step is done, and looks again for a while: whoever is asked may be at it. */
export function SetupCheck({ slug, alias }: { readonly slug: string; readonly alias: string }) {
  const { api } = useService();
  const [began, setBegan] = useState<number>();
  const { data, error, isFetching, refetch } = useQuery({
    ...setupQuery(api, slug, alias),
    enabled: began !== undefined,
    refetchInterval: ({ state }) => untilNextLook(state.data, began ?? 0, Date.now()),
  });
  return (
    <SpaceBetween size="s">
      <SpaceBetween direction="horizontal" size="s" alignItems="center">
        <ChangeButton
          right="instances.check"
          iconName="status-positive"
          loading={isFetching}
          loadingText={`Looking at ${alias}`}
          ariaLabel={`Check ${alias} now`}
          onClick={() => {
            setBegan(Date.now());
            if (began !== undefined) void refetch();
          }}
        >
          Check now
        </ChangeButton>
        {data === undefined ? (
          <Box color="text-body-secondary">Looks whether each step is done.</Box>
        ) : (
          <LiveRegion>
            <Box color="text-body-secondary">
              {summaryOf(data)}, <When at={data.checked_at} />
            </Box>
          </LiveRegion>
        )}
      </SpaceBetween>
      <ProblemAlert error={error} what="Looking" />
      {data === undefined ? null : (
        <ul aria-label={`What is done for ${alias}`} className="setup">
          {data.items.map((item) => (
            <li key={item.item}>
              <Item {...item} />
            </li>
          ))}
        </ul>
      )}
    </SpaceBetween>
  );
}

const Item = ({ item, state, detail, advice }: SetupItem) => (
  <>
    <StatusIndicator type={looks[state]}>
      {setupNames[item]}: {setupStates[state]}
    </StatusIndicator>
    <Box padding={{ left: "l" }}>
      {detail}
      {advice === undefined ? null : <Box color="text-body-secondary">{advice}</Box>}
    </Box>
  </>
);
