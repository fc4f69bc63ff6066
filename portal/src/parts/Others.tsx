import Alert from "@cloudscape-design/components/alert";
import Button from "@cloudscape-design/components/button";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";

import type { Editing, Fields } from "./edit";

interface Props<T extends Fields> {
  readonly edit: Editing<T>;
  readonly theirs: T;
  readonly label: (name: keyof T & string) => string;
  readonly goOn: () => void;
}

/** Shows what somebody else has changed in the same members meanwhile. */
export function Others<T extends Fields>({ edit, theirs, label, goOn }: Props<T>) {
  if (edit.others === undefined) return null;
  const shown = (text: string | undefined): string => (text === undefined || text === "" ? "none" : text.split("\n").join(", "));
  return (
    <Alert
      type="warning"
      header="Somebody else has changed the same meanwhile"
      action={
        <Button formAction="none" onClick={goOn}>
          Go on with mine
        </Button>
      }
    >
      <KeyValuePairs
        columns={1}
        items={edit.others.map((name) => ({
          label: label(name),
          value: `${shown(theirs[name])} now, ${shown(edit.form[name])} in your form, ${shown(edit.base[name])} when you began`,
        }))}
      />
    </Alert>
  );
}
