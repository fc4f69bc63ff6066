import { useQuery } from "@tanstack/react-query";

import { useService } from "../api/context";
import { operationQuery } from "../api/queries";
import { OperationProgress } from "../parts/OperationProgress";

/** What is being done to a tenant now. */
export function ActiveOperation({ id }: { readonly id: string }) {
  const { api } = useService();
  const { data } = useQuery(operationQuery(api, id));
  if (data === undefined) return null;
  return <OperationProgress key={data.id} operation={data} />;
}
