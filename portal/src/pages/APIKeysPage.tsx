import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import Modal from "@cloudscape-design/components/modal";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import Table, { type TableProps } from "@cloudscape-design/components/table";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { bodyOf, emptyOf } from "../api/client";
import { useService } from "../api/context";
import { apiKeysQuery } from "../api/queries";
import type { APIKey } from "../api/types";
import { ChangeButton, useChangeReason } from "../parts/MayChange";
import { Page } from "../parts/Page";
import { ProblemAlert } from "../parts/ProblemAlert";
import { Secret } from "../parts/Secret";
import { When } from "../parts/When";
import { Who } from "../parts/Who";
import { paths } from "../paths";
import { notify } from "../shell/notices";

interface Chosen {
  readonly key: APIKey;
  readonly deed: "rotate" | "revoke";
}

export function APIKeysPage() {
  const { api } = useService();
  const mayNotRead = useChangeReason("keys.read");
  const listed = useQuery({ ...apiKeysQuery(api), enabled: mayNotRead === undefined });
  const [chosen, setChosen] = useState<Chosen | undefined>();
  const columns: TableProps.ColumnDefinition<APIKey>[] = [
    { id: "name", header: "Name", isRowHeader: true, minWidth: 140, cell: (key) => <Named apiKey={key} /> },
    { id: "role", header: "Role", minWidth: 110, cell: (key) => <Reach apiKey={key} /> },
    { id: "maker", header: "Made by", minWidth: 140, cell: ({ made_by }) => <Who name={made_by} /> },
    { id: "used", header: "Last used", minWidth: 120, cell: ({ last_used_at }) => (last_used_at === undefined ? "never" : <When at={last_used_at} />) },
    { id: "expires", header: "Expires", minWidth: 130, cell: (key) => <Expiry apiKey={key} /> },
    {
      id: "actions",
      header: "Actions",
      minWidth: 170,
      cell: (key) => (
        <SpaceBetween direction="horizontal" size="xs">
          <ChangeButton right="keys.change" variant="inline-link" ariaLabel={`Rotate ${key.name}`} onClick={() => setChosen({ key, deed: "rotate" })}>
            Rotate
          </ChangeButton>
          <ChangeButton right="keys.change" variant="inline-link" ariaLabel={`Revoke ${key.name}`} onClick={() => setChosen({ key, deed: "revoke" })}>
            Revoke
          </ChangeButton>
        </SpaceBetween>
      ),
    },
  ];
  const close = (): void => setChosen(undefined);
  return (
    <Page
      title="API keys"
      trail={[]}
      header={
        <Header
          variant="h1"
          description="Let programs in, no further than who made them."
          actions={
            <ChangeButton right="keys.change" variant="primary" href={paths.newAPIKey()}>
              Make an API key
            </ChangeButton>
          }
        >
          API keys
        </Header>
      }
    >
      <SpaceBetween size="m">
        <ProblemAlert error={listed.error} what="The API keys cannot be listed" retry={listed.refetch} />
        <Table
          columnDefinitions={columns}
          items={listed.data ?? []}
          trackBy="id"
          wrapLines
          loading={listed.isLoading}
          loadingText="Asking for the API keys"
          ariaLabels={{ tableLabel: "API keys" }}
          empty={<Box textAlign="center">{mayNotRead ?? <NoKeys />}</Box>}
        />
      </SpaceBetween>
      {chosen?.deed === "rotate" ? <Rotate key={chosen.key.id} apiKey={chosen.key} close={close} /> : null}
      {chosen?.deed === "revoke" ? <Revoke key={chosen.key.id} apiKey={chosen.key} close={close} /> : null}
    </Page>
  );
}

const NoKeys = () => (
  <SpaceBetween size="s">
    <b>No API keys yet</b>
    <Box color="text-body-secondary">
      A program sends a key as a bearer token. It may do what its role may and its maker still may; its secret is shown once, and rotation
      gives it another while the one before still opens for a while.
    </Box>
  </SpaceBetween>
);

