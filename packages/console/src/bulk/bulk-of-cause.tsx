import type { Cause } from "@stackyard/sdk";
import { toRetryOfCause, toStacksOfCause } from "../design/causes.tsx";
import { To } from "../design/links.tsx";
import { BulkButton } from "./bulk-dialog.tsx";

/**
 * Renders the way out for the stacks of a failure: a retry, or of those that have moved on, their list, where an event is
 * sent to them. That a person has seen a failure repairs nothing, so it is never the action of a cause.
 */
export function BulkOfCause({ cause }: { cause: Cause }) {
  const { kind, count, sample } = cause;
  if (kind === "failed") return <BulkButton request={toRetryOfCause(cause)}>Retry {count}…</BulkButton>;
  if (count === 1) {
    return (
      <To path="/stack" search={{ id: sample.stackId }} className="button">
        Open stack
      </To>
    );
  }
  return (
    <To path="/stacks" search={toStacksOfCause(cause)} className="button">
      Open {count} stacks
    </To>
  );
}
