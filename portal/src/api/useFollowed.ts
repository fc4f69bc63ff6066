import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";

import { useService } from "./context";
import { advance, nothingYet, type Progress } from "./progress";
import { follow, pauseFor } from "./stream";
import type { Operation } from "./types";

interface Followed {
  readonly progress: Progress;
  readonly end: Operation | undefined;
  readonly isConnected: boolean;
  readonly error: unknown;
}

const beginning: Followed = { progress: nothingYet, end: undefined, isConnected: true, error: undefined };

/** Follows an operation for as long as the component is there. What its end changes is asked for anew. */
export function useFollowed(id: string): Followed {
  const { send } = useService();
  const queries = useQueryClient();
  const [followed, setFollowed] = useState(beginning);
  useEffect(() => {
    const leaving = new AbortController();
    const { signal } = leaving;
    const run = async (): Promise<void> => {
      setFollowed(beginning);
      const connected = (isConnected: boolean): void => setFollowed((before) => ({ ...before, isConnected }));
      for await (const told of follow(id, { send, origin: location.origin, signal, wait: pauseFor, connected })) {
        if (signal.aborted) return;
        if (told.kind === "event") {
          setFollowed((before) => ({ ...before, progress: advance(before.progress, told.event) }));
          continue;
        }
        setFollowed((before) => ({ ...before, end: told.operation }));
        queries.setQueryData(["operation", id], told.operation);
        await Promise.all(["tenant", "tenants", "operations", "health"].map((key) => queries.invalidateQueries({ queryKey: [key] })));
      }
    };
    run().catch((error: unknown) => {
      if (!signal.aborted) setFollowed((before) => ({ ...before, error }));
    });
    return () => leaving.abort();
  }, [id, send, queries]);
  return followed;
}
