import type { TaskMessage } from "../machine/message/task-message.ts";
import { failed } from "../ports/steps.ts";
import type { FinalStep } from "./result-event.ts";

/** As much as a stack's metadata holds: bytes of the JSON form in UTF-8. */
const MAX_BYTES = 65_536;

/**
 * Outputs travel in the event of their result. In version 2 too large ones fail the task (`OUTPUT_INVALID`); version 1
 * knows no outputs, so they are left out there.
 */
export function boundOutputs(message: TaskMessage, step: FinalStep): FinalStep {
  if (step.outputs === undefined) return step;
  const bytes = Buffer.byteLength(JSON.stringify(step.outputs) ?? "");
  if (bytes <= MAX_BYTES) return step;
  if (step.kind === "failed" || message.dispatch.version !== 2) return { ...step, outputs: {} };
  const reason = `The outputs make ${bytes} bytes as JSON; at most ${MAX_BYTES} are taken. Give large ones as a file's address.`;
  return failed({ code: "OUTPUT_INVALID", message: reason, retryable: false });
}
