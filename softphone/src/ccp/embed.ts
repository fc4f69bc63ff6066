import type { Config, Instance } from "../config";
import type { Library } from "./library";
import type { SignIn } from "./sign-in";

// The library would open sign-in windows and reload the frame by itself, also during a call. Both are ours to do (SignIn), so
// it is told to wait for longer than any shift, and to keep quiet afterwards.
const neverMillis = 2 ** 31 - 1;

/** Frames the instance's CCP. The library must be loaded, and with it, for a page that owns the media, the RTC library. */
export function embed(connect: Library, container: HTMLElement, instance: Instance, mediaOwner: Config["mediaOwner"], frameTitle: string): void {
  connect.core.initCCP(container, {
    ccpUrl: instance.ccpUrl,
    ...(instance.region === "" ? {} : { region: instance.region }),
    loginPopup: false,
    loginOptions: { disableAuthPopupAfterLogout: true },
    ccpLoadTimeout: neverMillis,
    softphone: { allowFramedSoftphone: mediaOwner === "frame" },
    iframeTitle: frameTitle,
  });
  if (mediaOwner === "page") connect.core.initSoftphoneManager({ allowFramedSoftphone: true });
}

/** Tells the sign-in what the frame does. */
export function watch(connect: Library, signIn: SignIn): void {
  const { EventType, core } = connect;
  const event = (name: string): string => EventType[name] ?? name.toLowerCase();
  core.getUpstream().onUpstream(event("ACKNOWLEDGE"), () => { signIn.acknowledged(); });
  const bus = core.getEventBus();
  bus.subscribe(event("AUTH_FAIL"), () => { signIn.sessionEnded(); });
  bus.subscribe(event("TERMINATED"), () => { signIn.signedOut(); });
  bus.subscribe(event("ACCESS_DENIED"), () => { signIn.accessDenied(); });
}

/** Loads the frame anew, in place. */
export function reloadFrame(container: HTMLElement): void {
  const frame = container.querySelector("iframe");
  if (frame !== null) frame.setAttribute("src", frame.src);
}

/** Loads the RTC library that the operator supplies. The browser refuses it unless it is the one that was pinned. */
export function loadScript(document: Document, { src, integrity }: { src: string; integrity: string }): Promise<void> {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = src;
    script.integrity = integrity;
    script.crossOrigin = "anonymous";
    script.onload = () => { resolve(); };
    script.onerror = () => { reject(new Error(`${src} was not loaded`)); };
    document.head.append(script);
  });
}
