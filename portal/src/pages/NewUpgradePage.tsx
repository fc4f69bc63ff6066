import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import ExpandableSection from "@cloudscape-design/components/expandable-section";
import Form from "@cloudscape-design/components/form";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import Link from "@cloudscape-design/components/link";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import Table, { type TableProps } from "@cloudscape-design/components/table";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { useState } from "react";

import { bodyOf } from "../api/client";
import { useService } from "../api/context";
import { fieldErrors, problemFrom } from "../api/problem";
import { runningOperationQuery, tenantQuery } from "../api/queries";
import { useIntent } from "../api/useIntent";
import { Changes } from "../parts/Changes";
import { useDraft } from "../parts/drafts";
import { ChangeButton } from "../parts/MayChange";
import { Page } from "../parts/Page";
import { ProblemAlert } from "../parts/ProblemAlert";
import { paths } from "../paths";

const route = getRouteApi("/upgrades/new");

const empty = { version: "", parallel: "3" };

/** A preview that was begun for a tenant, or why it was not. */
type Preview = { readonly operation: string } | { readonly error: unknown };

export function NewUpgradePage() {
  const { tenants: slugs } = route.useSearch();
  const { api } = useService();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const once = useIntent();
  const [draft, setDraft, forget] = useDraft("upgrade", empty);
  const [previews, setPreviews] = useState<Readonly<Record<string, Preview>>>({});
  const isParallel = /^\d+$/.test(draft.parallel) && Number(draft.parallel) >= 1 && Number(draft.parallel) <= 20;
  const look = useMutation({
    mutationFn: async () => {
      const begun = await Promise.all(slugs.map(async (slug): Promise<[string, Preview]> => [slug, await preview(slug)]));
      setPreviews(Object.fromEntries(begun));
    },
  });
  const preview = (slug: string): Promise<Preview> =>
    bodyOf(
      api.POST("/v1/tenants/{slug}/actions/upgrade", {
        params: { path: { slug }, query: { preview: true }, header: { "Idempotency-Key": crypto.randomUUID() } },
        body: { artifact_version: draft.version },
      }),
    ).then(
      ({ operation }) => ({ operation: operation.id }),
      (error: unknown) => ({ error }),
    );
  const start = useMutation({
    mutationFn: () =>
      once((key) =>
        bodyOf(
          api.POST("/v1/upgrades", {
            params: { header: { "Idempotency-Key": key } },
            body: { artifact_version: draft.version, tenants: [...slugs], parallel: Number(draft.parallel) },
          }),
        ),
      ),
    onSuccess: async ({ id }) => {
      forget();
      await queries.invalidateQueries({ queryKey: ["tenants"] });
      await navigate({ to: paths.upgrade(id) });
    },
  });
  const refused = fieldErrors(start.error);
  const because = slugs.length === 0 ? "Choose tenants in their table first." : draft.version === "" ? "Name a version." : isParallel ? undefined : "Say how many at a time.";
  const columns: TableProps.ColumnDefinition<string>[] = [
    { id: "tenant", header: "Tenant", isRowHeader: true, cell: (slug) => <Link href={paths.tenant(slug)}>{slug}</Link> },
    { id: "version", header: "Its version", cell: (slug) => <Version slug={slug} /> },
    { id: "changes", header: "What would change", minWidth: 320, cell: (slug) => <Previewed slug={slug} preview={previews[slug]} /> },
  ];
  return (
    <Page title="Upgrade tenants" trail={[{ text: "Upgrades", href: paths.upgrades() }]} header={<Header variant="h1">Upgrade tenants</Header>}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (because === undefined) start.mutate();
        }}
      >
        <Form
          actions={
            <SpaceBetween direction="horizontal" size="xs">
              <Button href={paths.tenants()} variant="link">
                Cancel
              </Button>
              <ChangeButton formAction="none" loading={look.isPending} because={because} onClick={() => look.mutate()}>
                Show what would change
              </ChangeButton>
              <ChangeButton variant="primary" loading={start.isPending} formAction="submit" because={because}>
                Upgrade
              </ChangeButton>
            </SpaceBetween>
          }
        >
          <SpaceBetween size="l">
            <ProblemAlert error={start.error} what="Upgrading" />
            <Container>
              <SpaceBetween size="l">
                <FormField label="Artifact version" description="Of functions, site and template, as “make artifacts” says it; the tenants' cells must have it." errorText={refused.get("/artifact_version")}>
                  <Input value={draft.version} spellcheck={false} onChange={({ detail }) => setDraft({ ...draft, version: detail.value.trim() })} />
                </FormField>
                <FormField
                  label="So many at a time"
                  description="The first of the list goes alone until a synthetic call has proved it; then so many at a time. The first that fails stops the upgrade, and goes back to the version that it had: those under way end, no other begins, and what went before stays."
                  constraintText="1 to 20; 3 by default."
                  errorText={refused.get("/parallel") ?? (isParallel ? "" : "Use a whole number from 1 to 20.")}
                >
                  <Input value={draft.parallel} inputMode="numeric" onChange={({ detail }) => setDraft({ ...draft, parallel: detail.value.trim() })} />
                </FormField>
              </SpaceBetween>
            </Container>
            <Table
              header={
                <Header variant="h2" counter={`(${slugs.length})`} description="In this order.">
                  Tenants
                </Header>
              }
              columnDefinitions={columns}
              items={slugs}
              wrapLines
              cellVerticalAlign="top"
              ariaLabels={{ tableLabel: "Tenants to upgrade" }}
              empty={
                <Box textAlign="center">
                  Nobody is chosen. Tick tenants in the <Link href={paths.tenants()}>table of tenants</Link>, and choose “Upgrade”.
                </Box>
              }
            />
          </SpaceBetween>
        </Form>
      </form>
    </Page>
  );
}

function Version({ slug }: { readonly slug: string }) {
  const { api } = useService();
  const { data, error } = useQuery(tenantQuery(api, slug));
  if (error !== null) return <StatusIndicator type="error">{problemFrom(error).problem.title}</StatusIndicator>;
  return data?.tenant.stack.artifact_version ?? "–";
}

function Previewed({ slug, preview }: { readonly slug: string; readonly preview: Preview | undefined }) {
  if (preview === undefined) return "Not looked at yet";
  if ("error" in preview) return <StatusIndicator type="error">{problemFrom(preview.error).problem.detail}</StatusIndicator>;
  return <Looked slug={slug} id={preview.operation} />;
}

function Looked({ slug, id }: { readonly slug: string; readonly id: string }) {
  const { api } = useService();
  const { data: operation, error } = useQuery(runningOperationQuery(api, id));
  if (error !== null) return <StatusIndicator type="error">{problemFrom(error).problem.detail}</StatusIndicator>;
  if (operation?.failure !== undefined) return <StatusIndicator type="error">{operation.failure.reason}</StatusIndicator>;
  if (operation?.finished_at === undefined) return <StatusIndicator type="in-progress">looking</StatusIndicator>;
  const changes = operation.changes ?? [];
  return (
    <ExpandableSection headerText={changes.length === 1 ? "1 resource" : `${changes.length} resources`} variant="inline">
      <Changes changes={changes} tenant={slug} />
    </ExpandableSection>
  );
}
