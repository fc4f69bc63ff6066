import { useRef } from "react";

import { ProblemError } from "./problem";

/**
 * Runs a write under an idempotency key that stays the same until an answer has come: whoever presses again because none did
 * asks for the same thing, not for another.
 */
export function useIntent(): <T>(write: (key: string) => Promise<T>) => Promise<T> {
  const key = useRef<string | undefined>(undefined);
  return async (write) => {
    key.current ??= crypto.randomUUID();
    try {
      const answer = await write(key.current);
      key.current = undefined;
      return answer;
    } catch (error) {
      if (error instanceof ProblemError) key.current = undefined;
      throw error;
    }
  };
}
