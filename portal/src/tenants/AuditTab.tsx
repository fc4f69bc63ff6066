import Box from "@cloudscape-design/components/box";
import { useNavigate } from "@tanstack/react-router";

import type { AuditFilter } from "../api/queries";
import { AuditControls } from "../parts/AuditControls";
import { AuditTable } from "../parts/AuditTable";
import { tenantRoute } from "../router";

export function AuditTab({ slug }: { readonly slug: string }) {
  const navigate = useNavigate();
  const search = tenantRoute.useSearch();
  const filter: AuditFilter = { ...search, tenant: slug };
  return (
    <AuditTable
      filter={filter}
      controls={
        <AuditControls
          filter={filter}
          change={(next) => void navigate({ to: tenantRoute.to, params: { slug, tab: "audit" }, search: { ...next, tenant: undefined } })}
        />
      }
      empty={<Box textAlign="center">No event about this tenant matches.</Box>}
    />
  );
}
