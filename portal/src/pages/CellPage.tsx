import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Form from "@cloudscape-design/components/form";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import Link from "@cloudscape-design/components/link";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Toggle from "@cloudscape-design/components/toggle";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { useState } from "react";

import { bodyOf } from "../api/client";
import { useService } from "../api/context";
import { fieldErrors, isOld } from "../api/problem";
import { cellQuery } from "../api/queries";
import type { Cell } from "../api/types";
import { useDraft } from "../parts/drafts";
import { changed, useEdit } from "../parts/edit";
import { ChangeButton } from "../parts/MayChange";
import { Others } from "../parts/Others";
import { Page } from "../parts/Page";
import { ProblemAlert } from "../parts/ProblemAlert";
import { paths } from "../paths";
import { notify } from "../shell/notices";

const route = getRouteApi("/cells/$name");

const trail = [{ text: "Cells", href: paths.cells() }];
const isCount = (text: string): boolean => /^\d+$/.test(text);

const labels = { max_tenants: "Tenants that it takes", max_shards: "Shards that its search may hold", draining: "Drain" } as const;
const described = {
  max_tenants: "100 at most. A number below what is taken only keeps others out.",
  max_shards: "Primaries and replicas; 0 for no limit of its own.",
  draining: "It takes no new tenants. Those that are there stay, work and can be changed.",
} as const;

interface ActionsProps {
  readonly text: string;
  readonly isPending: boolean;
  readonly because?: string | undefined;
}

const Actions = ({ text, isPending, because }: ActionsProps) => (
  <SpaceBetween direction="horizontal" size="xs">
    <Button href={paths.cells()} variant="link">
      Cancel
    </Button>
    <ChangeButton right="cells.change" variant="primary" loading={isPending} formAction="submit" because={because}>
      {text}
    </ChangeButton>
  </SpaceBetween>
);

export function CellPage() {
  const { name } = route.useParams();
  const { api } = useService();
  const { data, error, refetch } = useQuery(cellQuery(api, name));
  return (
    <Page title={name} trail={trail} header={<Header variant="h1">{name}</Header>}>
      <ProblemAlert error={error} what="The cell cannot be shown" retry={refetch} />
      {data === undefined ? null : <Edit cell={data.cell} tag={data.tag} />}
    </Page>
  );
}

type CellEdit = Readonly<Record<keyof typeof labels, string>>;

const formOf = ({ max_tenants, max_shards, draining }: Cell): CellEdit => ({
  max_tenants: String(max_tenants),
  max_shards: String(max_shards),
  draining: draining ? "on" : "off",
});

function Edit({ cell, tag }: { readonly cell: Cell; readonly tag: string }) {
  const { api } = useService();
  const queries = useQueryClient();
  const theirs = formOf(cell);
  const edit = useEdit(`cell.${cell.name}`, theirs);
  const save = useMutation({
    mutationFn: () => {
      const touched = changed(edit.base, edit.form);
      const value = (name: keyof CellEdit): number | boolean => (name === "draining" ? edit.form.draining === "on" : Number(edit.form[name]));
      return bodyOf(
        api.PATCH("/v1/cells/{name}", {
          params: { path: { name: cell.name }, header: { "If-Match": tag } },
          body: Object.fromEntries(touched.map((name) => [name, value(name)])),
        }),
      );
    },
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ["cells"] });
      edit.forget();
      notify({ id: `cell.${cell.name}`, type: "success", header: `The cell ${cell.name} is saved` });
    },
    onError: async (error) => {
      if (isOld(error)) await queries.invalidateQueries({ queryKey: ["cells"] });
    },
  });
  const refused = fieldErrors(save.error);
  const number = (name: "max_tenants" | "max_shards") => (
    <FormField label={labels[name]} description={described[name]} errorText={refused.get(`/${name}`) ?? (isCount(edit.form[name]) ? "" : "Use a whole number.")}>
      <Input value={edit.form[name]} inputMode="numeric" onChange={({ detail }) => edit.change({ ...edit.form, [name]: detail.value.trim() })} />
    </FormField>
  );
  const because =
    edit.others !== undefined
      ? "Somebody else has changed the same; look at that first."
      : changed(edit.base, edit.form).length === 0
        ? "Nothing is changed."
        : isCount(edit.form.max_tenants) && isCount(edit.form.max_shards)
          ? undefined
          : "Use whole numbers.";
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (because === undefined) save.mutate();
      }}
    >
      <Form actions={<Actions text="Save" isPending={save.isPending} because={because} />}>
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
          <KeyValuePairs
            columns={3}
            items={[
              { label: "Region", value: cell.region },
              { label: "Stack", value: cell.stack_name },
              { label: "Worker's role", value: cell.role_arn },
              { label: "Tenants", value: <Link href={paths.tenantsOf(cell.name)}>{`${cell.tenants} of ${cell.max_tenants}`}</Link> },
              { label: "Shards", value: cell.max_shards === 0 ? cell.shards : `${cell.shards} of ${cell.max_shards}` },
            ]}
          />
          <Container header={<Header variant="h2">Capacity</Header>}>
            <SpaceBetween size="l">
              {number("max_tenants")}
              {number("max_shards")}
              <FormField label={labels.draining} description={described.draining}>
                <Toggle checked={edit.form.draining === "on"} onChange={({ detail }) => edit.change({ ...edit.form, draining: detail.checked ? "on" : "off" })}>
                  {edit.form.draining}
                </Toggle>
              </FormField>
            </SpaceBetween>
          </Container>
        </SpaceBetween>
      </Form>
    </form>
  );
}

