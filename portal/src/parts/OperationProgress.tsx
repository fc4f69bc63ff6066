import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import Icon from "@cloudscape-design/components/icon";
import ProgressBar from "@cloudscape-design/components/progress-bar";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator, { type StatusIndicatorProps } from "@cloudscape-design/components/status-indicator";
import Table, { type TableProps } from "@cloudscape-design/components/table";

import { useFollowed } from "../api/useFollowed";
import type { ResourceProgress } from "../api/progress";
import type { Operation } from "../api/types";
import { ProblemAlert } from "./ProblemAlert";
import { When } from "./When";
import { Who } from "./Who";

/** How a status of CloudFormation looks. */
function looksOf(status: string): StatusIndicatorProps.Type {
  if (status.endsWith("_FAILED")) return "error";
  if (status.includes("ROLLBACK")) return status.endsWith("_COMPLETE") ? "warning" : "in-progress";
  return status.endsWith("_COMPLETE") ? "success" : "in-progress";
}

const columns: TableProps.ColumnDefinition<ResourceProgress>[] = [
  { id: "resource", header: "Resource", isRowHeader: true, cell: ({ resource }) => resource },
  {
    id: "status",
    header: "Status",
    cell: ({ status }) => <StatusIndicator type={looksOf(status)}>{status.toLowerCase().replaceAll("_", " ")}</StatusIndicator>,
  },
  { id: "at", header: "Since", cell: ({ at }) => <When at={at} /> },
];

/** What happened; who asked for it is named as everywhere else. */
const Message = ({ text, by }: { readonly text: string; readonly by: string }) =>
  text.startsWith(`${by} `) ? (
    <>
      <Who name={by} />
      {text.slice(by.length)}
    </>
  ) : (
    text
  );

/** An operation as it happens, down to each resource of the stack. It begins anew when the page is loaded again, and misses nothing. */
export function OperationProgress({ operation }: { readonly operation: Operation }) {
  const { progress, end, isConnected, error } = useFollowed(operation.id);
  const now = end ?? operation;
  const isOver = now.finished_at !== undefined;
  const finished = progress.resources.filter(({ status }) => looksOf(status) !== "in-progress").length;
  return (
    <SpaceBetween size="l">
      <ProblemAlert error={error} what="The operation cannot be followed" />
      {now.failure === undefined ? null : (
        <Alert type="error" header={`The operation has failed: ${now.failure.code}`}>
          <SpaceBetween size="xs">
            <div>
              {now.failure.resource === undefined ? null : <b>{now.failure.resource}: </b>}
              {now.failure.reason}
            </div>
            {now.failure.advice === undefined ? null : <div>{now.failure.advice}</div>}
          </SpaceBetween>
        </Alert>
      )}
      <Container
        header={
          <Header
            variant="h2"
            description={isOver || isConnected || error !== undefined ? undefined : "The line is interrupted; it is taken up again by itself."}
          >
            Progress
          </Header>
        }
      >
        <SpaceBetween size="m">
          <ProgressBar
            value={isOver && now.state === "succeeded" ? 100 : progress.percent}
            status={isOver ? (now.state === "succeeded" ? "success" : "error") : "in-progress"}
            label={`${operation.kind} of ${operation.tenant}`}
            description={isOver ? undefined : `Step: ${progress.step === "" ? now.step : progress.step}`}
            resultText={now.state === "succeeded" ? "Succeeded" : `It is ${now.state}`}
          />
          <div className="log" role="log" aria-label="What happened" tabIndex={0}>
            <ul>
              {progress.log.map(({ sequence, at, message, level }) => (
                <li key={sequence}>
                  <Box variant="small">
                    <When at={at} />
                  </Box>
                  <div>
                    {level === "error" ? (
                      <Box variant="span" color="text-status-error">
                        <Icon name="status-negative" ariaLabel="Error" /> {message}
                      </Box>
                    ) : (
                      <Message text={message} by={operation.requested_by} />
                    )}
                  </div>
                </li>
              ))}
            </ul>
          </div>
        </SpaceBetween>
      </Container>
      {progress.resources.length === 0 ? null : (
        <Table
          variant="container"
          contentDensity="compact"
          header={
            <Header variant="h2" counter={`(${finished} of ${progress.resources.length})`}>
              Resources of the stack
            </Header>
          }
          columnDefinitions={columns}
          items={progress.resources}
          trackBy="resource"
          ariaLabels={{ tableLabel: "Resources of the stack" }}
        />
      )}
    </SpaceBetween>
  );
}
