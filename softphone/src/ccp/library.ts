// The part of amazon-connect-streams that is used. The library is not ours and its version may be the customer's, so this
// names only what has been there for years, and events are read as untrusted.

export interface Subscription {
  unsubscribe(): void;
}

export interface Bus {
  subscribe(event: string, run: (data: unknown) => void): Subscription;
}

export interface Connection {
  isOnHold?(): boolean;
  getMediaInfo?(): { callConfigJson?: unknown } | null;
}

export interface Contact {
  readonly contactId?: string;
  getContactId(): string;
  getType(): string;
  getQueue(): { name?: string | null } | null;
  getStatus(): { type?: string };
  getAgentConnection(): Connection | null;
  getInitialConnection(): Connection | null;
  onRefresh(run: (contact: Contact) => void): Subscription;
  onEnded(run: (contact: Contact) => void): Subscription;
  onDestroy(run: (contact: Contact) => void): Subscription;
}

export interface Agent {
  getConfiguration(): { username?: string; routingProfile?: { name?: string } | null };
  onRefresh(run: (agent: Agent) => void): Subscription;
  onMuteToggle(run: (state: { muted?: unknown }) => void): Subscription;
}

export interface Library {
  readonly EventType: Readonly<Record<string, string>>;
  readonly RTCSession?: unknown;
  readonly core: {
    initialized?: boolean;
    initCCP(container: HTMLElement, params: Readonly<Record<string, unknown>>): void;
    initSoftphoneManager(params: Readonly<Record<string, unknown>>): void;
    getEventBus(): Bus;
    getUpstream(): { onUpstream(event: string, run: (data: unknown) => void): Subscription };
  };
  agent(run: (agent: Agent) => void): void;
  contact(run: (contact: Contact) => void): void;
}

/** The library of the page, once its script has run: it is a global, and its own types say that it is always there. */
export const loadedLibrary = (): Library | undefined => (window as { connect?: unknown }).connect as Library | undefined;
