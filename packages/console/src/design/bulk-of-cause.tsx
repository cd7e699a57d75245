import type { Cause } from "@stackyard/sdk";
import { BulkButton } from "./bulk-dialog.tsx";
import { toAcknowledgeOfCause, toRetryOfCause } from "./causes.tsx";

/** Renders the action on all stacks of a failure: a retry, or of those that have moved on, an acknowledgment. */
export function BulkOfCause({ cause }: { cause: Cause }) {
  const { kind, count } = cause;
  if (kind === "degraded") return <BulkButton request={toAcknowledgeOfCause(cause)}>Acknowledge {count}…</BulkButton>;
  return <BulkButton request={toRetryOfCause(cause)}>Retry {count}…</BulkButton>;
}
