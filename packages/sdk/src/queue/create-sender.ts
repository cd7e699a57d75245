import { StackyardError } from "@stackyard/core";
import { backoffMs, sleep } from "../backoff.ts";
import type { CallOptions } from "../http-client.ts";
import type { NewEvent, Publisher, PublishResult } from "../publisher.ts";
import type { SenderOptions, TraceContext } from "./sender-options.ts";
import { type BatchLimits, toBatches } from "./to-batches.ts";
import { type EventEntry, toEventEntry } from "./to-event-entry.ts";
import { toSendError } from "./to-send-error.ts";

/** An entry with the id that answers name it by. */
export interface BatchEntry extends EventEntry {
  readonly Id: string;
}

/** An entry that was not taken, as SQS and SNS tell it. */
export interface FailedEntry {
  readonly Id?: string | undefined;
  readonly Code?: string | undefined;
  readonly Message?: string | undefined;
  readonly SenderFault?: boolean | undefined;
}

/** What sends batches. */
export interface Medium {
  /** For errors: such as `the queue https://…`. */
  readonly name: string;
  readonly limits: BatchLimits;
  send(
    entries: readonly BatchEntry[],
    options: { readonly abortSignal: AbortSignal; readonly trace: TraceContext | undefined },
  ): Promise<readonly FailedEntry[]>;
}

const DEFAULT_RETRIES = 3;

/** A publisher over a medium of batches. */
export function createSender(medium: Medium, { trace, retries = DEFAULT_RETRIES }: SenderOptions): Publisher {
  const publishMany = async (
    events: readonly NewEvent[],
    { signal }: CallOptions = {},
  ): Promise<readonly PublishResult[]> => {
    const abortSignal = signal ?? new AbortController().signal;
    const prepared = events.map((event, index) => ({
      ...toEventEntry(event, medium.limits.maxBytes),
      Id: String(index),
    }));
    const ready = prepared.flatMap((entry) => (entry.kind === "ready" ? [entry] : []));
    const refused = new Map<string, FailedEntry>();
    for (const batch of toBatches(ready, medium.limits)) {
      const context = { medium, retries, abortSignal, trace: trace?.() };
      for (const failed of await sendBatch(context, batch)) refused.set(failed.Id ?? "", failed);
    }
    return prepared.map((entry) => toResult(entry, refused.get(entry.Id)));
  };
  return {
    publishMany,
    async publish(event, options) {
      const [result] = await publishMany([event], options);
      if (result?.kind === "accepted") return { eventId: result.eventId, stackId: result.stackId };
      const reason = result?.reason ?? "It was not sent.";
      throw new StackyardError("EVENT_INVALID", reason, { details: { code: result?.code } });
    },
  };
}

interface SendContext {
  readonly medium: Medium;
  readonly retries: number;
  readonly abortSignal: AbortSignal;
  readonly trace: TraceContext | undefined;
}

/** Sends until all entries are taken, or are refused for good: those it gives. */
async function sendBatch(context: SendContext, batch: readonly BatchEntry[]): Promise<readonly FailedEntry[]> {
  const { medium, retries, abortSignal } = context;
  const refused: FailedEntry[] = [];
  let left = batch;
  for (let tries = 1; left.length > 0; tries += 1) {
    const failed = await sendOnce(context, left);
    refused.push(...failed.filter(({ SenderFault }) => SenderFault === true));
    const passing = failed.filter(({ SenderFault }) => SenderFault !== true);
    const ids = new Set(passing.map(({ Id }) => Id));
    left = left.filter(({ Id }) => ids.has(Id));
    if (left.length > 0 && (tries > retries || abortSignal.aborted)) {
      const [first] = passing;
      const text = `${medium.name} did not take ${left.length} events: ${first?.Code ?? "no code"}. Publish them again.`;
      throw new StackyardError("UNREACHABLE", text);
    }
    if (left.length > 0) await sleep(backoffMs(tries), abortSignal);
  }
  return refused;
}

async function sendOnce(
  { medium, abortSignal, trace }: SendContext,
  entries: readonly BatchEntry[],
): Promise<readonly FailedEntry[]> {
  try {
    return await medium.send(entries, { abortSignal, trace });
  } catch (error) {
    if (abortSignal.aborted) throw new StackyardError("INTERRUPTED", "The call was stopped.", { cause: error });
    throw toSendError(error, medium.name);
  }
}

function toResult(
  entry: (EventEntry | Extract<PublishResult, { kind: "invalid" }>) & { readonly Id: string },
  refused: FailedEntry | undefined,
): PublishResult {
  if (entry.kind === "invalid") return { kind: "invalid", code: entry.code, reason: entry.reason };
  if (refused === undefined) return { kind: "accepted", eventId: entry.eventId, stackId: entry.stackId };
  const { Code = "REFUSED", Message = "It was refused." } = refused;
  // The queue's own MaximumMessageSize may be less than what SQS takes.
  const code = /shorter than|too long/i.test(Message) ? "PAYLOAD_TOO_LARGE" : "EVENT_INVALID";
  return { kind: "invalid", code, reason: `${Code}: ${Message}` };
}
