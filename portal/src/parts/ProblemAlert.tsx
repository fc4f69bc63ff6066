import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import SpaceBetween from "@cloudscape-design/components/space-between";

import { problemFrom } from "../api/problem";

interface Props {
  readonly error: unknown;
  /** What was tried, if the problem's title does not say it. */
  readonly what?: string;
  readonly retry?: (() => unknown) | undefined;
}

/** An error as the API tells it: title, detail, the members that are wrong, and what support asks for. */
export function ProblemAlert({ error, what, retry }: Props) {
  if (error === null || error === undefined) return null;
  const { problem, requestId } = problemFrom(error);
  return (
    <Alert
      type="error"
      header={what === undefined ? problem.title : `${what}: ${problem.title}`}
      action={retry === undefined ? undefined : <Button onClick={() => void retry()}>Try again</Button>}
    >
      <SpaceBetween size="xs">
        <div>{problem.detail}</div>
        {problem.errors === undefined || problem.errors.length === 0 ? null : (
          <ul>
            {problem.errors.map(({ pointer, code, detail }) => (
              <li key={pointer + code}>
                <Box variant="code">{pointer}</Box> {detail}
              </li>
            ))}
          </ul>
        )}
        <Box fontSize="body-s" color="inherit">
          Code <Box variant="code">{problem.code}</Box>
          {requestId === undefined ? null : (
            <>
              {" "}
              · request <Box variant="code">{requestId}</Box>
            </>
          )}
        </Box>
      </SpaceBetween>
    </Alert>
  );
}
