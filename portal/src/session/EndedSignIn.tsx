import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Modal from "@cloudscape-design/components/modal";

import { useSession, useSignIn } from "./context";

/** Asks for a new sign-in over the page as it is. Forms keep what was typed (drafts.ts). */
export function EndedSignIn() {
  const session = useSession();
  const state = useSignIn();
  return (
    <Modal
      visible={state === "ended"}
      header="Your sign-in has ended"
      closeAriaLabel="Close"
      footer={
        <Box float="right">
          <Button variant="primary" onClick={() => void session.signIn(location.pathname + location.search)}>
            Sign in again
          </Button>
        </Box>
      }
    >
      You come back to this page. What you have typed into its form is kept in this tab.
    </Modal>
  );
}
