import { useSyncExternalStore, type ReactNode } from "react";

export interface Notice {
  readonly id: string;
  readonly type: "success" | "info" | "error";
  readonly header: string;
  readonly content?: ReactNode;
}

let notices: readonly Notice[] = [];
const listeners = new Set<() => void>();

function change(next: readonly Notice[]): void {
  notices = next;
  listeners.forEach((listener) => listener());
}

/** Shows a notice at the top of the page until it is dismissed; one of the same id takes its place. */
export function notify(notice: Notice): void {
  change([notice, ...notices.filter(({ id }) => id !== notice.id)].slice(0, 5));
}

export const dismiss = (id: string): void => change(notices.filter((notice) => notice.id !== id));

export const useNotices = (): readonly Notice[] =>
  useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => notices,
  );
