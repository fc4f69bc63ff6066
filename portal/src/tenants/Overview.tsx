import Alert from "@cloudscape-design/components/alert";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import SpaceBetween from "@cloudscape-design/components/space-between";

import type { Tenant } from "../api/types";
import { CopyAddress, CopyText } from "../parts/Copy";
import { When } from "../parts/When";
import { ActiveOperation } from "./ActiveOperation";
import { Health } from "./Health";

/** What an admin looks up: where the tenant's things are, how it does, and what is being done to it. */
export function Overview({ tenant }: { readonly tenant: Tenant }) {
  return (
    <SpaceBetween size="l">
      {tenant.active_operation === undefined ? null : <ActiveOperation id={tenant.active_operation} />}
      {tenant.data_retained ? (
        <Alert type="info" header="Off-boarded; its data is retained">
          Its indices, space and archive stay, and its slug is held. Under “Manage” they can be deleted.
        </Alert>
      ) : null}
      <Container header={<Header variant="h2" description="What you hand to the contact centre.">Addresses</Header>}>
        <KeyValuePairs
          columns={2}
          items={[
            { label: "Softphone, for agents", value: <CopyAddress url={tenant.urls.softphone} what="the softphone's address" open /> },
            { label: "Telemetry API, for pages of their own", value: <CopyAddress url={tenant.urls.telemetry_api} what="the telemetry API's address" /> },
            { label: "Space in Dashboards, for managers", value: <CopyAddress url={tenant.urls.space} what="the space's address" open /> },
            { label: "Managers' sign-in", value: <CopyAddress url={tenant.urls.manager_sign_in} what="the managers' sign-in" open /> },
          ]}
        />
      </Container>
      <Health slug={tenant.slug} />
      <Container header={<Header variant="h2">Details</Header>}>
        <KeyValuePairs
          columns={3}
          items={[
            { label: "Isolation", value: tenant.isolation },
            { label: "Cell", value: tenant.cell },
            { label: "External id, for the customer's roles", value: <CopyText text={tenant.external_id} what="the external id" /> },
            { label: "Stack", value: tenant.stack.name ?? "–" },
            { label: "Artifact version", value: tenant.stack.artifact_version ?? "–" },
            { label: "Since", value: <When at={tenant.created_at} /> },
          ]}
        />
      </Container>
    </SpaceBetween>
  );
}

