import "@cloudscape-design/global-styles/index.css";
import "./portal.css";

import { I18nProvider } from "@cloudscape-design/components/i18n";
import messages from "@cloudscape-design/components/i18n/messages/all.en";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode, useState, type ReactNode } from "react";
import { createRoot } from "react-dom/client";

import { authorized, newAPI } from "./api/client";
import { ServiceContext } from "./api/context";
import { problemOf } from "./api/problem";
import { newQueryClient } from "./api/queries";
import { elsewhere, readConfig, type PortalConfig } from "./config";
import { ProblemAlert } from "./parts/ProblemAlert";
import { newRouter } from "./router";
import { SessionContext, useSignIn } from "./session/context";
import { Session } from "./session/session";
import { SignInPage } from "./session/SignInPage";
import { startTheme } from "./shell/theme";

async function fetchConfig(): Promise<PortalConfig> {
  const response = await fetch("/portal-config.json");
  const body: unknown = await response.json().catch(() => undefined);
  if (!response.ok) throw problemOf(response.status, body, response.headers.get("x-request-id"));
  return readConfig(body);
}

function Portal({ session }: { readonly session: Session }) {
  const state = useSignIn();
  const [parts] = useState(() => {
    const send = authorized(session, (request) => fetch(request));
    return { service: { api: newAPI(send), send }, queries: newQueryClient(), router: newRouter() };
  });
  if (state === "out") return <SignInPage />;
  return (
    <ServiceContext value={parts.service}>
      <QueryClientProvider client={parts.queries}>
        <RouterProvider router={parts.router} />
      </QueryClientProvider>
    </ServiceContext>
  );
}

async function start(): Promise<ReactNode> {
  const config = await fetchConfig();
  const here = new URL(location.href);
  const other = elsewhere(config, here);
  if (other !== undefined) {
    location.replace(other);
    return null;
  }
  const session = new Session(config, here.origin);
  const returnTo = await session.start(here);
  if (returnTo !== undefined) history.replaceState(null, "", returnTo);
  return (
    <SessionContext value={session}>
      <Portal session={session} />
    </SessionContext>
  );
}

startTheme();
const place = document.getElementById("portal");
if (place === null) throw new Error("index.html has no place for the portal");
const root = createRoot(place);
const show = (content: ReactNode): void =>
  root.render(
    <StrictMode>
      <I18nProvider locale="en" messages={[messages]}>
        {content}
      </I18nProvider>
    </StrictMode>,
  );
start().then(show, (error: unknown) =>
  show(
    <main className="lone">
      <ProblemAlert error={error} what="The portal cannot start" retry={() => location.reload()} />
    </main>,
  ),
);
