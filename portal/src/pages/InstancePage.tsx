import Alert from "@cloudscape-design/components/alert";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Form from "@cloudscape-design/components/form";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";

import { bodyOf } from "../api/client";
import { useService } from "../api/context";
import { fieldErrors, ProblemError } from "../api/problem";
import { instancesQuery } from "../api/queries";
import type { ConnectInstance } from "../api/types";
import { useIntent } from "../api/useIntent";
import { useDraft } from "../parts/drafts";
import { ChangeButton } from "../parts/MayChange";
import { Page } from "../parts/Page";
import { ProblemAlert } from "../parts/ProblemAlert";
import { paths } from "../paths";
import { instanceRoute, newInstanceRoute } from "../router";
import { InstanceFields } from "../tenants/InstanceFields";
import { instanceTroubles, noInstance } from "../tenants/instance";

const trail = (slug: string) => [
  { text: "Tenants", href: paths.tenants() },
  { text: slug, href: paths.tenant(slug) },
  { text: "Connect instances", href: paths.tenantTab(slug, "instances") },
];

export function NewInstancePage() {
  const { slug } = newInstanceRoute.useParams();
  const { api } = useService();
  const navigate = useNavigate();
  const once = useIntent();
  const [draft, setDraft, forget] = useDraft(`instance.${slug}`, noInstance);
  const [strict, setStrict] = useState(false);
  const add = useMutation({
    mutationFn: () =>
      once((key) =>
        bodyOf(
          api.POST("/v1/tenants/{slug}/connect-instances", {
            params: { path: { slug }, header: { "Idempotency-Key": key } },
            body: { alias: draft.alias, arn: draft.arn, ccp_url: draft.ccpUrl, ...(draft.samlUrl === "" ? {} : { saml_url: draft.samlUrl }) },
          }),
        ),
      ),
    onSuccess: async ({ operation }) => {
      forget();
      await navigate({ to: paths.operation(operation.id) });
    },
  });
  const refused = fieldErrors(add.error);
  return (
    <Page title="Add a Connect instance" trail={trail(slug)} header={<Header variant="h1">Add a Connect instance</Header>}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          setStrict(true);
          if (Object.keys(instanceTroubles(draft)).length === 0) add.mutate();
        }}
      >
        <Form actions={<Actions slug={slug} isPending={add.isPending} text="Add" />}>
          <SpaceBetween size="l">
            <ProblemAlert error={add.error} what="Adding the instance" />
            <Container>
              <InstanceFields
                form={draft}
                strict={strict}
                change={setDraft}
                errors={{ alias: refused.get("/alias"), arn: refused.get("/arn"), ccpUrl: refused.get("/ccp_url"), samlUrl: refused.get("/saml_url") }}
              />
            </Container>
          </SpaceBetween>
        </Form>
      </form>
    </Page>
  );
}

const Actions = ({ slug, isPending, text }: { readonly slug: string; readonly isPending: boolean; readonly text: string }) => (
  <SpaceBetween direction="horizontal" size="xs">
    <Button href={paths.tenantTab(slug, "instances")} variant="link">
      Cancel
    </Button>
    <ChangeButton variant="primary" loading={isPending} formAction="submit">
      {text}
    </ChangeButton>
  </SpaceBetween>
);

export function InstancePage() {
  const { slug, alias } = instanceRoute.useParams();
  const { api } = useService();
  // The form keeps the tag under which it was read: another's change in between is for people to see.
  const { data, error, refetch } = useQuery({ ...instancesQuery(api, slug), refetchOnWindowFocus: false });
  const instance = data?.items.find((one) => one.alias === alias);
  return (
    <Page title={alias} trail={trail(slug)} header={<Header variant="h1">{`Edit ${alias}`}</Header>}>
      <ProblemAlert error={error} what="The instance cannot be read" retry={refetch} />
      {data !== undefined && instance === undefined ? <Alert type="info">{`${slug} has no Connect instance ${alias}.`}</Alert> : null}
      {data === undefined || instance === undefined ? null : <Edit slug={slug} instance={instance} tag={data.tag} />}
    </Page>
  );
}

interface EditProps {
  readonly slug: string;
  readonly instance: ConnectInstance;
  readonly tag: string;
}

const formOf = (instance: ConnectInstance) => ({
  ccp_url: instance.ccp_url,
  saml_url: instance.saml_url ?? "",
  directory_role_arn: instance.directory_role_arn ?? "",
});

const labels = { ccp_url: "Contact Control Panel", saml_url: "SAML sign-in", directory_role_arn: "Directory role" } as const;
const fields = ["ccp_url", "saml_url", "directory_role_arn"] as const;
const described = {
  ccp_url: "What the softphone frames; it ends in /ccp-v2.",
  saml_url: "Where agents sign in, if by SAML; empty for none.",
  directory_role_arn: "Of the customer's account, an output of their stack; empty for none.",
} as const;

function Edit({ slug, instance, tag }: EditProps) {
  const { api } = useService();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const once = useIntent();
  const [began, setBegan] = useState({ tag, form: formOf(instance) });
  const [draft, setDraft, forget] = useDraft(`instance.${slug}.${instance.alias}`, began.form);
  const path = { slug, alias: instance.alias };
  const save = useMutation({
    mutationFn: () =>
      once((key) =>
        bodyOf(
          api.PATCH("/v1/tenants/{slug}/connect-instances/{alias}", {
            params: { path, header: { "Idempotency-Key": key, "If-Match": began.tag } },
            body: Object.fromEntries(fields.filter((name) => draft[name] !== began.form[name]).map((name) => [name, draft[name]])),
          }),
        ),
      ),
    onSuccess: async (answer) => {
      forget();
      await queries.invalidateQueries({ queryKey: ["tenant", slug] });
      await navigate({ to: "operation" in answer ? paths.operation(answer.operation.id) : paths.tenantTab(slug, "instances") });
    },
    onError: async (error) => {
      if (error instanceof ProblemError && error.problem.status === 412) await queries.invalidateQueries({ queryKey: ["tenant", slug] });
    },
  });
  const isOld = save.error instanceof ProblemError && save.error.problem.status === 412;
  const refused = fieldErrors(save.error);
  const now = formOf(instance);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        save.mutate();
      }}
    >
      <Form actions={<Actions slug={slug} isPending={save.isPending} text="Save" />}>
        <SpaceBetween size="l">
          {isOld ? (
            <Alert
              type="warning"
              header="Somebody else has changed the tenant meanwhile"
              action={
                <Button
                  formAction="none"
                  onClick={() => {
                    setBegan({ tag, form: now });
                    save.reset();
                  }}
                >
                  Go on with mine
                </Button>
              }
            >
              <KeyValuePairs
                columns={1}
                items={fields.map((name) => ({ label: labels[name], value: `${now[name] || "none"} now, ${draft[name] || "none"} in your form` }))}
              />
            </Alert>
          ) : (
            <ProblemAlert error={save.error} what="Saving" />
          )}
          <Container>
            <SpaceBetween size="l">
              {fields.map((name) => (
                <FormField key={name} label={labels[name]} description={described[name]} errorText={refused.get(`/${name}`)}>
                  <Input value={draft[name]} spellcheck={false} onChange={({ detail }) => setDraft({ ...draft, [name]: detail.value.trim() })} />
                </FormField>
              ))}
            </SpaceBetween>
          </Container>
        </SpaceBetween>
      </Form>
    </form>
  );
}
