import { exceedsBytes, MAX_METADATA_BYTES } from "../machine/decide/metadata.ts";
import type { TaskMessage } from "../machine/message/task-message.ts";
import { failed } from "../ports/steps.ts";
import type { FinalStep } from "./result-event.ts";

/**
 * Outputs travel in the event of their result; there may be as much of them as a stack's metadata holds. In version 2 too
 * large ones fail the task (`OUTPUT_INVALID`); version 1 knows no outputs, so they are left out there.
 */
export function boundOutputs(message: TaskMessage, step: FinalStep): FinalStep {
  if (step.outputs === undefined) return step;
  if (!exceedsBytes(step.outputs, MAX_METADATA_BYTES)) return step;
  if (step.kind === "failed" || message.dispatch.version !== 2) return { ...step, outputs: {} };
  const bytes = Buffer.byteLength(JSON.stringify(step.outputs));
  const reason = `The outputs make ${bytes} bytes as JSON; at most ${MAX_METADATA_BYTES} are taken. Give large ones as a file's address.`;
  return failed({ code: "OUTPUT_INVALID", message: reason, retryable: false });
}
