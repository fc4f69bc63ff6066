import Container from "@cloudscape-design/components/container";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";

import { bodyOf } from "../api/client";
import { useService } from "../api/context";
import { fieldErrors } from "../api/problem";
import type { Tenant } from "../api/types";
import { useIntent } from "../api/useIntent";
import { useDraft } from "../parts/drafts";
import { ChangeButton } from "../parts/MayChange";
import { ProblemAlert } from "../parts/ProblemAlert";
import { paths } from "../paths";
import { busyReason } from "./states";

/** Brings the tenant's stack to a version of functions, site and template, or shows what that would change. */
export function Upgrade({ tenant }: { readonly tenant: Tenant }) {
  const { api } = useService();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const once = useIntent();
  const [{ version }, setDraft, forget] = useDraft(`upgrade.${tenant.slug}`, { version: tenant.stack.artifact_version ?? "" });
  const run = useMutation({
    mutationFn: (preview: boolean) =>
      once((key) =>
        bodyOf(
          api.POST("/v1/tenants/{slug}/actions/upgrade", {
            params: { path: { slug: tenant.slug }, query: { preview }, header: { "Idempotency-Key": key } },
            body: { artifact_version: version },
          }),
        ),
      ),
    onSuccess: async ({ operation }, preview) => {
      if (!preview) forget(); // what was only looked at may follow
      await queries.invalidateQueries({ queryKey: ["tenant", tenant.slug] });
      await navigate({ to: paths.operation(operation.id) });
    },
  });
  const because = busyReason(tenant) ?? (version === "" ? "Name a version." : undefined);
  const button = (preview: boolean, text: string) => (
    <ChangeButton because={because} loading={run.isPending && run.variables === preview} onClick={() => run.mutate(preview)}>
      {text}
    </ChangeButton>
  );
  return (
    <Container
      header={
        <Header
          variant="h2"
          description="Another version of functions, site and template, proved with a synthetic call. One that fails is rolled back."
          actions={
            <SpaceBetween direction="horizontal" size="xs">
              {button(true, "Show what would change")}
              {button(false, "Upgrade the tenant")}
            </SpaceBetween>
          }
        >
          Upgrade
        </Header>
      }
    >
      <SpaceBetween size="m">
        <ProblemAlert error={run.error} what="Upgrading" />
        <FormField
          label="Artifact version"
          description={tenant.stack.artifact_version === undefined ? "As “make artifacts” says it." : `The stack has ${tenant.stack.artifact_version}.`}
          errorText={fieldErrors(run.error).get("/artifact_version")}
        >
          <Input value={version} spellcheck={false} onChange={({ detail }) => setDraft({ version: detail.value.trim() })} />
        </FormField>
      </SpaceBetween>
    </Container>
  );
}
