import { useSyncExternalStore, type ReactNode } from "react";

export interface Notice {
  readonly id: string;
  readonly type: "success" | "info" | "error";
  readonly header: string;
  readonly content?: ReactNode;
}

interface Kept extends Notice {
  /** Whether it has come along to another page already. */
  readonly isOld?: boolean;
}

let notices: readonly Kept[] = [];
const listeners = new Set<() => void>();

function change(next: readonly Kept[]): void {
  notices = next;
  listeners.forEach((listener) => listener());
}

/** Shows a notice at the top of the page until it is dismissed; one of the same id takes its place. */
export function notify(notice: Notice): void {
  change([notice, ...notices.filter(({ id }) => id !== notice.id)].slice(0, 5));
}

/** What went well comes along to the next page, and no further. */
export function turnPage(): void {
  if (notices.length > 0) change(notices.filter(({ type, isOld }) => type === "error" || isOld !== true).map((notice) => ({ ...notice, isOld: true })));
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
