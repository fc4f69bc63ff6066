import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import Modal from "@cloudscape-design/components/modal";
import RadioGroup from "@cloudscape-design/components/radio-group";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";

import { bodyOf, type API } from "../api/client";
import { useService } from "../api/context";
import type { Tenant } from "../api/types";
import { useIntent } from "../api/useIntent";
import { ChangeButton } from "../parts/MayChange";
import { ProblemAlert } from "../parts/ProblemAlert";
import { paths } from "../paths";
import { refusals } from "./states";
import { Upgrade } from "./Upgrade";

interface Action {
  readonly id: "suspend" | "resume" | "retry";
  readonly title: string;
  readonly explained: string;
  readonly button: string;
}

const actions: readonly Action[] = [
  {
    id: "suspend",
    title: "Suspend",
    explained: "Its API refuses telemetry (410), and the softphone tells the agents so. Calls go on, and all data stays.",
    button: "Suspend the tenant",
  },
  { id: "resume", title: "Resume", explained: "Its API accepts again, which a synthetic call proves.", button: "Resume the tenant" },
  { id: "retry", title: "Retry", explained: "A new attempt of the operation that failed, from the step that failed.", button: "Retry" },
];

const started = (api: API, slug: string, id: Action["id"], key: string) => {
  const params = { path: { slug }, header: { "Idempotency-Key": key } };
  switch (id) {
    case "suspend":
      return bodyOf(api.POST("/v1/tenants/{slug}/actions/suspend", { params }));
    case "resume":
      return bodyOf(api.POST("/v1/tenants/{slug}/actions/resume", { params }));
    case "retry":
      return bodyOf(api.POST("/v1/tenants/{slug}/actions/retry", { params }));
  }
};

/** What is done to a tenant as a whole. */
export function Manage({ tenant }: { readonly tenant: Tenant }) {
  return (
    <SpaceBetween size="l">
      {actions.map((action) => (
        <Act key={action.id} tenant={tenant} action={action} />
      ))}
      <Upgrade key={tenant.stack.artifact_version ?? ""} tenant={tenant} />
      <Offboard tenant={tenant} />
    </SpaceBetween>
  );
}

function Act({ tenant, action }: { readonly tenant: Tenant; readonly action: Action }) {
  const { api } = useService();
  const follow = useStarted(tenant.slug);
  const once = useIntent();
  const run = useMutation({ mutationFn: () => once((key) => started(api, tenant.slug, action.id, key)), onSuccess: follow });
  return (
    <Container
      header={
        <Header
          variant="h2"
          description={action.explained}
          actions={
            <ChangeButton because={refusals[action.id](tenant)} loading={run.isPending} onClick={() => run.mutate()}>
              {action.button}
            </ChangeButton>
          }
        >
          {action.title}
        </Header>
      }
    >
      <ProblemAlert error={run.error} what={action.title} />
    </Container>
  );
}

function Offboard({ tenant }: { readonly tenant: Tenant }) {
  const { api } = useService();
  const [isOpen, setOpen] = useState(false);
  const [typed, setTyped] = useState("");
  const [data, setData] = useState<"retain" | "delete">("retain");
  const follow = useStarted(tenant.slug);
  const once = useIntent();
  const run = useMutation({
    mutationFn: () =>
      once((key) =>
        bodyOf(
          api.DELETE("/v1/tenants/{slug}", { params: { path: { slug: tenant.slug }, query: { confirm: typed, data }, header: { "Idempotency-Key": key } } }),
        ),
      ),
    onSuccess: follow,
  });
  return (
    <Container
      header={
        <Header
          variant="h2"
          description="Takes the stack down: softphone, API and sign-in are gone for good."
          actions={
            <ChangeButton because={refusals.offboard(tenant)} onClick={() => setOpen(true)}>
              Off-board the tenant
            </ChangeButton>
          }
        >
          Off-board
        </Header>
      }
    >
      <Modal
        visible={isOpen}
        onDismiss={() => setOpen(false)}
        header={`Off-board ${tenant.slug}`}
        closeAriaLabel="Close"
        footer={
          <Box float="right">
            <SpaceBetween direction="horizontal" size="xs">
              <Button onClick={() => setOpen(false)}>Cancel</Button>
              <Button
                variant="primary"
                loading={run.isPending}
                disabled={typed !== tenant.slug}
                disabledReason="Type the tenant's slug to confirm."
                onClick={() => run.mutate()}
              >
                Off-board
              </Button>
            </SpaceBetween>
          </Box>
        }
      >
        <SpaceBetween size="m">
          <ProblemAlert error={run.error} what="Off-boarding" />
          <FormField label="Its data" stretch>
            <RadioGroup
              value={data}
              onChange={({ detail }) => setData(detail.value === "delete" ? "delete" : "retain")}
              items={[
                { value: "retain", label: "Retain it", description: "Indices, space and archive stay, and the slug stays held. They can be deleted later." },
                { value: "delete", label: "Delete it", description: "Everything goes, every store is searched for what is left, and the slug is free again." },
              ]}
            />
          </FormField>
          {data === "delete" ? <Alert type="warning">What is deleted cannot be brought back.</Alert> : null}
          <FormField label={`Type ${tenant.slug} to confirm`}>
            <Input value={typed} spellcheck={false} autoComplete={false} onChange={({ detail }) => setTyped(detail.value)} />
          </FormField>
        </SpaceBetween>
      </Modal>
    </Container>
  );
}

/** Goes to the operation that was started, and has everything about the tenant asked for anew. */
function useStarted(slug: string) {
  const navigate = useNavigate();
  const queries = useQueryClient();
  return async (answer: { operation: { id: string } }): Promise<void> => {
    await queries.invalidateQueries({ queryKey: ["tenant", slug] });
    await navigate({ to: paths.operation(answer.operation.id) });
  };
}
