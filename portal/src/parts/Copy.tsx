import Box from "@cloudscape-design/components/box";
import CopyToClipboard from "@cloudscape-design/components/copy-to-clipboard";
import Link from "@cloudscape-design/components/link";
import SpaceBetween from "@cloudscape-design/components/space-between";

/** A text with a button that copies it. */
export const CopyText = ({ text, what }: { readonly text: string; readonly what: string }) => (
  <CopyToClipboard
    variant="inline"
    textToCopy={text}
    copyButtonAriaLabel={`Copy ${what}`}
    copySuccessText="Copied"
    copyErrorText="The browser does not let this page copy: mark the text instead"
  />
);

interface AddressProps {
  readonly url: string | undefined;
  readonly what: string;
  /** Whether a person can open it in a browser. */
  readonly open?: boolean;
}

/** An address to hand out; the stack has not told it yet when it is missing. */
export function CopyAddress({ url, what, open = false }: AddressProps) {
  if (url === undefined || url === "") return <Box color="text-body-secondary">Not there yet</Box>;
  return (
    <SpaceBetween direction="horizontal" size="xs">
      <CopyText text={url} what={what} />
      {open ? (
        <Link href={url} external externalIconAriaLabel="Opens in a new tab" ariaLabel={`Open ${what}`}>
          Open
        </Link>
      ) : null}
    </SpaceBetween>
  );
}
