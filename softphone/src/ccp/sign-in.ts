import type { Clock } from "../clock";

/**
 * How far the framed CCP has come.
 * loading: it has not answered yet. sign_in: it needs a session; the agent is asked to click. signing_in: a sign-in window was
 * opened. blocked_popup: the browser opened none. no_session: somebody signed in, or closed the window, and the frame still has
 * no session. slow_sign_in: a minute has passed. ready: it answers. lost: it did, and has stopped while no call was up.
 * signed_out: the agent has signed out. denied: Connect refuses the agent.
 */
export type Stage = "loading" | "sign_in" | "signing_in" | "blocked_popup" | "no_session" | "slow_sign_in" | "ready" | "lost" | "signed_out" | "denied";

/** A window that may be closed by whoever signs in. */
export interface Popup {
  readonly closed: boolean;
  close(): void;
}

export interface SignInOptions {
  readonly clock: Clock;
  /** Opens the sign-in page; null when the browser does not let us. */
  readonly open: () => Popup | null;
  /** Loads the frame anew, so that it sees a new session. */
  readonly reload: () => void;
  readonly isInCall: () => boolean;
  readonly changed: (stage: Stage, failures: number) => void;
}

const loadMillis = 5000; // a slow network answers later, and then nothing was asked for in vain
const pollMillis = 5000;
const graceMillis = 10_000; // between the window's end and the frame's answer
const signInMillis = 60_000;
const silentMillis = 20_000; // the library asks every second

/**
 * Brings the frame to a session. Windows are opened by the agent's click only: never by itself, never two at once, none over a
 * call. During a call the frame is not reloaded, whatever it answers.
 */
export class SignIn {
  readonly #options: SignInOptions;
  #stage: Stage = "loading";
  #failures = 0;
  #popup: Popup | undefined;
  #openedAt = 0;
  #closedAt: number | undefined;
  #cancel: () => void;

  constructor(options: SignInOptions) {
    this.#options = options;
    this.#cancel = options.clock.after(loadMillis, () => {
      this.#become("sign_in");
    });
  }

  get stage(): Stage {
    return this.#stage;
  }

  /** The frame has answered. */
  acknowledged(): void {
    this.#cancel();
    this.#cancel = this.#options.clock.after(silentMillis, () => {
      this.silent();
    });
    if (this.#stage === "ready") return;
    this.#failures = 0;
    if (this.#popup?.closed === false) this.#popup.close();
    this.#popup = undefined;
    this.#become("ready");
  }

  /** The frame has stopped answering, or its session has ended. A call goes on; only the agent is told. */
  silent(): void {
    if (this.#stage === "ready") this.#become("lost");
  }

  sessionEnded(): void {
    if (this.#stage !== "signing_in") this.#stop(this.#options.isInCall() ? "lost" : "sign_in");
  }

  signedOut(): void {
    this.#stop("signed_out");
  }

  accessDenied(): void {
    this.#stop("denied");
  }

  /** The agent has clicked. */
  begin(): void {
    const { clock, open, isInCall } = this.#options;
    if (isInCall() || this.#stage === "ready" || this.#popup?.closed === false) return;
    const popup = open();
    if (popup === null) {
      this.#become("blocked_popup");
      return;
    }
    this.#popup = popup;
    this.#openedAt = clock.monotonic();
    this.#closedAt = undefined;
    this.#become("signing_in");
    this.#poll();
  }

  #poll(): void {
    const { clock, reload, isInCall } = this.#options;
    this.#cancel();
    this.#cancel = clock.after(pollMillis, () => {
      const now = clock.monotonic();
      if (this.#popup?.closed === true) this.#closedAt ??= now;
      if (this.#closedAt !== undefined && now - this.#closedAt >= graceMillis) {
        this.#fail("no_session");
      } else if (now - this.#openedAt >= signInMillis) {
        this.#fail("slow_sign_in");
      } else {
        if (!isInCall()) reload();
        this.#poll();
      }
    });
  }

  #fail(stage: Stage): void {
    this.#popup = undefined; // a window that is still open is left alone
    this.#failures++;
    this.#become(stage);
  }

  #stop(stage: Stage): void {
    this.#cancel();
    this.#become(stage);
  }

  #become(stage: Stage): void {
    this.#stage = stage;
    this.#options.changed(stage, this.#failures);
  }
}
