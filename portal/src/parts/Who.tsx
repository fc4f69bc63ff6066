import { useQuery } from "@tanstack/react-query";

import { useService } from "../api/context";
import { callerQuery } from "../api/queries";
import { useSession } from "../session/context";

/** Whoever did something: oneself by the name of the sign-in, since an access token may carry a subject alone. */
export function Who({ name }: { readonly name: string }) {
  const { api } = useService();
  const session = useSession();
  const { data: caller } = useQuery(callerQuery(api));
  const isOneself = caller !== undefined && (name === caller.name || name === caller.subject);
  return <span title={name}>{isOneself ? `${session.name() ?? name} (you)` : name.replace(/^operation:/, "operation ")}</span>;
}
