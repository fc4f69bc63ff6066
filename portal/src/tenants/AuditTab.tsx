import Box from "@cloudscape-design/components/box";
import { getRouteApi } from "@tanstack/react-router";

import type { AuditFilter } from "../api/queries";
import { AuditControls } from "../parts/AuditControls";
import { AuditTable } from "../parts/AuditTable";

const route = getRouteApi("/tenants/$slug/{-$tab}");

export function AuditTab({ slug }: { readonly slug: string }) {
  const navigate = route.useNavigate();
  const search = route.useSearch();
  const filter: AuditFilter = { ...search, tenant: slug };
  return (
    <AuditTable
      filter={filter}
      controls={
        <AuditControls
          filter={filter}
          change={(next) => void navigate({ search: { ...next, tenant: undefined } })}
        />
      }
      empty={<Box textAlign="center">No event about this tenant matches.</Box>}
    />
  );
}
