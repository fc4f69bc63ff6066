import { UserManager, WebStorageStateStore, type User } from "oidc-client-ts";

import type { PortalConfig } from "../config";

/** `ended`: there was a sign-in, and the API takes it no longer. */
export type SignIn = "in" | "out" | "ended";

/** An admin's sign-in in this tab: authorization code with PKCE, renewed by its refresh token, gone with the tab. */
export class Session {
  state: SignIn = "out";
  /** Why the last sign-in came to nothing. */
  trouble: string | undefined;
  readonly #users: UserManager;
  readonly #config: PortalConfig;
  readonly #home: string;
  readonly #listeners = new Set<() => void>();
  #user: User | null = null;
  #renewal: Promise<boolean> | undefined;

  constructor(config: PortalConfig, origin: string) {
    this.#config = config;
    this.#home = `${origin}/`;
    this.#users = new UserManager({
      authority: config.issuer,
      client_id: config.clientId,
      redirect_uri: this.#home,
      scope: "openid email profile",
      metadata: {
        issuer: config.issuer,
        authorization_endpoint: config.authorizationEndpoint,
        token_endpoint: config.tokenEndpoint,
        ...(config.endSessionEndpoint === undefined ? {} : { end_session_endpoint: config.endSessionEndpoint }),
      },
      stateStore: new WebStorageStateStore({ store: sessionStorage }),
      userStore: new WebStorageStateStore({ store: sessionStorage }),
      automaticSilentRenew: true,
    });
    this.#users.events.addUserLoaded((user) => {
      this.#user = user;
      this.#become("in");
    });
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Finds out whether somebody is signed in, and returns where a sign-in that has just come back began. */
  async start(location: URL): Promise<string | undefined> {
    const answered = location.pathname === "/" && location.searchParams.has("state");
    if (answered) return this.#finish(location);
    this.#user = await this.#users.getUser();
    if (this.#user !== null && (this.#user.expired !== true || (await this.renew()))) this.#become("in");
    return undefined;
  }

  async #finish(location: URL): Promise<string> {
    try {
      const user = await this.#users.signinRedirectCallback(location.href);
      this.#user = user;
      this.#become("in");
      return typeof user.state === "string" && user.state.startsWith("/") ? user.state : "/";
    } catch (error) {
      this.trouble = error instanceof Error ? error.message : String(error);
      return "/";
    }
  }

  token(): string | undefined {
    return this.#user?.access_token;
  }

  /** Who has signed in, for people. */
  name(): string | undefined {
    return this.#user?.profile.email ?? this.#user?.profile.name;
  }

  /** Asks for a new access token; of many who ask at once one does. False: there is no way but to sign in again. */
  renew(): Promise<boolean> {
    this.#renewal ??= this.#users
      .signinSilent()
      .then((user) => user !== null, () => false)
      .finally(() => (this.#renewal = undefined));
    return this.#renewal;
  }

  /** Notes that the API takes this sign-in no longer. What people have typed stays where it is. */
  end(): void {
    if (this.state === "in") this.#become("ended");
  }

  /** Leaves for the sign-in, which comes back to returnTo. */
  async signIn(returnTo: string): Promise<void> {
    await this.#users.signinRedirect({ state: returnTo });
  }

  async signOut(): Promise<void> {
    if (this.#config.endSessionEndpoint === undefined) {
      await this.#users.removeUser();
      this.#become("out");
      return;
    }
    // Cognito takes parameters of its own here; other issuers take the standard's.
    await this.#users.signoutRedirect({
      post_logout_redirect_uri: this.#home,
      extraQueryParams: { client_id: this.#config.clientId, logout_uri: this.#home },
    });
  }

  #become(state: SignIn): void {
    this.state = state;
    this.#listeners.forEach((listener) => listener());
  }
}
