import { type Clock, type Random, StackyardError } from "@stackyard/core";
import { byteSizeOf, type OutgoingMessage } from "./outgoing-message.ts";
import { MESSAGE_REFUSED } from "./to-stackyard-error.ts";
import { toWaves } from "./to-waves.ts";

/** One entry of a batch that was not taken, as SQS and SNS tell it. */
export interface FailedEntry {
  readonly Id?: string | undefined;
  readonly Code?: string | undefined;
  readonly Message?: string | undefined;
  /** True: it would be refused again. */
  readonly SenderFault?: boolean | undefined;
}

/** One message of a batch, with the id that answers name it by. */
export interface BatchEntry {
  readonly id: string;
  readonly message: OutgoingMessage;
}

/** How a medium takes batches. */
export interface WaveInput {
  /** Such as `queue https://…`, for errors. */
  readonly target: string;
  readonly maxBytes: number;
  readonly ordered: boolean;
  readonly clock: Clock;
  readonly random: Random;
  /** Sends one batch. Gives the entries that were not taken; throws errors of ours for the whole. */
  sendBatch(entries: readonly BatchEntry[]): Promise<readonly FailedEntry[]>;
}

const TRIES = 5;
const FIRST_WAIT_MS = 100;

/**
 * Sends all messages or throws. Of a batch that was taken in part, the rest is sent again, up to five times in all; what the
 * medium calls the sender's fault is not. When it throws, messages before the one at fault may have been sent: to send all
 * again is safe, since ids make them the same.
 */
export async function sendInWaves(input: WaveInput, messages: readonly OutgoingMessage[]): Promise<void> {
  for (const wave of toWaves(messages, input)) await sendWave(input, wave);
}

async function sendWave(input: WaveInput, wave: readonly OutgoingMessage[]): Promise<void> {
  let entries: readonly BatchEntry[] = wave.map((message, index) => ({ id: String(index), message }));
  for (let tries = 1; ; tries += 1) {
    const failed = await input.sendBatch(entries);
    if (failed.length === 0) return;
    const lasting = failed.find(({ SenderFault }) => SenderFault === true);
    if (lasting !== undefined) throw toRefusal(input, lasting, entries);
    if (tries === TRIES) throw toUnreachable(input, failed);
    const ids = new Set(failed.map(({ Id }) => Id));
    entries = entries.filter(({ id }) => ids.has(id));
    await input.clock.sleep(FIRST_WAIT_MS * 2 ** (tries - 1) * (0.5 + input.random() / 2));
  }
}

function toRefusal({ target }: WaveInput, entry: FailedEntry, entries: readonly BatchEntry[]): StackyardError {
  const sent = entries.find(({ id }) => id === entry.Id);
  const bytes = sent === undefined ? "" : ` of ${byteSizeOf(sent.message)} bytes`;
  const text = `The ${target} refuses a message${bytes}: ${tell(entry)}`;
  if (isTooLong(entry)) {
    return new StackyardError(
      "PAYLOAD_TOO_LARGE",
      `${text} Raise its MaximumMessageSize, or name a bucket for large bodies (claimChecks; in the apps MESSAGE_BUCKET).`,
    );
  }
  return new StackyardError("CONFIG_INVALID", text, { details: MESSAGE_REFUSED });
}

/**
 * True for a message that is larger than this queue takes, which may be less than SQS does: the limit is a property of the queue.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
 */
export function isTooLong({ Message = "" }: FailedEntry): boolean {
  return /shorter than|too long/i.test(Message);
}

function toUnreachable({ target }: WaveInput, failed: readonly FailedEntry[]): StackyardError {
  const [first] = failed;
  return new StackyardError(
    "UNREACHABLE",
    `The ${target} did not take ${failed.length} messages: ${tell(first ?? {})}`,
  );
}

function tell({ Code = "no code", Message = "" }: FailedEntry): string {
  return `${Code}${Message === "" ? "." : `, ${Message}`}`;
}
