import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import Link from "@cloudscape-design/components/link";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";

import { useService } from "../api/context";
import { operationQuery } from "../api/queries";
import { Changes } from "../parts/Changes";
import { OperationProgress } from "../parts/OperationProgress";
import { Page } from "../parts/Page";
import { ProblemAlert } from "../parts/ProblemAlert";
import { OperationStateIndicator } from "../parts/StateIndicator";
import { When } from "../parts/When";
import { Who } from "../parts/Who";
import { paths } from "../paths";

const route = getRouteApi("/operations/$id");

export function OperationPage() {
  const { id } = route.useParams();
  const { api } = useService();
  const { data: operation, error, refetch } = useQuery(operationQuery(api, id));
  const title = operation === undefined ? "Operation" : `${capital(operation.kind)} of ${operation.tenant}`;
  return (
    <Page title={title} trail={[{ text: "Operations", href: paths.operations() }]} header={<Header variant="h1">{title}</Header>}>
      <SpaceBetween size="l">
        <ProblemAlert error={error} what="The operation cannot be shown" retry={refetch} />
        {operation === undefined ? null : (
          <SpaceBetween size="l">
            <KeyValuePairs
              columns={3}
              items={[
                { label: "State", value: <OperationStateIndicator state={operation.state} /> },
                { label: "Tenant", value: <Link href={paths.tenant(operation.tenant)}>{operation.tenant}</Link> },
                { label: "Asked for by", value: <Who name={operation.requested_by} /> },
                { label: "Began", value: <When at={operation.created_at} /> },
                { label: "Ended", value: <When at={operation.finished_at} /> },
                { label: "Attempt", value: operation.attempt },
                ...(operation.artifact_version === undefined ? [] : [{ label: "To version", value: operation.artifact_version }]),
                ...(operation.upgrade === undefined ? [] : [{ label: "Part of", value: <Link href={paths.upgrade(operation.upgrade)}>an upgrade of many</Link> }]),
              ]}
            />
            {operation.kind === "preview" && operation.state === "succeeded" ? (
              <Container
                header={
                  <Header
                    variant="h2"
                    counter={operation.changes === undefined ? undefined : `(${operation.changes.length})`}
                    description="Nothing was changed."
                    actions={<Button href={paths.tenantTab(operation.tenant, "manage")}>Go on to the upgrade</Button>}
                  >
                    What the upgrade would do
                  </Header>
                }
              >
                <Changes changes={operation.changes ?? []} tenant={operation.tenant} />
              </Container>
            ) : null}
            <OperationProgress key={operation.attempt} operation={operation} />
          </SpaceBetween>
        )}
      </SpaceBetween>
    </Page>
  );
}

const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);
