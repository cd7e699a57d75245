import type { BulkRequest, StackFilter } from "@stackyard/sdk";
import { useState } from "react";
import { type Permission, useAnyRefusal } from "../api/access.ts";
import { BulkDialog } from "../bulk/bulk-dialog.tsx";
import { BulkInput, type StackOperation } from "../bulk/bulk-input.tsx";
import { Button } from "../design/button.tsx";
import { formatCount } from "../text/format-count.ts";

/** Which stacks a bulk is about: chosen ones, or all that match the filter. */
export interface Selection {
  readonly ids: ReadonlySet<string>;
  readonly all: boolean;
}

interface SelectionBarProps {
  readonly selection: Selection;
  readonly filter: Omit<StackFilter, "waiting">;
  readonly total: number | undefined;
  /** Why a bulk cannot be about all stacks of the filter. */
  readonly refusal: string | undefined;
  readonly onChange: (selection: Selection) => void;
}

const OPERATIONS: readonly (readonly [StackOperation, string, Permission])[] = [
  ["retry", "Retry…", "operate"],
  ["send", "Send event…", "send"],
  ["cancel", "Cancel task…", "operate"],
  ["upgrade", "Upgrade…", "repair"],
  ["acknowledge", "Acknowledge…", "operate"],
  ["settle", "Settle…", "repair"],
  ["remove", "Remove…", "repair"],
];
const MAX_IDS = 10_000;

/** Renders the button that selects every stack of the filter, also those that are not loaded. */
function SelectAllMatching({ onChange, refusal }: Pick<SelectionBarProps, "onChange" | "refusal">) {
  return (
    <Button look="plain" refusal={refusal} onPress={() => onChange({ ids: new Set(), all: true })}>
      Select all matching
    </Button>
  );
}

/** Renders the selection, and its possible actions, above the end of the page. Nothing while nothing is selected. */
export function SelectionBar({ selection, filter, total, refusal, onChange }: SelectionBarProps) {
  const [operation, setOperation] = useState<StackOperation>();
  const [request, setRequest] = useState<BulkRequest>();
  const count = formatCount(selection.all ? total : selection.ids.size);
  const chosen = selection.all ? toBulkFilter(filter) : { ids: [...selection.ids].slice(0, MAX_IDS) };
  const open = (next: StackOperation) => {
    if (next === "send" || next === "cancel" || next === "settle") setOperation(next);
    else setRequest({ operation: next, filter: chosen });
  };
  // An operation that was begun stays, also when its stacks leave the list by it.
  if (!selection.all && selection.ids.size === 0 && operation === undefined && request === undefined) return null;
  return (
    <section className="stacks-selection" aria-label="Selected stacks">
      <span role="status">{selection.all ? `All ${count} matching` : `${count} selected`}</span>
      {!selection.all && <SelectAllMatching refusal={refusal} onChange={onChange} />}
      <span className="row">
        {OPERATIONS.map(([name, title, permission]) => (
          <BulkButton key={name} title={title} permission={permission} onPress={() => open(name)} />
        ))}
      </span>
      <Button look="plain" label="Clear the selection" onPress={() => onChange({ ids: new Set(), all: false })}>
        Clear
      </Button>
      {operation !== undefined && (
        <BulkInput
          operation={operation}
          machine={filter.machine}
          onClose={() => setOperation(undefined)}
          onInput={(body) => {
            setOperation(undefined);
            setRequest({ operation, filter: chosen, body });
          }}
        />
      )}
      {request !== undefined && <BulkDialog request={request} onClose={() => setRequest(undefined)} />}
    </section>
  );
}

function BulkButton({ title, permission, onPress }: BulkButtonProps) {
  const refusal = useAnyRefusal(permission);
  return (
    <Button refusal={refusal} onPress={onPress}>
      {title}
    </Button>
  );
}

interface BulkButtonProps {
  readonly title: string;
  readonly permission: Permission;
  readonly onPress: () => void;
}

/** Converts the filter: a bulk does not support `any`, and selects all stacks without a condition. */
function toBulkFilter({ condition, ...rest }: Omit<StackFilter, "waiting">): BulkRequest["filter"] {
  return { ...rest, ...(condition !== undefined && condition !== "any" && { condition }) };
}
