import { useState } from "react";

/** A form's content, kept in this tab until it is sent: a sign-in that ends in between, or a reload, takes nothing away. */
export function useDraft<T extends object>(name: string, empty: T): [T, (next: T) => void, () => void] {
  const key = `earshot.draft.${name}`;
  const [draft, setDraft] = useState<T>(() => readDraft(sessionStorage.getItem(key), empty));
  return [
    draft,
    (next) => {
      sessionStorage.setItem(key, JSON.stringify(next));
      setDraft(next);
    },
    () => sessionStorage.removeItem(key),
  ];
}

/** What was kept, as far as it is what the form has today. */
export function readDraft<T extends object>(kept: string | null, empty: T): T {
  if (kept === null) return empty;
  try {
    const found: unknown = JSON.parse(kept);
    if (typeof found !== "object" || found === null) return empty;
    const known = Object.entries(found).filter(([name, value]) => name in empty && typeof value === typeof empty[name as keyof T]);
    return { ...empty, ...Object.fromEntries(known) };
  } catch {
    return empty; // an older portal kept something else
  }
}
