import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useQuery } from "@tanstack/react-query";

import { useService } from "../api/context";
import { instancesQuery } from "../api/queries";
import type { Tenant } from "../api/types";
import { CopyAddress, CopyText } from "../parts/Copy";
import { ProblemAlert } from "../parts/ProblemAlert";
import { SetupCheck } from "./SetupCheck";

/** What the contact centre's own administrator must do in their account, to be handed over. */
export function CustomerSteps({ tenant, alias }: { readonly tenant: Tenant; readonly alias: string }) {
  const { api } = useService();
  const { data, error } = useQuery(instancesQuery(api, tenant.slug));
  const instance = data?.items.find((one) => one.alias === alias);
  const softphone = tenant.urls.softphone;
  const origin = softphone === undefined ? undefined : new URL(softphone).origin;
  const all = [
    `For the administrator of the Amazon Connect instance ${alias}:`,
    `1. In Amazon Connect, the instance, Approved origins: add ${origin ?? "(the softphone's origin, once it is there)"}.`,
    `2. Make the role that lets Earshot read the instance's agents${instance?.setup_url === undefined ? ` (external id ${tenant.external_id})` : `: ${instance.setup_url}`}. It adds the approved origin of step 1 too.`,
    "3. Send back the stack's output with the role's ARN.",
  ].join("\n");
  return (
    <SpaceBetween size="s">
      <ProblemAlert error={error} what="The steps cannot be read" />
      <ol>
        <li>
          In Amazon Connect, under the instance’s <i>Approved origins</i>, add <CopyAddress url={origin} what="the softphone's origin" />
        </li>
        <li>
          {instance?.setup_url === undefined ? (
            <>
              Make a role that lets Earshot read the instance’s agents; the operator publishes no template for it here. Its external id is{" "}
              <CopyText text={tenant.external_id} what="the external id" />
            </>
          ) : (
            <>
              Make the role that lets Earshot read the instance’s agents. This opens their AWS console with all filled in, and does step 1 too:{" "}
              <CopyAddress url={instance.setup_url} what="the set-up link" open />
            </>
          )}
        </li>
        <li>Send back the role’s ARN, an output of their stack. It goes into the instance’s “Directory role”.</li>
      </ol>
      <Box>
        <Button iconName="copy" onClick={() => void navigator.clipboard.writeText(all)}>
          Copy the steps as text
        </Button>
      </Box>
      <SetupCheck slug={tenant.slug} alias={alias} />
    </SpaceBetween>
  );
}
