import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Textarea from "@cloudscape-design/components/textarea";
import { useState } from "react";

import { instanceTroubles, readPasted, type InstanceForm } from "./instance";

interface Props {
  readonly form: InstanceForm;
  readonly change: (next: InstanceForm) => void;
  /** Whether empty fields are told too. */
  readonly strict: boolean;
  /** What the API said of each member. */
  readonly errors?: Partial<Record<keyof InstanceForm, string | undefined>>;
}

/** The members of a Connect instance; what is pasted fills them. */
export function InstanceFields({ form, change, strict, errors = {} }: Props) {
  const [pasted, setPasted] = useState("");
  const troubles = instanceTroubles(form);
  const textOf = (name: keyof InstanceForm): string => errors[name] ?? (strict || form[name] !== "" ? (troubles[name] ?? "") : "");
  const field = (name: keyof InstanceForm, label: React.ReactNode, description: string, placeholder: string) => (
    <FormField label={label} description={description} errorText={textOf(name)}>
      <Input value={form[name]} placeholder={placeholder} spellcheck={false} onChange={({ detail }) => change({ ...form, [name]: detail.value.trim() })} />
    </FormField>
  );
  const region = readPasted(form.arn).region;
  return (
    <SpaceBetween size="l">
      <FormField
        label="Paste anything of the instance"
        description="Its ARN, the address of its Contact Control Panel, or both. The fields below are filled from it."
      >
        <Textarea
          value={pasted}
          rows={2}
          spellcheck={false}
          onChange={({ detail }) => {
            setPasted(detail.value);
            const { alias, arn, ccpUrl } = readPasted(detail.value);
            if (alias !== undefined || arn !== undefined) change({ ...form, alias: alias ?? form.alias, arn: arn ?? form.arn, ccpUrl: ccpUrl ?? form.ccpUrl });
          }}
        />
      </FormField>
      {field("arn", "Instance ARN", region === undefined ? "It names account, region and instance." : `Region ${region}.`, "arn:aws:connect:eu-central-1:111122223333:instance/…")}
      {field("alias", "Alias", "The instance's name in its address; one per tenant.", "acme-berlin")}
      {field("ccpUrl", "Contact Control Panel", "What the softphone frames.", "https://acme-berlin.my.connect.aws/ccp-v2")}
      {field("samlUrl", <span>SAML sign-in <i>– optional</i></span>, "Where agents sign in, if by SAML; its relay state ends in /connect/ccp-v2.", "https://…")}
    </SpaceBetween>
  );
}