const Named = ({ apiKey: { name, prefix } }: { readonly apiKey: APIKey }) => (
  <>
    {name}
    <Box color="text-body-secondary">esk_{prefix}_…</Box>
  </>
);

const Reach = ({ apiKey: { role, scope } }: { readonly apiKey: APIKey }) => (
  <>
    {role}
    <Box color="text-body-secondary">{scope.all ? "every tenant" : scope.tenant_ids.length === 1 ? "1 tenant" : `${scope.tenant_ids.length} tenants`}</Box>
  </>
);

function Expiry({ apiKey: { expires_at, previous_until } }: { readonly apiKey: APIKey }) {
  const [now] = useState(Date.now);
  return (
    <>
      {Date.parse(expires_at) <= now ? <StatusIndicator type="stopped">expired</StatusIndicator> : <When at={expires_at} />}
      {previous_until !== undefined && Date.parse(previous_until) > now ? (
        <Box color="text-body-secondary">
          The secret before opens until <When at={previous_until} />
        </Box>
      ) : null}
    </>
  );
}

interface DeedProps {
  readonly apiKey: APIKey;
  readonly close: () => void;
}

function Rotate({ apiKey: { id, name }, close }: DeedProps) {
  const { api } = useService();
  const queries = useQueryClient();
  const [hours, setHours] = useState("24");
  const isHours = /^\d+$/.test(hours) && Number(hours) <= 168;
  const run = useMutation({
    mutationFn: () => bodyOf(api.POST("/v1/api-keys/{id}/actions/rotate", { params: { path: { id } }, body: { overlap_hours: Number(hours) } })),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["api-keys"] }),
  });
  return (
    <Modal
      visible
      onDismiss={close}
      header={`Rotate ${name}`}
      closeAriaLabel="Close"
      footer={
        <Box float="right">
          {run.data === undefined ? (
            <SpaceBetween direction="horizontal" size="xs">
              <Button onClick={close}>Cancel</Button>
              <Button variant="primary" loading={run.isPending} disabled={!isHours} onClick={() => run.mutate()}>
                Rotate
              </Button>
            </SpaceBetween>
          ) : (
            <Button variant="primary" onClick={close}>
              I have it
            </Button>
          )}
        </Box>
      }
    >
      <SpaceBetween size="m">
        <ProblemAlert error={run.error} what="Rotating" />
        {run.data === undefined ? (
          <FormField
            label="Hours that the secret of before still opens"
            description="So that whoever uses it has time to change it; 0 ends it at once."
            errorText={isHours ? "" : "Use a whole number of hours, 168 at most."}
          >
            <Input value={hours} inputMode="numeric" onChange={({ detail }) => setHours(detail.value.trim())} />
          </FormField>
        ) : (
          <Secret secret={run.data.secret} />
        )}
      </SpaceBetween>
    </Modal>
  );
}

function Revoke({ apiKey: { id, name }, close }: DeedProps) {
  const { api } = useService();
  const queries = useQueryClient();
  const run = useMutation({
    mutationFn: () => emptyOf(api.DELETE("/v1/api-keys/{id}", { params: { path: { id } } })),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ["api-keys"] });
      notify({ id: `api-key.${id}`, type: "success", header: `The API key ${name} is revoked` });
      close();
    },
  });
  return (
    <Modal
      visible
      onDismiss={close}
      header={`Revoke ${name}`}
      closeAriaLabel="Close"
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button onClick={close}>Cancel</Button>
            <Button variant="primary" loading={run.isPending} onClick={() => run.mutate()}>
              Revoke
            </Button>
          </SpaceBetween>
        </Box>
      }
    >
      <SpaceBetween size="m">
        <ProblemAlert error={run.error} what="Revoking" />
        It opens nothing from then on, and cannot be brought back. A secret of before a rotation ends with it.
      </SpaceBetween>
    </Modal>
  );
}
