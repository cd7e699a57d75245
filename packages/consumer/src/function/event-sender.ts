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
  /** True: the bus has taken it. False: it was given up, which is logged. Never throws. */
  send(event: ConsumerEvent): Promise<boolean>;
}

/** What it needs. `bus`: name or ARN, of configuration alone; no message may say where receipts go. */
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
/** "PutEvents", error codes of entries: these stay as they are, however often the entry is sent. */
const FINAL = /AccessDenied|NotAuthorized|Malformed|InvalidArgument|InvalidAccount|ResourceNotFound/;

/** A sender that puts what comes while a request is under way into the next one. */
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

/** Tells those that are done. Gives the others. */
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
      logger.error("An event for the distributor was given up.", { detailType: event.detailType, code });
      tell(false);
    }
    return false;
  });
}

/** What the bus says of each entry; where the request failed, that of all of them. */
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
    // What the SDK has given up, and what nobody may repeat with another end.
    const ErrorCode = kind === "retryable" ? (name ?? code) : `AccessDenied.${name ?? code}`;
    return batch.map(() => ({ ErrorCode }));
  }
}

function toEntry({ detailType, detail }: ConsumerEvent, bus: string): PutEventsRequestEntry {
  return { Source: "stackyard.consumer", DetailType: detailType, Detail: JSON.stringify(detail), EventBusName: bus };
}
