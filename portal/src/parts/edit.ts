import { useState } from "react";

/** A form's members as texts. */
export type Fields = Readonly<Record<string, string>>;

interface Edit<T extends Fields> {
  /** What the form began from. */
  readonly base: T;
  readonly form: T;
}

/** A form that edits what others may change too. */
export interface Editing<T extends Fields> extends Edit<T> {
  readonly change: (next: T) => void;
  /** The members that somebody else has changed since the form began and that this form changes too, or undefined. */
  readonly others: readonly (keyof T & string)[] | undefined;
  /** Begins from what there is now, with this form's changes on top. */
  readonly goOn: () => void;
  readonly forget: () => void;
}

/** The members in which two forms differ. */
export const changed = <T extends Fields>(from: T, to: T): (keyof T & string)[] => Object.keys(to).filter((name) => from[name] !== to[name]);

/** What mine changed of base, on top of theirs: what nobody here touched is as somebody else has left it. */
export function rebased<T extends Fields>({ base, form }: Edit<T>, theirs: T): Edit<T> {
  const mine = Object.fromEntries(changed(base, form).map((name) => [name, form[name]]));
  return { base: theirs, form: { ...theirs, ...mine } };
}

/** What was kept of an edit, as far as the form has those members today. */
export function readEdit<T extends Fields>(kept: string | null, theirs: T): Edit<T> {
  const fresh = { base: theirs, form: theirs };
  if (kept === null) return fresh;
  try {
    const found: unknown = JSON.parse(kept);
    if (typeof found !== "object" || found === null || !("base" in found) || !("form" in found)) return fresh;
    return { base: likeOf(theirs, found.base), form: likeOf(theirs, found.form) };
  } catch {
    return fresh; // an older portal kept something else
  }
}

function likeOf<T extends Fields>(form: T, found: unknown): T {
  if (typeof found !== "object" || found === null) return form;
  return { ...form, ...Object.fromEntries(Object.entries(found).filter(([name, value]) => name in form && typeof value === "string")) };
}

/**
 * Edits theirs, which is read anew now and then, and keeps the edit in this tab until it is sent. Members that only somebody
 * else changes follow by themselves; those that both change are told.
 */
export function useEdit<T extends Fields>(name: string, theirs: T): Editing<T> {
  const key = `earshot.edit.${name}`;
  const [kept, setKept] = useState<Edit<T>>(() => readEdit(sessionStorage.getItem(key), theirs));
  const set = (next: Edit<T>): void => {
    sessionStorage.setItem(key, JSON.stringify(next));
    setKept(next);
  };
  const touched = changed(kept.base, kept.form);
  const both = changed(kept.base, theirs).filter((member) => touched.includes(member) && kept.form[member] !== theirs[member]);
  const now = both.length === 0 ? rebased(kept, theirs) : kept;
  return {
    ...now,
    change: (form) => set({ base: now.base, form }),
    others: both.length === 0 ? undefined : both,
    goOn: () => set(rebased(kept, theirs)),
    forget: () => {
      sessionStorage.removeItem(key);
      setKept({ base: theirs, form: theirs });
    },
  };
}
