import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Checkbox from "@cloudscape-design/components/checkbox";
import Container from "@cloudscape-design/components/container";
import FileUpload from "@cloudscape-design/components/file-upload";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";

import { bodyOf } from "../api/client";
import { useService } from "../api/context";
import { problemOf } from "../api/problem";
import type { SpaceImport, Tenant } from "../api/types";
import { useIntent } from "../api/useIntent";
import { CopyAddress } from "../parts/Copy";
import { ChangeButton } from "../parts/MayChange";
import { ProblemAlert } from "../parts/ProblemAlert";
import { saveAs } from "../parts/save";

const mostBytes = 10 * 1024 * 1024;

/** The tenant's dashboards: taken from a file, and given as one. */
export function Space({ tenant }: { readonly tenant: Tenant }) {
  const because = tenant.stack.name === undefined ? "The tenant has no space yet: its stack is still to be built." : undefined;
  return (
    <SpaceBetween size="l">
      <Container header={<Header variant="h2" description="Where managers look at dashboards, and change them.">Space</Header>}>
        <CopyAddress url={tenant.urls.space} what="the space's address" open />
      </Container>
      <Import slug={tenant.slug} because={because} />
      <Export slug={tenant.slug} because={because} />
    </SpaceBetween>
  );
}

interface Props {
  readonly slug: string;
  readonly because: string | undefined;
}

function Import({ slug, because }: Props) {
  const { api } = useService();
  const once = useIntent();
  const [files, setFiles] = useState<File[]>([]);
  const [overwrite, setOverwrite] = useState(false);
  const [template, setTemplate] = useState(false);
  const file = files[0];
  const run = useMutation({
    mutationFn: (chosen: File) =>
      once((key) =>
        bodyOf(
          api.POST("/v1/tenants/{slug}/space/import", {
            params: { path: { slug }, query: { overwrite, template }, header: { "Idempotency-Key": key } },
            headers: { "content-type": "application/x-ndjson" },
            body: "",
            bodySerializer: () => chosen,
          }),
        ),
      ),
  });
  const tooLarge = file !== undefined && file.size > mostBytes ? "It is larger than 10 MiB." : undefined;
  return (
    <Container
      header={
        <Header
          variant="h2"
          description="An export of OpenSearch Dashboards, of Kibana 7.4 to 7.10, or of the published solution. It is taken whole or not at all."
          actions={
            <ChangeButton
              right="spaces.change"
              because={because ?? tooLarge ?? (file === undefined ? "Choose a file first." : undefined)}
              loading={run.isPending}
              onClick={() => {
                if (file !== undefined) run.mutate(file);
              }}
            >
              Import
            </ChangeButton>
          }
        >
          Import dashboards
        </Header>
      }
    >
      <SpaceBetween size="m">
        <ProblemAlert error={run.error} what="Importing" />
        {run.data === undefined ? null : <Outcome outcome={run.data} />}
        <FormField label="File" constraintText="One JSON object on each line (.ndjson), 10 MiB and 2,000 objects at most." errorText={tooLarge}>
          <FileUpload
            value={files}
            accept=".ndjson,.json"
            showFileSize
            i18nStrings={{
              uploadButtonText: () => "Choose a file",
              dropzoneText: () => "Drop the file here",
              removeFileAriaLabel: () => "Take the file away",
              limitShowFewer: "Show fewer",
              limitShowMore: "Show more",
            }}
            onChange={({ detail }) => {
              setFiles(detail.value);
              run.reset();
            }}
          />
        </FormField>
        <Checkbox checked={overwrite} description="Without it, an import that would replace another object is refused." onChange={({ detail }) => setOverwrite(detail.checked)}>
          Replace objects of the same ids
        </Checkbox>
        <Checkbox
          checked={template}
          description="They take the place of the tenant's templates of before; each upgrade writes them as it does ours, over nothing that somebody has edited or deleted."
          onChange={({ detail }) => setTemplate(detail.checked)}
        >
          They are the tenant’s own templates from now on
        </Checkbox>
      </SpaceBetween>
    </Container>
  );
}

function Outcome({ outcome: { created, updated, unchanged, notes } }: { readonly outcome: SpaceImport }) {
  const told = [`${created.length} created`, `${updated.length} replaced`, `${unchanged.length} there already`].join(", ");
  return (
    <Alert type="success" header={`Imported: ${told}`}>
      {notes.length === 0 ? null : (
        <ul>
          {notes.map(({ object, text }) => (
            <li key={`${object ?? ""} ${text}`}>
              {object === undefined ? null : <Box variant="code">{object}</Box>} {text}
            </li>
          ))}
        </ul>
      )}
    </Alert>
  );
}

function Export({ slug, because }: Props) {
  const { send } = useService();
  const run = useMutation({
    mutationFn: async () => {
      const response = await send(new Request(`${location.origin}/v1/tenants/${encodeURIComponent(slug)}/space/export`, { headers: { accept: "application/x-ndjson" } }));
      if (!response.ok) {
        const body: unknown = await response.json().catch(() => undefined);
        throw problemOf(response.status, body, response.headers.get("x-request-id"));
      }
      saveAs(await response.blob(), `${slug}.ndjson`);
    },
  });
  return (
    <Container
      header={
        <Header
          variant="h2"
          description="Index patterns, searches, visualizations and dashboards, the managed ones too, as OpenSearch Dashboards exports them."
          actions={
            <ChangeButton right="spaces.read" iconName="download" because={because} loading={run.isPending} onClick={() => run.mutate()}>
              Export
            </ChangeButton>
          }
        >
          Export dashboards
        </Header>
      }
    >
      <ProblemAlert error={run.error} what="Exporting" />
    </Container>
  );
}
