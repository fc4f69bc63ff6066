import Container from "@cloudscape-design/components/container";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import RadioGroup from "@cloudscape-design/components/radio-group";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Wizard from "@cloudscape-design/components/wizard";
import { useInfiniteQuery, useMutation, useQuery } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { useState } from "react";

import { bodyOf } from "../api/client";
import { useService } from "../api/context";
import { fieldErrors } from "../api/problem";
import { tenantQuery, tenantsQuery } from "../api/queries";
import { useIntent } from "../api/useIntent";
import { useDraft } from "../parts/drafts";
import { Page } from "../parts/Page";
import { ProblemAlert } from "../parts/ProblemAlert";
import { paths } from "../paths";
import { HandOver } from "../tenants/HandOver";
import { InstanceFields } from "../tenants/InstanceFields";
import { instanceTroubles, likelySignIn, readPasted, slugTrouble, suggestSlug } from "../tenants/instance";

const route = getRouteApi("/tenants/new");

const empty = { arn: "", alias: "", ccpUrl: "", samlUrl: "", slug: "", displayName: "", isolation: "pooled" };

export function NewTenantPage() {
  const { made } = route.useSearch();
  return made === undefined ? <Onboard /> : <HandOver key={made} slug={made} />;
}

function Onboard() {
  const { api } = useService();
  const navigate = useNavigate();
  const once = useIntent();
  const [draft, setDraft, forget] = useDraft("tenant", empty);
  const [step, setStep] = useState(0);
  const [strict, setStrict] = useState(false);
  const taken = useQuery({ ...tenantQuery(api, draft.slug), enabled: slugTrouble(draft.slug) === undefined && step === 1, refetchInterval: false });
  const others = useInfiniteQuery({ ...tenantsQuery(api, { state: "active" }), enabled: step === 2 }).data?.pages.flatMap((page) => page.items) ?? [];
  const create = useMutation({
    mutationFn: () =>
      once((key) =>
        bodyOf(
          api.POST("/v1/tenants", {
            params: { header: { "Idempotency-Key": key } },
            body: {
              slug: draft.slug,
              display_name: draft.displayName.trim(),
              isolation: draft.isolation === "dedicated" ? "dedicated" : "pooled",
              connect_instances: [
                { alias: draft.alias, arn: draft.arn, ccp_url: draft.ccpUrl, ...(draft.samlUrl === "" ? {} : { saml_url: draft.samlUrl }) },
              ],
            },
          }),
        ),
      ),
    onSuccess: async () => {
      forget();
      await navigate({ to: paths.handOver(draft.slug), replace: true });
    },
  });
  const refused = fieldErrors(create.error);
  const slugText = (): string => {
    const trouble = slugTrouble(draft.slug);
    if (trouble !== undefined) return strict || draft.slug !== "" ? trouble : "";
    const isTaken = taken.data !== undefined && taken.data.tenant.slug === draft.slug;
    return refused.get("/slug") ?? (isTaken ? "Another tenant has this slug." : "");
  };
  const nameText = draft.displayName.trim() === "" && strict ? "Give it a name for people." : (refused.get("/display_name") ?? "");
  const may = [Object.keys(instanceTroubles(draft)).length === 0, slugText() === "" && draft.slug !== "" && draft.displayName.trim() !== ""];
  const go = (to: number): void => {
    const stopped = may.findIndex((ok, index) => index < to && !ok);
    setStrict(stopped >= 0);
    const next = stopped < 0 ? to : stopped;
    if (next === 1 && draft.slug === "") setDraft({ ...draft, slug: suggestSlug(draft.alias) });
    setStep(next);
  };
  return (
    <Page title="Onboard a tenant" trail={[{ text: "Tenants", href: paths.tenants() }]}>
      <Wizard
        i18nStrings={{
          stepNumberLabel: (number) => `Step ${number}`,
          collapsedStepsLabel: (number, count) => `Step ${number} of ${count}`,
          navigationAriaLabel: "Steps",
          cancelButton: "Cancel",
          previousButton: "Previous",
          nextButton: "Next",
          optional: "optional",
        }}
        submitButtonText="Onboard"
        activeStepIndex={step}
        isLoadingNextStep={create.isPending}
        onNavigate={({ detail }) => go(detail.requestedStepIndex)}
        onCancel={() => {
          forget();
          void navigate({ to: paths.tenants() });
        }}
        onSubmit={() => create.mutate()}
        steps={[
          {
            title: "Connect instance",
            description: "The contact centre's instance of Amazon Connect, in its own AWS account. More can be added later.",
            content: (
              <Container>
                <InstanceFields
                  form={draft}
                  strict={strict}
                  change={(form) => setDraft({ ...draft, ...form })}
                  errors={{ alias: refused.get("/connect_instances/0/alias"), arn: refused.get("/connect_instances/0/arn"), ccpUrl: refused.get("/connect_instances/0/ccp_url"), samlUrl: refused.get("/connect_instances/0/saml_url") }}
                />
              </Container>
            ),
          },
          {
            title: "Name",
            content: (
              <Container>
                <SpaceBetween size="l">
                  <FormField
                    label="Slug"
                    description="The tenant's name in stacks, indices and addresses. It cannot be changed."
                    constraintText="3 to 20 lower-case letters or digits, beginning with a letter; no hyphens."
                    errorText={slugText()}
                  >
                    <Input value={draft.slug} spellcheck={false} onChange={({ detail }) => setDraft({ ...draft, slug: detail.value.trim().toLowerCase() })} />
                  </FormField>
                  <FormField label="Display name" description="For people: the softphone and the space show it." errorText={nameText}>
                    <Input value={draft.displayName} onChange={({ detail }) => setDraft({ ...draft, displayName: detail.value })} />
                  </FormField>
                  <FormField label="Where its telemetry lives" description="It cannot be changed.">
                    <RadioGroup
                      value={draft.isolation}
                      onChange={({ detail }) => setDraft({ ...draft, isolation: detail.value })}
                      items={[
                        { value: "pooled", label: "Pooled", description: "On its cell's search domain, in indices of its own." },
                        { value: "dedicated", label: "Dedicated", description: "On a search domain of its own; where a cell offers it." },
                      ]}
                    />
                  </FormField>
                </SpaceBetween>
              </Container>
            ),
          },
          {
            title: "Review",
            description: "Earshot builds the tenant's stack and proves it with a synthetic call. That takes minutes; you can watch.",
            content: (
              <SpaceBetween size="l">
                <ProblemAlert error={create.error} what="Onboarding" />
                <Container header={<Header variant="h2">What is built</Header>}>
                  <KeyValuePairs
                    columns={2}
                    items={[
                      { label: "Tenant", value: `${draft.slug} – ${draft.displayName}` },
                      { label: "Isolation", value: draft.isolation },
                      { label: "Stack", value: `earshot-${draft.slug}` },
                      { label: "Managers' sign-in, most likely", value: likelySignIn(draft.slug, others) ?? "an address of the gateway that begins with the slug" },
                      { label: "Softphone", value: "an address of its own, known when the stack stands" },
                      { label: "Indices", value: `${draft.slug}-*` },
                      { label: "Connect instance", value: draft.alias },
                      { label: "ARN", value: draft.arn },
                      { label: "Region", value: readPasted(draft.arn).region ?? "–" },
                      { label: "Contact Control Panel", value: draft.ccpUrl },
                      { label: "SAML sign-in", value: draft.samlUrl === "" ? "–" : draft.samlUrl },
                    ]}
                  />
                </Container>
              </SpaceBetween>
            ),
          },
        ]}
      />
    </Page>
  );
}
