import Alert from "@cloudscape-design/components/alert";
import SpaceBetween from "@cloudscape-design/components/space-between";

import { CopyText } from "./Copy";

/** An API key's secret, which is shown this once: it is in no store of the page's either. */
export const Secret = ({ secret }: { readonly secret: string }) => (
  <SpaceBetween size="m">
    <Alert type="warning" header="Copy the secret now">
      It is shown this once and kept nowhere. Who has lost it rotates the key.
    </Alert>
    <CopyText text={secret} what="the secret" />
  </SpaceBetween>
);
