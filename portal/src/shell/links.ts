import type { MouseEvent } from "react";

import { isAPI } from "../paths";

/** Follows a click on a link of the portal without loading the page again. New tabs and windows stay the browser's. */
export function followLink(event: MouseEvent, push: (href: string) => void): void {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = event.target instanceof Element ? event.target.closest("a") : null;
  if (link === null || link.target === "_blank" || link.hasAttribute("download") || !link.hasAttribute("href")) return;
  const url = new URL(link.href, location.href);
  if (url.origin !== location.origin || isAPI(url.pathname)) return;
  event.preventDefault();
  push(url.pathname + url.search + url.hash);
}
