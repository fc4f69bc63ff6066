import { createContext, use } from "react";

import type { API } from "./client";

export interface Service {
  readonly api: API;
  /** For streams, which the client does not read. */
  readonly send: (request: Request) => Promise<Response>;
}

export const ServiceContext = createContext<Service | undefined>(undefined);

export function useService(): Service {
  const service = use(ServiceContext);
  if (service === undefined) throw new Error("there is no service here");
  return service;
}
