import Box from "@cloudscape-design/components/box";
import Header from "@cloudscape-design/components/header";
import Link from "@cloudscape-design/components/link";

import { Page } from "../parts/Page";
import { paths } from "../paths";

export function NotFound() {
  return (
    <Page title="Nothing here" trail={[]} header={<Header variant="h1">There is nothing at this address</Header>}>
      <Box>
        It may have been copied in part. All tenants are <Link href={paths.tenants()}>here</Link>.
      </Box>
    </Page>
  );
}
