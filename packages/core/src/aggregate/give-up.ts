import { toErrorText } from "../errors/stackyard-error.ts";
import type { Change, LoadedStack } from "../ports/stack-store.ts";
import { toUnreadEntry } from "./history-line.ts";
import { deadLetters, type RefuseDeps } from "./refuse.ts";
import { beginRound, type Round, recordEvent, toChange } from "./round.ts";
import type { StackInput } from "./stack-input.ts";

interface GiveUpOptions extends Pick<RefuseDeps, "ids"> {
  /** The number of failed deliveries after which an event is dead-lettered. */
  readonly maxDeliveries: number;
}

/** Dead-letters a delivery that has failed too often, or refuses that of a release. Returns true if it did. */
export function giveUp(deps: GiveUpOptions, round: Round, input: StackInput, error: unknown): boolean {
  if (input.kind !== "delivery" || input.delivery.deliveries < deps.maxDeliveries) return false;
  const { event, storeReceipt, deliveries } = input.delivery;
  const why = { code: "INTERNAL", reason: `Failed ${deliveries} times, last with: ${toErrorText(error)}` };
  // The release that has sent it reads the refusal, and sends another one.
  const isKept = event.origin !== "stack";
  if (isKept) deadLetters(deps, round, event, { ...why, masked: "all" });
  const outcome = isKept ? "dead-lettered" : "refused";
  const entry = toUnreadEntry(event, { ...why, outcome, at: round.now });
  recordEvent(deps, round, { entry, sender: event.sender });
  if (storeReceipt !== undefined) round.receipts.push(storeReceipt);
  return true;
}

/**
 * Returns a change that only dead-letters the event of an input, for when the rest of the change cannot be committed.
 */
export function deadLetterAlone(
  aggregate: LoadedStack,
  input: StackInput,
  {
    error,
    ...options
  }: GiveUpOptions & {
    readonly now: number;
    readonly knownIds: ReadonlySet<string>;
    readonly error: unknown;
  },
): Change | undefined {
  const round = beginRound(aggregate, options);
  return giveUp(options, round, input, error) ? toChange(round) : undefined;
}
