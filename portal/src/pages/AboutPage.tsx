import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import Link from "@cloudscape-design/components/link";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useQuery } from "@tanstack/react-query";

import { useService } from "../api/context";
import { callerQuery } from "../api/queries";
import { Page } from "../parts/Page";
import { ProblemAlert } from "../parts/ProblemAlert";
import { paths } from "../paths";
import { useSession } from "../session/context";

export function AboutPage() {
  const { api } = useService();
  const session = useSession();
  const { data: caller, error, refetch } = useQuery(callerQuery(api));
  return (
    <Page title="About" trail={[]} header={<Header variant="h1">About</Header>}>
      <SpaceBetween size="l">
        <ProblemAlert error={error} what="Who you are cannot be asked" retry={refetch} />
        <Container header={<Header variant="h2">Who you are here</Header>}>
          <KeyValuePairs
            columns={2}
            items={[
              { label: "Name", value: session.name() ?? caller?.name ?? "–" },
              { label: "Subject", value: caller?.subject ?? "–" },
              { label: "Role", value: caller?.role ?? "–" },
              { label: "Reaches", value: caller === undefined ? "–" : caller.scope.all ? "every tenant" : `${caller.scope.tenant_ids.length} tenants` },
              { label: "May", value: caller?.rights.join(", ") ?? "–" },
            ]}
          />
        </Container>
        <Container header={<Header variant="h2">Everything here, by program</Header>}>
          The portal has no way of its own: all that it does, the admin API does. Its{" "}
          <Link href={paths.apiDocs()} external externalIconAriaLabel="Opens in a new tab">
            documentation
          </Link>{" "}
          and its{" "}
          <Link href={paths.specification()} external externalIconAriaLabel="Opens in a new tab">
            contract
          </Link>{" "}
          (OpenAPI 3.1) are served beside it.
        </Container>
      </SpaceBetween>
    </Page>
  );
}
