import Button from "@cloudscape-design/components/button";
import DateRangePicker, { type DateRangePickerProps } from "@cloudscape-design/components/date-range-picker";
import Input from "@cloudscape-design/components/input";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";

import type { AuditFilter } from "../api/queries";
import { auditOutcomes } from "../search";
import { AuditExport } from "./AuditExport";

const anyOutcome = { value: "", label: "Any outcome" };
const outcomes: { value: string; label: string }[] = [anyOutcome, ...auditOutcomes.map((one) => ({ value: one, label: one }))];

const spans: readonly DateRangePickerProps.RelativeOption[] = [
  { key: "hour", amount: 1, unit: "hour", type: "relative" },
  { key: "day", amount: 1, unit: "day", type: "relative" },
  { key: "week", amount: 7, unit: "day", type: "relative" },
  { key: "month", amount: 30, unit: "day", type: "relative" },
];

const unitMillis = { second: 1_000, minute: 60_000, hour: 3_600_000, day: 86_400_000, week: 604_800_000, month: 2_592_000_000, year: 31_536_000_000 } as const;

/** The instants of a choice. "The last hour" is the hour before now: an address with it shows others the same events. */
function spanOf(chosen: DateRangePickerProps.Value | null, now: number): Pick<AuditFilter, "from" | "to"> {
  if (chosen === null) return { from: undefined, to: undefined };
  if (chosen.type === "absolute") return { from: new Date(chosen.startDate).toISOString(), to: new Date(chosen.endDate).toISOString() };
  return { from: new Date(now - chosen.amount * unitMillis[chosen.unit]).toISOString(), to: undefined };
}

interface Props {
  readonly filter: AuditFilter;
  readonly change: (next: AuditFilter) => void;
  /** Whether the tenant can be chosen. */
  readonly ofAll?: boolean;
}

/** What to show of the audit, and its export. */
export function AuditControls({ filter, change, ofAll = false }: Props) {
  const [opened] = useState(() => new Date().toISOString());
  const text = (name: "actor" | "action" | "tenant", label: string) => (
    <FilterText key={filter[name] ?? ""} label={label} value={filter[name] ?? ""} change={(value) => change({ ...filter, [name]: value === "" ? undefined : value })} />
  );
  const range: DateRangePickerProps.AbsoluteValue | null =
    filter.from === undefined ? null : { type: "absolute", startDate: filter.from, endDate: filter.to ?? opened };
  return (
    <SpaceBetween direction="horizontal" size="xs">
      {ofAll ? text("tenant", "Tenant's slug") : null}
      {text("actor", "Who: subject or name")}
      {text("action", "Action, such as tenants.onboard")}
      <Select
        ariaLabel="Outcome"
        selectedOption={outcomes.find(({ value }) => value === filter.outcome) ?? anyOutcome}
        options={outcomes}
        onChange={({ detail }) => change({ ...filter, outcome: auditOutcomes.find((one) => one === detail.selectedOption.value) })}
      />
      <DateRangePicker
        value={range}
        placeholder="Any time"
        relativeOptions={spans}
        isValidRange={(value) =>
          value?.type === "absolute" && Date.parse(value.endDate) <= Date.parse(value.startDate)
            ? { valid: false, errorMessage: "The end must be after the beginning." }
            : { valid: true }
        }
        ariaLabel="Time"
        i18nStrings={{
          clearButtonLabel: "Any time",
          modeSelectionLabel: "How to say it",
          relativeModeTitle: "Back from now",
          absoluteModeTitle: "From one instant to another",
          formatRelativeRange: ({ amount, unit }) => (amount === 1 ? `The last ${unit}` : `The last ${amount} ${unit}s`),
        }}
        onChange={({ detail }) => change({ ...filter, ...spanOf(detail.value, Date.now()) })}
      />
      {Object.entries(filter).some(([name, value]) => value !== undefined && (ofAll || name !== "tenant")) ? (
        <Button variant="link" onClick={() => change(ofAll ? {} : { tenant: filter.tenant })}>
          Show all
        </Button>
      ) : null}
      <AuditExport filter={filter} />
    </SpaceBetween>
  );
}

/** Changes when the text is sent with Enter or emptied, so that not every letter is asked for. */
function FilterText({ label, value, change }: { readonly label: string; readonly value: string; readonly change: (value: string) => void }) {
  const [typed, setTyped] = useState(value);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        change(typed.trim());
      }}
    >
      <Input
        ariaLabel={label}
        placeholder={label}
        type="search"
        spellcheck={false}
        value={typed}
        onBlur={() => {
          if (typed.trim() !== value) change(typed.trim());
        }}
        onChange={({ detail }) => {
          setTyped(detail.value);
          if (detail.value === "") change("");
        }}
      />
    </form>
  );
}
