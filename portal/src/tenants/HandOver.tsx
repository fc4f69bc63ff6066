import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Spinner from "@cloudscape-design/components/spinner";
import { useQuery } from "@tanstack/react-query";

import { useService } from "../api/context";
import { tenantQuery } from "../api/queries";
import { Page } from "../parts/Page";
import { ProblemAlert } from "../parts/ProblemAlert";
import { TenantStateIndicator } from "../parts/StateIndicator";
import { paths } from "../paths";
import { ActiveOperation } from "./ActiveOperation";
import { CustomerSteps } from "./CustomerSteps";

/** The last step of an onboarding: what the contact centre's own administrator does, while the stack is built. */
export function HandOver({ slug }: { readonly slug: string }) {
  const { api } = useService();
  const { data, error, refetch } = useQuery(tenantQuery(api, slug));
  return (
    <Page
      title="Hand over"
      trail={[{ text: "Tenants", href: paths.tenants() }]}
      header={
        <Header
          variant="h1"
          description="What the contact centre's own administrator does in Amazon Connect, while the stack is built. The tenant's page has it too, under “Connect instances”."
          info={data === undefined ? undefined : <TenantStateIndicator state={data.tenant.state} />}
          actions={
            <Button variant="primary" href={paths.tenant(slug)}>
              {`Go to ${slug}`}
            </Button>
          }
        >
          {`Hand over ${slug}`}
        </Header>
      }
    >
      <SpaceBetween size="l">
        <ProblemAlert error={error} what={`The tenant ${slug} cannot be shown`} retry={refetch} />
        {data === undefined && error === null ? <Spinner size="large" /> : null}
        {data?.tenant.connect_instances.map(({ alias }) => (
          <Container key={alias} header={<Header variant="h2">{`What the administrator of ${alias} does`}</Header>}>
            <CustomerSteps tenant={data.tenant} alias={alias} />
          </Container>
        ))}
        {data?.tenant.active_operation === undefined ? null : <ActiveOperation id={data.tenant.active_operation} />}
      </SpaceBetween>
    </Page>
  );
}
