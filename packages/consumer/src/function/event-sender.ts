import {
  type EventBridgeClient,
  PutEventsCommand,
  type PutEventsRequestEntry,
  type PutEventsResultEntry,
} from "@aws-sdk/client-eventbridge";
import { findAwsFault } from "@stackyard/aws";
import type { Clock, Logger } from "@stackyard/core";
import type { ConsumerEvent } from "../messages.ts";

/** Sends events to the distributor. */
export interface EventSender {
  /** Returns true when the bus accepted the event, false when it was given up and logged. Never throws. */
  send(event: ConsumerEvent): Promise<boolean>;
}

/** Options of an event sender. `bus`: name or ARN, from the configuration only; a message must not choose where receipts go. */
export interface EventSenderOptions {
  readonly client: EventBridgeClient;
  readonly bus: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface Waiting {
  readonly event: ConsumerEvent;
  readonly tell: (isTaken: boolean) => void;
}

/** "PutEvents": at most 10 entries a request. */
const MAX_ENTRIES = 10;
const PAUSES_MS = [200, 1_000, 3_000];
/** "PutEvents", error codes of entries that a retry does not change. */
const FINAL = /AccessDenied|NotAuthorized|Malformed|InvalidArgument|InvalidAccount|ResourceNotFound/;

/** Creates a sender. Events that arrive during a request are sent together in the next one. */
export function createEventSender(options: EventSenderOptions): EventSender {
  const waiting: Waiting[] = [];
  let isSending = false;

  async function drain(): Promise<void> {
    if (isSending) return;
    isSending = true;
    while (waiting.length > 0) await sendAll(options, waiting.splice(0, MAX_ENTRIES));
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

async function sendAll(options: EventSenderOptions, batch: readonly Waiting[]): Promise<void> {
  let left = batch;
  for (let tries = 0; left.length > 0; tries += 1) {
    const answers = await putOnce(options, left);
    const pauseMs = PAUSES_MS[tries];
    left = settle(options.logger, left, answers, pauseMs === undefined);
    if (pauseMs !== undefined && left.length > 0) await options.clock.sleep(pauseMs);
  }
}

/** Resolves the finished events and returns those to retry. */
function settle(
  logger: Logger,
  batch: readonly Waiting[],
  answers: readonly PutEventsResultEntry[],
  isLast: boolean,
): readonly Waiting[] {
  return batch.filter(({ event, tell }, index) => {
    const code = answers[index]?.ErrorCode;
    if (code === undefined) tell(true);
    else if (!isLast && !FINAL.test(code)) return true;
    else {
      logger.error("An event for the distributor could not be sent.", { detailType: event.detailType, code });
      tell(false);
    }
    return false;
  });
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
    const { kind, name, code } = findAwsFault(error);
    // Retryable errors are retried here; any other error is final.
    const ErrorCode = kind === "retryable" ? (name ?? code) : `AccessDenied.${name ?? code}`;
    return batch.map(() => ({ ErrorCode }));
  }
}

function toEntry({ detailType, detail }: ConsumerEvent, bus: string): PutEventsRequestEntry {
  return { Source: "stackyard.consumer", DetailType: detailType, Detail: JSON.stringify(detail), EventBusName: bus };
}
