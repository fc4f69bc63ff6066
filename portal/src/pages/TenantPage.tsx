import Header from "@cloudscape-design/components/header";
import Spinner from "@cloudscape-design/components/spinner";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Tabs from "@cloudscape-design/components/tabs";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";

import { useService } from "../api/context";
import { tenantQuery } from "../api/queries";
import { OperationsTable } from "../parts/OperationsTable";
import { Page } from "../parts/Page";
import { ProblemAlert } from "../parts/ProblemAlert";
import { TenantStateIndicator } from "../parts/StateIndicator";
import { isTenantTab, paths, tenantTabs, type TenantTab } from "../paths";
import { AuditTab } from "../tenants/AuditTab";
import { Instances } from "../tenants/Instances";
import { Manage } from "../tenants/Manage";
import { Managers } from "../tenants/Managers";
import { Overview } from "../tenants/Overview";
import { SettingsTab } from "../tenants/SettingsTab";
import { Space } from "../tenants/Space";

const route = getRouteApi("/tenants/$slug/{-$tab}");

const labels: Record<TenantTab, string> = {
  overview: "Overview",
  instances: "Connect instances",
  managers: "Managers",
  space: "Space",
  settings: "Settings",
  operations: "Operations",
  audit: "Audit",
  manage: "Manage",
};

export function TenantPage() {
  const { slug, tab = "overview" } = route.useParams();
  const { api } = useService();
  const navigate = useNavigate();
  const { data, error, refetch } = useQuery(tenantQuery(api, slug));
  const active: TenantTab = isTenantTab(tab) ? tab : "overview";
  if (data === undefined) {
    return (
      <Page title={slug} trail={[{ text: "Tenants", href: paths.tenants() }]} header={<Header variant="h1">{slug}</Header>}>
        {error === null ? <Spinner size="large" /> : <ProblemAlert error={error} what={`The tenant ${slug} cannot be shown`} retry={refetch} />}
      </Page>
    );
  }
  const { tenant, tag } = data;
  const content: Record<TenantTab, () => React.ReactNode> = {
    overview: () => <Overview tenant={tenant} />,
    instances: () => <Instances tenant={tenant} />,
    managers: () => <Managers tenant={tenant} />,
    space: () => <Space key={slug} tenant={tenant} />,
    settings: () => <SettingsTab key={slug} tenant={tenant} tag={tag} />,
    operations: () => <OperationsTable filter={{ tenant: slug }} empty="This tenant has had no operation. Onboarding, changes of its stack, suspending and off-boarding are operations." />,
    audit: () => <AuditTab slug={slug} />,
    manage: () => <Manage tenant={tenant} />,
  };
  return (
    <Page
      title={slug}
      trail={[{ text: "Tenants", href: paths.tenants() }]}
      header={
        <Header variant="h1" description={tenant.display_name} info={<TenantStateIndicator state={tenant.state} />}>
          {slug}
        </Header>
      }
    >
      <SpaceBetween size="m">
        <ProblemAlert error={error} what="What is shown may be old" retry={refetch} />
        <Tabs
          ariaLabel={`The tenant ${slug}`}
          activeTabId={active}
          tabs={tenantTabs.map((id) => ({ id, label: labels[id], href: paths.tenantTab(slug, id), content: id === active ? content[id]() : null }))}
          onChange={({ detail }) => {
            if (isTenantTab(detail.activeTabId)) void navigate({ to: paths.tenantTab(slug, detail.activeTabId) });
          }}
        />
      </SpaceBetween>
    </Page>
  );
}