const empty = { name: "", region: "", stackName: "earshotops-cell", roleArn: "", maxTenants: "100", maxShards: "0" };

export function NewCellPage() {
  const { api } = useService();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const [draft, setDraft, forget] = useDraft("cell", empty);
  const [externalId, setExternalId] = useState(""); // a secret of sorts: it is not kept in the tab
  const add = useMutation({
    mutationFn: () =>
      bodyOf(
        api.POST("/v1/cells", {
          body: {
            name: draft.name,
            region: draft.region,
            stack_name: draft.stackName,
            role_arn: draft.roleArn,
            external_id: externalId,
            max_tenants: Number(draft.maxTenants),
            max_shards: Number(draft.maxShards),
          },
        }),
      ),
    onSuccess: async () => {
      forget();
      await queries.invalidateQueries({ queryKey: ["cells"] });
      await navigate({ to: paths.cells() });
    },
  });
  const refused = fieldErrors(add.error);
  const field = (name: keyof typeof empty, pointer: string, label: string, description: string, placeholder = "") => (
    <FormField label={label} description={description} errorText={refused.get(pointer)}>
      <Input value={draft[name]} placeholder={placeholder} spellcheck={false} onChange={({ detail }) => setDraft({ ...draft, [name]: detail.value.trim() })} />
    </FormField>
  );
  const isWhole = isCount(draft.maxTenants) && isCount(draft.maxShards);
  const because = [draft.name, draft.region, draft.stackName, draft.roleArn, externalId].includes("") ? "Fill in every field." : isWhole ? undefined : "Use whole numbers.";
  return (
    <Page title="Add a cell" trail={trail} header={<Header variant="h1">Add a cell</Header>}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (because === undefined) add.mutate();
        }}
      >
        <Form actions={<Actions text="Add" isPending={add.isPending} because={because} />}>
          <SpaceBetween size="l">
            <ProblemAlert error={add.error} what="Adding the cell" />
            <Container header={<Header variant="h2" description="Of the stack that was deployed from infra/cell.yaml.">Where it is</Header>}>
              <SpaceBetween size="l">
                {field("name", "/name", "Name", "2 to 31 lower-case letters, digits or hyphens. It cannot be changed.", "eu2")}
                {field("region", "/region", "Region", "Of AWS.", "eu-central-1")}
                {field("stackName", "/stack_name", "Stack", "Its name in CloudFormation.")}
                {field("roleArn", "/role_arn", "Worker's role", "Its output WorkerRoleArn.", "arn:aws:iam::111122223333:role/earshotops-cell-worker")}
                <FormField label="External id" description="Its parameter ExternalId; it is shown nowhere again." errorText={refused.get("/external_id")}>
                  <Input value={externalId} type="password" autoComplete={false} onChange={({ detail }) => setExternalId(detail.value)} />
                </FormField>
              </SpaceBetween>
            </Container>
            <Container header={<Header variant="h2">Capacity</Header>}>
              <SpaceBetween size="l">
                {field("maxTenants", "/max_tenants", labels.max_tenants, described.max_tenants)}
                {field("maxShards", "/max_shards", labels.max_shards, described.max_shards)}
              </SpaceBetween>
            </Container>
          </SpaceBetween>
        </Form>
      </form>
    </Page>
  );
}
