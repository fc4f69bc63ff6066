import Button, { type ButtonProps } from "@cloudscape-design/components/button";
import { useQuery } from "@tanstack/react-query";

import { useService } from "../api/context";
import { callerQuery } from "../api/queries";

/** Why the caller may not change tenants; undefined when the caller may, or as long as that is not known: the API decides. */
export function useChangeReason(): string | undefined {
  const { api } = useService();
  const { data: caller } = useQuery(callerQuery(api));
  if (caller === undefined || caller.rights.includes("tenants.change")) return undefined;
  return `Your role, ${caller.role}, only reads. An owner or an operator can do this.`;
}

/** A button for what only some roles may do: disabled with its reason for the others, never hidden. */
export function ChangeButton({ because, ...props }: ButtonProps & { readonly because?: string | undefined }) {
  const mayNot = useChangeReason();
  const reason = mayNot ?? because;
  return <Button {...props} {...(reason === undefined ? {} : { disabled: true, disabledReason: reason })} />;
}
