import Button from "@cloudscape-design/components/button";
import { useMutation } from "@tanstack/react-query";

import { useService } from "../api/context";
import { problemOf } from "../api/problem";
import { defined, type AuditFilter } from "../api/queries";
import { notify } from "../shell/notices";
import { ProblemAlert } from "./ProblemAlert";
import { saveAs } from "./save";

/** Saves everything that matches as lines of JSON. An answer that is cut off is saved nowhere. */
export function AuditExport({ filter }: { readonly filter: AuditFilter }) {
  const { send } = useService();
  const run = useMutation({
    mutationFn: async () => {
      const url = new URL("/v1/audit-events", location.origin);
      for (const [name, value] of Object.entries(defined(filter))) url.searchParams.set(name, value);
      const response = await send(new Request(url, { headers: { accept: "application/x-ndjson" } }));
      if (!response.ok) {
        const body: unknown = await response.json().catch(() => undefined);
        throw problemOf(response.status, body, response.headers.get("x-request-id"));
      }
      saveAs(await response.blob(), `audit-${new Date().toISOString().slice(0, 10)}.jsonl`);
    },
    onError: (error) => notify({ id: "audit-export", type: "error", header: "The export has failed", content: <ProblemAlert error={error} /> }),
  });
  return (
    <Button iconName="download" loading={run.isPending} onClick={() => run.mutate()}>
      Export as JSON lines
    </Button>
  );
}
