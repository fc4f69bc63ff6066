import { createContext, use, useSyncExternalStore } from "react";

import type { Session, SignIn } from "./session";

export const SessionContext = createContext<Session | undefined>(undefined);

export function useSession(): Session {
  const session = use(SessionContext);
  if (session === undefined) throw new Error("there is no session here");
  return session;
}

export function useSignIn(): SignIn {
  const session = useSession();
  return useSyncExternalStore(session.subscribe, () => session.state);
}
