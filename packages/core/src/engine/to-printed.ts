import { toPrintedMessage } from "../aggregate/history-line.ts";
import { createMaskText, listHeldSecrets, type MaskText } from "../machine/decide/metadata.ts";
import { defined } from "../machine/json.ts";
import { maskMetadata, maskSecrets, toShownMetadata } from "../machine/secrets.ts";
import type { Stack } from "../machine/stack.ts";
import type { DeadLetter, HistoryEntry, ParkedEvent } from "../ports/stack-store.ts";

/** Values for display: every sensitive value is replaced by `***`. */
export const toPrinted = {
  /** Returns the record without its secrets; texts that quote one are masked. */
  stack(stack: Stack): Stack {
    const { secretVersions: _, keptSecrets: __, outputs: ___, ...rest } = stack;
    const metadata = maskMetadata(toShownMetadata(stack));
    const mask = createMaskText(listHeldSecrets(stack));
    const tasks = stack.tasks.map(({ errorMessage, ...task }) =>
      errorMessage === undefined ? task : { ...task, errorMessage: mask(errorMessage) },
    );
    const stalled = stack.stalled && { ...stack.stalled, reason: mask(stack.stalled.reason) };
    const printed = { ...rest, metadata, tasks, ...(stalled && { stalled }), ...printFailure(stack, mask) };
    return stack.approvals === undefined ? printed : { ...printed, approvals: printComments(stack.approvals, mask) };
  },

  /** Returns a line of the history with its references masked. */
  entry<Entry extends HistoryEntry>(entry: Entry): Entry {
    const { metadata, outputs } = entry;
    return {
      ...entry,
      ...defined({ metadata: metadata && maskSecrets(metadata), outputs: outputs && maskSecrets(outputs) }),
    };
  },

  /** Returns the message of a parked event or a dead letter for display. */
  message({ event, masked }: Pick<ParkedEvent | DeadLetter, "event" | "masked">): Readonly<Record<string, unknown>> {
    return toPrintedMessage(event.message, masked);
  },
} as const;

function printFailure({ lastFailure }: Stack, mask: MaskText): Pick<Stack, "lastFailure"> {
  if (lastFailure?.message === undefined) return {};
  return { lastFailure: { ...lastFailure, message: mask(lastFailure.message) } };
}

function printComments(approvals: NonNullable<Stack["approvals"]>, mask: MaskText): NonNullable<Stack["approvals"]> {
  const printed = Object.entries(approvals).map(([task, approval]) => {
    const given = approval.given.map(({ comment, ...each }) => ({
      ...each,
      ...(comment && { comment: mask(comment) }),
    }));
    return [task, { ...approval, given }] as const;
  });
  return Object.fromEntries(printed);
}
