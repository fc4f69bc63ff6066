import Box from "@cloudscape-design/components/box";
import Header from "@cloudscape-design/components/header";
import { getRouteApi } from "@tanstack/react-router";

import { AuditControls } from "../parts/AuditControls";
import { AuditTable } from "../parts/AuditTable";
import { Page } from "../parts/Page";

const route = getRouteApi("/audit");

export function AuditPage() {
  const filter = route.useSearch();
  const navigate = route.useNavigate();
  return (
    <Page
      title="Audit"
      trail={[]}
      header={
        <Header variant="h1" description="Every change and every try that was refused: who, from where, and what differed. Newest first; nobody can change it.">
          Audit
        </Header>
      }
    >
      <AuditTable
        filter={filter}
        controls={<AuditControls filter={filter} ofAll change={(search) => void navigate({ search })} />}
        empty={<Box textAlign="center">No event matches. Onboarding, each change, invitations, API keys and refused tries leave one each; reading leaves none.</Box>}
      />
    </Page>
  );
}
