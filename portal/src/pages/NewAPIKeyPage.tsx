import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Form from "@cloudscape-design/components/form";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import RadioGroup from "@cloudscape-design/components/radio-group";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Textarea from "@cloudscape-design/components/textarea";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { bodyOf } from "../api/client";
import { useService } from "../api/context";
import { fieldErrors } from "../api/problem";
import type { APIKeyRole } from "../api/types";
import { useDraft } from "../parts/drafts";
import { ChangeButton } from "../parts/MayChange";
import { Page } from "../parts/Page";
import { ProblemAlert } from "../parts/ProblemAlert";
import { Secret } from "../parts/Secret";
import { paths } from "../paths";

const roles: readonly { readonly value: APIKeyRole; readonly label: string; readonly description: string }[] = [
  { value: "auditor", label: "Auditor", description: "Reads, the audit included." },
  { value: "operator", label: "Operator", description: "Onboards, changes and off-boards tenants, and invites managers." },
  { value: "owner", label: "Owner", description: "As an operator. No key manages keys or admins." },
];

const empty = { name: "", role: "auditor", tenants: "", days: "90" };

export function NewAPIKeyPage() {
  const { api } = useService();
  const queries = useQueryClient();
  const [draft, setDraft, forget] = useDraft("api-key", empty);
  const [strict, setStrict] = useState(false);
  const isDays = /^\d+$/.test(draft.days) && Number(draft.days) >= 1 && Number(draft.days) <= 365;
  const isNamed = draft.name.trim() !== "";
  const tenants = draft.tenants.split(/[\s,]+/).filter((slug) => slug !== "");
  const add = useMutation({
    mutationFn: () =>
      bodyOf(
        api.POST("/v1/api-keys", {
          body: {
            name: draft.name.trim(),
            role: roles.find(({ value }) => value === draft.role)?.value ?? "auditor",
            expires_in_days: Number(draft.days),
            ...(tenants.length === 0 ? {} : { tenants }),
          },
        }),
      ),
    onSuccess: async () => {
      forget();
      await queries.invalidateQueries({ queryKey: ["api-keys"] });
    },
  });
  const refused = [...fieldErrors(add.error)];
  const refusal = (pointer: string): string => refused.find(([at]) => at === pointer || at.startsWith(`${pointer}/`))?.[1] ?? "";
  if (add.data !== undefined) {
    return (
      <Page title="Make an API key" trail={[{ text: "API keys", href: paths.apiKeys() }]} header={<Header variant="h1">{add.data.key.name}</Header>}>
        <Container>
          <SpaceBetween size="l">
            <Secret secret={add.data.secret} />
            <Button variant="primary" href={paths.apiKeys()}>
              I have it
            </Button>
          </SpaceBetween>
        </Container>
      </Page>
    );
  }
  return (
    <Page title="Make an API key" trail={[{ text: "API keys", href: paths.apiKeys() }]} header={<Header variant="h1">Make an API key</Header>}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          setStrict(true);
          if (isNamed && isDays) add.mutate();
        }}
      >
        <Form
          actions={
            <SpaceBetween direction="horizontal" size="xs">
              <Button href={paths.apiKeys()} variant="link">
                Cancel
              </Button>
              <ChangeButton right="keys.change" variant="primary" loading={add.isPending} formAction="submit">
                Make the key
              </ChangeButton>
            </SpaceBetween>
          }
        >
          <SpaceBetween size="l">
            <ProblemAlert error={add.error} what="Making the key" />
            <Container>
              <SpaceBetween size="l">
                <FormField label="Name" description="What it is for." errorText={refusal("/name") || (strict && !isNamed ? "Say what it is for." : "")}>
                  <Input value={draft.name} placeholder="nightly report" onChange={({ detail }) => setDraft({ ...draft, name: detail.value })} />
                </FormField>
                <FormField label="Role" description="It may do no more than you may, for as long as you may.">
                  <RadioGroup value={draft.role} items={roles} onChange={({ detail }) => setDraft({ ...draft, role: detail.value })} />
                </FormField>
                <FormField
                  label={
                    <span>
                      Tenants <i>– optional</i>
                    </span>
                  }
                  description="Slugs of those that it reaches; empty for all that you reach."
                  errorText={refusal("/tenants")}
                >
                  <Textarea value={draft.tenants} rows={2} spellcheck={false} placeholder="acme, northwind" onChange={({ detail }) => setDraft({ ...draft, tenants: detail.value })} />
                </FormField>
                <FormField
                  label="Days until it expires"
                  constraintText="1 to 365; 90 by default."
                  errorText={refusal("/expires_in_days") || (isDays ? "" : "Use a whole number from 1 to 365.")}
                >
                  <Input value={draft.days} inputMode="numeric" onChange={({ detail }) => setDraft({ ...draft, days: detail.value.trim() })} />
                </FormField>
              </SpaceBetween>
            </Container>
          </SpaceBetween>
        </Form>
      </form>
    </Page>
  );
}
