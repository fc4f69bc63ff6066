import Button, { type ButtonProps } from "@cloudscape-design/components/button";
import { useQuery } from "@tanstack/react-query";

import { useService } from "../api/context";
import { callerQuery } from "../api/queries";

/** What a button does: the API's names of rights. */
export type Right = "tenants.add" | "tenants.change" | "instances.check" | "managers.change" | "spaces.read" | "spaces.change" | "cells.change" | "keys.read" | "keys.change";

/** Why the caller may not do it; undefined when the caller may, or as long as that is not known: the API decides. */
export function useChangeReason(right: Right): string | undefined {
  const { api } = useService();
  const { data: caller } = useQuery(callerQuery(api));
  if (caller === undefined || caller.rights.includes(right)) return undefined;
  if (right === "tenants.add" && caller.rights.includes("tenants.change")) return "You may change some tenants only. Who may change all of them can onboard one.";
  if (right === "cells.change") return `Your role is ${caller.role}. Owners who reach every tenant keep the cells.`;
  return right.startsWith("keys.") ? `Your role is ${caller.role}. Owners keep the API keys.` : `Your role, ${caller.role}, only reads. An owner or an operator can do this.`;
}

/** A button for what only some roles may do: disabled with its reason for the others, never hidden. */
export function ChangeButton({ because, right = "tenants.change", ...props }: ButtonProps & { readonly because?: string | undefined; readonly right?: Right }) {
  const mayNot = useChangeReason(right);
  const reason = mayNot ?? because;
  return <Button {...props} {...(reason === undefined ? {} : { disabled: true, disabledReason: reason })} />;
}
