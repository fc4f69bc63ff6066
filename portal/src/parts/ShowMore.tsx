import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";

interface Pages {
  readonly hasNextPage: boolean;
  readonly isFetchingNextPage: boolean;
  readonly fetchNextPage: () => unknown;
}

/** The way to a list's next page, where there is one. */
export function ShowMore({ query }: { readonly query: Pages }) {
  if (!query.hasNextPage) return null;
  return (
    <Box textAlign="center">
      <Button variant="link" loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
        Show more
      </Button>
    </Box>
  );
}
