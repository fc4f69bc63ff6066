import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Form from "@cloudscape-design/components/form";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import RadioGroup from "@cloudscape-design/components/radio-group";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { useState } from "react";

import { bodyOf } from "../api/client";
import { useService } from "../api/context";
import { fieldErrors } from "../api/problem";
import { useIntent } from "../api/useIntent";
import { useDraft } from "../parts/drafts";
import { ChangeButton } from "../parts/MayChange";
import { Page } from "../parts/Page";
import { ProblemAlert } from "../parts/ProblemAlert";
import { paths } from "../paths";
import { notify } from "../shell/notices";

const route = getRouteApi("/tenants/$slug/managers/invite");

const empty = { email: "", group: "viewers" };

export function NewManagerPage() {
  const { slug } = route.useParams();
  const { api } = useService();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const once = useIntent();
  const [draft, setDraft, forget] = useDraft(`manager.${slug}`, empty);
  const [strict, setStrict] = useState(false);
  const list = paths.tenantTab(slug, "managers");
  const invite = useMutation({
    mutationFn: () =>
      once((key) =>
        bodyOf(
          api.POST("/v1/tenants/{slug}/managers", {
            params: { path: { slug }, header: { "Idempotency-Key": key } },
            body: { email: draft.email, group: draft.group === "managers" ? "managers" : "viewers" },
          }),
        ),
      ),
    onSuccess: async ({ email }) => {
      forget();
      notify({ id: `manager.${slug}.${email}`, type: "success", header: `${email} is invited`, content: "The temporary password in the e-mail is good for seven days." });
      await queries.invalidateQueries({ queryKey: ["tenant", slug, "managers"] });
      await navigate({ to: list });
    },
  });
  const isAddress = /^\S+@\S+$/.test(draft.email);
  const emailText = fieldErrors(invite.error).get("/email") ?? (strict && !isAddress ? "This is no e-mail address." : "");
  return (
    <Page
      title="Invite a manager"
      trail={[
        { text: "Tenants", href: paths.tenants() },
        { text: slug, href: paths.tenant(slug) },
        { text: "Managers", href: list },
      ]}
      header={<Header variant="h1">Invite a manager</Header>}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          setStrict(true);
          if (isAddress) invite.mutate();
        }}
      >
        <Form
          actions={
            <SpaceBetween direction="horizontal" size="xs">
              <Button href={list} variant="link">
                Cancel
              </Button>
              <ChangeButton right="managers.change" variant="primary" loading={invite.isPending} formAction="submit">
                Invite
              </ChangeButton>
            </SpaceBetween>
          }
        >
          <SpaceBetween size="l">
            <ProblemAlert error={invite.error} what="Inviting" />
            <Container>
              <SpaceBetween size="l">
                <FormField label="E-mail" description="It gets a temporary password, and is what they sign in with." errorText={emailText}>
                  <Input value={draft.email} type="email" spellcheck={false} autoComplete={false} onChange={({ detail }) => setDraft({ ...draft, email: detail.value.trim() })} />
                </FormField>
                <FormField label="What they may do" description="It can be changed later.">
                  <RadioGroup
                    value={draft.group}
                    onChange={({ detail }) => setDraft({ ...draft, group: detail.value })}
                    items={[
                      { value: "viewers", label: "See the space", description: "Dashboards and calls of this tenant, to look at." },
                      { value: "managers", label: "See and change the space", description: "Make and change its dashboards too." },
                    ]}
                  />
                </FormField>
              </SpaceBetween>
            </Container>
          </SpaceBetween>
        </Form>
      </form>
    </Page>
  );
}
