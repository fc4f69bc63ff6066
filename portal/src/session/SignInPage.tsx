import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";

import { useSession } from "./context";

/** What a person sees who is not signed in. The address stays: they come back to it. */
export function SignInPage() {
  const session = useSession();
  const [trouble, setTrouble] = useState(session.trouble);
  const [isLeaving, setLeaving] = useState(false);
  const leave = async (): Promise<void> => {
    setLeaving(true);
    try {
      await session.signIn(location.pathname + location.search);
    } catch (error) {
      setTrouble(error instanceof Error ? error.message : String(error));
      setLeaving(false);
    }
  };
  return (
    <main className="lone">
      <SpaceBetween size="l">
        <Box textAlign="center">
          <img src="/icon.svg" alt="" width="64" height="64" />
        </Box>
        <Container header={<Header variant="h1">Earshot admin portal</Header>}>
          <SpaceBetween size="m">
            <Box variant="p">Onboard contact centres, watch their stacks being built, hand out their addresses, and see which of them is unwell.</Box>
            {trouble === undefined ? null : (
              <Alert type="error" header="The sign-in came to nothing">
                {trouble}. Try again; if it happens again, an owner can look whether you are in one of the groups owner, operator and auditor.
              </Alert>
            )}
            <Button variant="primary" loading={isLeaving} onClick={() => void leave()}>
              Sign in
            </Button>
          </SpaceBetween>
        </Container>
      </SpaceBetween>
    </main>
  );
}
