import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Spinner from "@cloudscape-design/components/spinner";
import { useQuery } from "@tanstack/react-query";

import { useService } from "../api/context";
import { tenantQuery } from "../api/queries";
import { ProblemAlert } from "../parts/ProblemAlert";
import { ActiveOperation } from "./ActiveOperation";
import { CustomerSteps } from "./CustomerSteps";

/** What is left to do while a new tenant's stack is built: the contact centre's own administrator's part. */
export function HandOver({ slug }: { readonly slug: string }) {
  const { api } = useService();
  const { data, error, refetch } = useQuery(tenantQuery(api, slug));
  if (data === undefined) return error === null ? <Spinner size="large" /> : <ProblemAlert error={error} what={`The tenant ${slug} cannot be shown`} retry={refetch} />;
  const { tenant } = data;
  return (
    <SpaceBetween size="l">
      {tenant.connect_instances.map(({ alias }) => (
        <Container key={alias} header={<Header variant="h2" description="The links come with the stack.">{`What the administrator of ${alias} does`}</Header>}>
          <CustomerSteps tenant={tenant} alias={alias} />
        </Container>
      ))}
      {tenant.active_operation === undefined ? null : <ActiveOperation id={tenant.active_operation} />}
    </SpaceBetween>
  );
}
