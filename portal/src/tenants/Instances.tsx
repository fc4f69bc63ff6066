import Box from "@cloudscape-design/components/box";
import Container from "@cloudscape-design/components/container";
import ExpandableSection from "@cloudscape-design/components/expandable-section";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import Link from "@cloudscape-design/components/link";
import SpaceBetween from "@cloudscape-design/components/space-between";

import type { Tenant } from "../api/types";
import { CopyText } from "../parts/Copy";
import { ChangeButton } from "../parts/MayChange";
import { paths } from "../paths";
import { CustomerSteps } from "./CustomerSteps";
import { busyReason } from "./states";

export function Instances({ tenant }: { readonly tenant: Tenant }) {
  const busy = busyReason(tenant);
  return (
    <SpaceBetween size="l">
      <Header
        variant="h2"
        counter={`(${tenant.connect_instances.length})`}
        description="Of Amazon Connect, in the customer's own account."
        actions={
          <ChangeButton href={paths.newInstance(tenant.slug)} because={busy}>
            Add an instance
          </ChangeButton>
        }
      >
        Connect instances
      </Header>
      {tenant.connect_instances.map((instance) => (
        <Container
          key={instance.alias}
          header={
            <Header
              variant="h3"
              actions={
                <ChangeButton href={paths.instance(tenant.slug, instance.alias)} because={busy} ariaLabel={`Edit ${instance.alias}`}>
                  Edit
                </ChangeButton>
              }
            >
              {instance.alias}
            </Header>
          }
        >
          <SpaceBetween size="m">
            <KeyValuePairs
              columns={2}
              items={[
                { label: "ARN", value: <CopyText text={instance.arn} what={`the ARN of ${instance.alias}`} /> },
                { label: "Region", value: instance.region },
                {
                  label: "Contact Control Panel",
                  value: (
                    <Link href={instance.ccp_url} external externalIconAriaLabel="Opens in a new tab">
                      {instance.ccp_url}
                    </Link>
                  ),
                },
                { label: "SAML sign-in", value: instance.saml_url ?? "–" },
                { label: "Directory role", value: instance.directory_role_arn ?? <Box color="text-body-secondary">None yet: agents have no place in the organisation</Box> },
              ]}
            />
            <ExpandableSection headerText="What the customer's administrator does" defaultExpanded={instance.directory_role_arn === undefined}>
              <CustomerSteps tenant={tenant} alias={instance.alias} />
            </ExpandableSection>
          </SpaceBetween>
        </Container>
      ))}
    </SpaceBetween>
  );
}
