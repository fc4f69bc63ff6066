import Alert from "@cloudscape-design/components/alert";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Form from "@cloudscape-design/components/form";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { useState } from "react";

import { bodyOf } from "../api/client";
import { useService } from "../api/context";
import { fieldErrors, isOld } from "../api/problem";
import { instancesQuery } from "../api/queries";
import type { ConnectInstance } from "../api/types";
import { useIntent } from "../api/useIntent";
import { useDraft } from "../parts/drafts";
import { changed, useEdit } from "../parts/edit";
import { ChangeButton } from "../parts/MayChange";
import { Others } from "../parts/Others";
import { Page } from "../parts/Page";
import { ProblemAlert } from "../parts/ProblemAlert";
import { paths } from "../paths";
import { InstanceFields } from "../tenants/InstanceFields";
import { instanceTroubles, noInstance } from "../tenants/instance";

const addRoute = getRouteApi("/tenants/$slug/instances/new");
const editRoute = getRouteApi("/tenants/$slug/instances/edit/$alias");

const trail = (slug: string) => [
  { text: "Tenants", href: paths.tenants() },
  { text: slug, href: paths.tenant(slug) },
  { text: "Connect instances", href: paths.tenantTab(slug, "instances") },
];

export function NewInstancePage() {
  const { slug } = addRoute.useParams();
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

interface ActionsProps {
  readonly slug: string;
  readonly isPending: boolean;
  readonly text: string;
  readonly because?: string | undefined;
}

const Actions = ({ slug, isPending, text, because }: ActionsProps) => (
  <SpaceBetween direction="horizontal" size="xs">
    <Button href={paths.tenantTab(slug, "instances")} variant="link">
      Cancel
    </Button>
    <ChangeButton variant="primary" loading={isPending} formAction="submit" because={because}>
      {text}
    </ChangeButton>
  </SpaceBetween>
);

export function InstancePage() {
  const { slug, alias } = editRoute.useParams();
  const { api } = useService();
  const { data, error, refetch } = useQuery(instancesQuery(api, slug));
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

const fields = ["ccp_url", "saml_url", "directory_role_arn"] as const;
type InstanceEdit = Readonly<Record<(typeof fields)[number], string>>;

const formOf = (instance: ConnectInstance): InstanceEdit => ({
  ccp_url: instance.ccp_url,
  saml_url: instance.saml_url ?? "",
  directory_role_arn: instance.directory_role_arn ?? "",
});

const labels: InstanceEdit = { ccp_url: "Contact Control Panel", saml_url: "SAML sign-in", directory_role_arn: "Directory role" };
const described: InstanceEdit = {
  ccp_url: "What the softphone frames; it ends in /ccp-v2.",
  saml_url: "Where agents sign in, if by SAML; empty for none.",
  directory_role_arn: "Of the customer's account, an output of their stack; empty for none.",
};

function Edit({ slug, instance, tag }: EditProps) {
  const { api } = useService();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const once = useIntent();
  const theirs = formOf(instance);
  const edit = useEdit(`instance.${slug}.${instance.alias}`, theirs);
  const path = { slug, alias: instance.alias };
  const save = useMutation({
    mutationFn: () =>
      once((key) =>
        bodyOf(
          api.PATCH("/v1/tenants/{slug}/connect-instances/{alias}", {
            params: { path, header: { "Idempotency-Key": key, "If-Match": tag } },
            body: Object.fromEntries(changed(edit.base, edit.form).map((name) => [name, edit.form[name]])),
          }),
        ),
      ),
    onSuccess: async (answer) => {
      edit.forget();
      await queries.invalidateQueries({ queryKey: ["tenant", slug] });
      await navigate({ to: "operation" in answer ? paths.operation(answer.operation.id) : paths.tenantTab(slug, "instances") });
    },
    onError: async (error) => {
      if (isOld(error)) await queries.invalidateQueries({ queryKey: ["tenant", slug] });
    },
  });
  const refused = fieldErrors(save.error);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (edit.others === undefined) save.mutate();
      }}
    >
      <Form actions={<Actions slug={slug} isPending={save.isPending} text="Save" because={edit.others === undefined ? undefined : "Somebody else has changed the same; look at that first."} />}>
        <SpaceBetween size="l">
          <Others
            edit={edit}
            theirs={theirs}
            label={(name) => labels[name]}
            goOn={() => {
              edit.goOn();
              save.reset();
            }}
          />
          {edit.others !== undefined && isOld(save.error) ? null : <ProblemAlert error={save.error} what="Saving" />}
          <Container>
            <SpaceBetween size="l">
              {fields.map((name) => (
                <FormField key={name} label={labels[name]} description={described[name]} errorText={refused.get(`/${name}`)}>
                  <Input value={edit.form[name]} spellcheck={false} onChange={({ detail }) => edit.change({ ...edit.form, [name]: detail.value.trim() })} />
                </FormField>
              ))}
            </SpaceBetween>
          </Container>
        </SpaceBetween>
      </Form>
    </form>
  );
}
