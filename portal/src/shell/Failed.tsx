import { ProblemAlert } from "../parts/ProblemAlert";

/** Takes the place of a page that broke, or whose script could not be fetched: a newer portal has other scripts. */
export function Failed({ error }: { readonly error: unknown }) {
  return <ProblemAlert error={error} what="This page cannot be shown" retry={() => location.reload()} />;
}
