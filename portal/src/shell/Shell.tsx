import AppLayout from "@cloudscape-design/components/app-layout";
import Flashbar from "@cloudscape-design/components/flashbar";
import SideNavigation from "@cloudscape-design/components/side-navigation";
import TopNavigation from "@cloudscape-design/components/top-navigation";
import { useQuery } from "@tanstack/react-query";
import { Outlet, useLocation, useRouter } from "@tanstack/react-router";
import { useEffect, useState } from "react";

import { useService } from "../api/context";
import { callerQuery } from "../api/queries";
import { paths } from "../paths";
import { useSession } from "../session/context";
import { EndedSignIn } from "../session/EndedSignIn";
import { followLink } from "./links";
import { dismiss, turnPage, useNotices } from "./notices";
import { appearance, setAppearance, type Appearance } from "./theme";

const sections = [
  { text: "Tenants", href: paths.tenants() },
  { text: "Operations", href: paths.operations() },
  { text: "Upgrades", href: paths.upgrades() },
  { text: "Cells", href: paths.cells() },
  { text: "Audit", href: paths.audit() },
  { text: "API keys", href: paths.apiKeys() },
  { text: "About", href: paths.about() },
] as const;

/** What is around every page. */
export function Shell() {
  const router = useRouter();
  const { pathname } = useLocation();
  const [isOpen, setOpen] = useState(true);
  useEffect(turnPage, [pathname]);
  const active = sections.find(({ href }) => pathname.startsWith(href))?.href ?? "";
  return (
    <div onClick={(event) => followLink(event, (href) => router.history.push(href))}>
      <div id="top">
        <Top />
      </div>
      <AppLayout
        headerSelector="#top"
        navigation={
          <SideNavigation
            header={{ text: "Admin portal", href: paths.tenants() }}
            activeHref={active}
            items={[
              ...sections.map(({ text, href }) => ({ type: "link" as const, text, href })),
              { type: "divider" },
              { type: "link", text: "API documentation", href: paths.apiDocs(), external: true, externalIconAriaLabel: "Opens in a new tab" },
            ]}
          />
        }
        navigationOpen={isOpen}
        onNavigationChange={({ detail }) => setOpen(detail.open)}
        notifications={<Notices />}
        stickyNotifications
        toolsHide
        content={<Outlet />}
        ariaLabels={{
          navigation: "Sections",
          navigationClose: "Close the sections",
          navigationToggle: "Open the sections",
          notifications: "Notices",
        }}
      />
      <EndedSignIn />
    </div>
  );
}

function Notices() {
  return (
    <Flashbar
      items={useNotices().map(({ id, type, header, content }) => ({
        id,
        type,
        header,
        content,
        dismissible: true,
        dismissLabel: "Dismiss the notice",
        onDismiss: () => dismiss(id),
      }))}
    />
  );
}

const appearances: readonly { id: Appearance; text: string }[] = [
  { id: "system", text: "As the system" },
  { id: "light", text: "Light" },
  { id: "dark", text: "Dark" },
];

function Top() {
  const session = useSession();
  const { api } = useService();
  const { data: caller } = useQuery(callerQuery(api));
  const [shown, setShown] = useState(appearance);
  return (
    <TopNavigation
      identity={{ href: paths.tenants(), title: "Earshot" }}
      utilities={[
        {
          type: "menu-dropdown",
          iconName: "settings",
          ariaLabel: "Appearance",
          title: "Appearance",
          items: appearances.map(({ id, text }) => ({ id, text, itemType: "checkbox" as const, checked: id === shown })),
          onItemClick: ({ detail }) => {
            const chosen = appearances.find(({ id }) => id === detail.id)?.id ?? "system";
            setAppearance(chosen);
            setShown(chosen);
          },
        },
        {
          type: "menu-dropdown",
          iconName: "user-profile",
          text: session.name() ?? caller?.name ?? "Signed in",
          ...(caller === undefined ? {} : { description: `${caller.role}${caller.scope.all ? "" : `, ${caller.scope.tenant_ids.length} tenants`}` }),
          items: [{ id: "sign-out", text: "Sign out" }],
          onItemClick: () => void session.signOut(),
        },
      ]}
    />
  );
}
