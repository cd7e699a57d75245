import {
  type EventBridgeClient,
  PutEventsCommand,
  type PutEventsRequestEntry,
  type PutEventsResultEntry,
} from "@aws-sdk/client-eventbridge";
import { decideDenial, findAwsFault, findDeadline } from "@stackyard/aws";
import type { Clock, Logger } from "@stackyard/core";
import { toStrictJson } from "@stackyard/core";
import type { ConsumerEvent } from "../messages.ts";

/** Sends events to the distributor. */
export interface EventSender {
  /** Returns whether the bus has accepted the event; a refusal is logged. Never throws. */
  send(event: ConsumerEvent): Promise<SentEvent>;
}

/** The result of sending an event. `reason`: the code and message of EventBridge. */
export type SentEvent =
  | { readonly kind: "taken" }
  | { readonly kind: "refused"; readonly reason: string; readonly isDenied: boolean };

/** Options of an event sender. `bus`: name or ARN, from the configuration only; a message must not choose where receipts go. */
export interface EventSenderOptions {
  readonly client: EventBridgeClient;
  readonly bus: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Pauses between tries of what the bus cannot take now. Default: 0.2, 1 and 3 seconds. */
  readonly pausesMs?: readonly number[];
}

interface Waiting {
  readonly event: ConsumerEvent;
  readonly tell: (sent: SentEvent) => void;
}

/** "PutEvents": at most 10 entries a request. */
const MAX_ENTRIES = 10;
const PAUSES_MS = [200, 1_000, 3_000];
/** "PutEvents", error codes of entries that a retry does not change. */
const FINAL = /Malformed|InvalidArgument|InvalidAccount|ResourceNotFound|NotAuthorizedForSource|^Refused\./;
/** A denial of one entry is an answer, not an error. It may pass, as any denial of a new role or a new policy of the bus. */
const DENIED = /AccessDenied|NotAuthorized/;

/** A sender and the instant of its first request. */
interface Sending extends EventSenderOptions {
  readonly firstCallAt: number;
}

/** Creates a sender. Events that arrive during a request are sent together in the next one. */
export function createEventSender(options: EventSenderOptions): EventSender {
  const waiting: Waiting[] = [];
  let isSending = false;
  let firstCallAt: number | undefined;

  async function drain(): Promise<void> {
    if (isSending) return;
    isSending = true;
    firstCallAt ??= options.clock.now();
    while (waiting.length > 0) await sendAll({ ...options, firstCallAt }, waiting.splice(0, MAX_ENTRIES));
    isSending = false;
  }

  return {
    send: (event) =>
      new Promise((tell) => {
        waiting.push({ event, tell });
        void drain();
      }),
  };
}

async function sendAll(sending: Sending, batch: readonly Waiting[]): Promise<void> {
  let left = batch;
  for (let tries = 1; left.length > 0; tries += 1) {
    const answers = await putOnce(sending, left);
    const pauses: number[] = [];
    left = left.filter((each, index) => {
      const pauseMs = settle(sending, each, answers[index], tries);
      if (pauseMs !== undefined) pauses.push(pauseMs);
      return pauseMs !== undefined;
    });
    if (left.length > 0) await sending.clock.sleep(Math.min(...pauses));
  }
}

/** Resolves a finished event. Returns the pause before the next try of another one. */
function settle(
  sending: Sending,
  { event, tell }: Waiting,
  { ErrorCode: code, ErrorMessage: message }: PutEventsResultEntry = {},
  tries: number,
): number | undefined {
  if (code === undefined) {
    tell({ kind: "taken" });
    return undefined;
  }
  const pauseMs = toPause(sending, code, tries);
  if (pauseMs !== undefined) return pauseMs;
  const { detailType } = event;
  const reason = message === undefined ? code : `${code}: ${message}`;
  sending.logger.error("An event for the distributor could not be sent.", { detailType, code, reason });
  tell({ kind: "refused", reason, isDenied: DENIED.test(code) && !FINAL.test(code) });
  return undefined;
}

function toPause({ clock, firstCallAt, pausesMs = PAUSES_MS }: Sending, code: string, tries: number) {
  if (FINAL.test(code)) return undefined;
  const now = clock.now();
  const deadlineAt = findDeadline();
  if (DENIED.test(code)) return decideDenial({ now, firstCallAt, denied: tries, deadlineAt });
  const pauseMs = pausesMs[tries - 1];
  return pauseMs === undefined || (deadlineAt !== undefined && now + pauseMs > deadlineAt) ? undefined : pauseMs;
}

/** Returns the result of each entry; a failed request counts for all of them. */
async function putOnce(
  { client, bus }: EventSenderOptions,
  batch: readonly Waiting[],
): Promise<readonly PutEventsResultEntry[]> {
  const Entries = batch.map(({ event }) => toEntry(event, bus));
  try {
    const answer = await client.send(new PutEventsCommand({ Entries }));
    return answer.Entries ?? [];
  } catch (error) {
    const { answer, name, code } = findAwsFault(error);
    const ErrorMessage = error instanceof Error ? error.message : String(error);
    // Transient errors and denials are retried here; any other error is final.
    const ErrorCode =
      code === "FORBIDDEN"
        ? `AccessDenied.${name ?? code}`
        : `${answer === "passing" ? "" : "Refused."}${name ?? code}`;
    return batch.map(() => ({ ErrorCode, ErrorMessage }));
  }
}

function toEntry({ detailType, detail }: ConsumerEvent, bus: string): PutEventsRequestEntry {
  return { Source: "stackyard.consumer", DetailType: detailType, Detail: toStrictJson(detail), EventBusName: bus };
}
