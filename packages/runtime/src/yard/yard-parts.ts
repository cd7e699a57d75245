import type { LogPlace } from "@stackyard/aws/s3";
import { type AwsYardOptions, listMissingKeys, StackyardError } from "@stackyard/core";
import { KEY_PREFIXES } from "@stackyard/core/environment";
import type { MachineSource, Queues, StoreChoice } from "../environment.ts";

/** The parts of a yard. */
export interface YardParts {
  readonly queues: Queues;
  readonly eventTopicArn: string | undefined;
  readonly messages: { readonly bucket: string; readonly prefix: string } | undefined;
  /** Where runners keep whole logs. Undefined: in the store, or nowhere. */
  readonly logs: LogPlace | undefined;
  readonly store: StoreChoice;
  readonly machines: Extract<MachineSource, { kind: "s3" }>;
}

/** Commands are short, and `machines ls` must show recent uploads. */
const CACHE_MS = 5_000;

/** Returns the configured parts. Throws `CONFIG_INVALID` with all missing ones. */
export function toYardParts(yard: AwsYardOptions): YardParts {
  const store = toStore(yard);
  const { machines } = yard;
  const missing = listMissingKeys(yard);
  if (store === undefined || machines === undefined || missing.length > 0) {
    throw new StackyardError(
      "CONFIG_INVALID",
      `The yard's configuration lacks ${missing.join(", ")}. Copy the values from the outputs of its template.`,
    );
  }
  const { bucket, prefix = "" } = machines;
  return {
    queues: toQueues(yard),
    eventTopicArn: yard.eventTopicArn,
    messages: yard.messages && { prefix: KEY_PREFIXES.messages, ...yard.messages },
    logs: yard.logs,
    store,
    machines: { kind: "s3", bucket, prefix, cacheMs: CACHE_MS },
  };
}

function toStore({
  stacksTable: table,
  workTable,
  connectionSecret: secretId,
}: AwsYardOptions): StoreChoice | undefined {
  if (secretId !== undefined) return { kind: "postgres", secretId };
  return table === undefined ? undefined : { kind: "dynamodb", table, workTable, creates: false };
}

function toQueues(yard: AwsYardOptions): Queues {
  return {
    events: yard.eventQueueUrl,
    tasks: yard.taskQueueUrl,
    longTasks: yard.longTaskQueueUrl,
    ticks: yard.tickQueueUrl,
    eventDeadLetters: yard.eventDeadLetterQueueUrl,
    taskDeadLetters: yard.taskDeadLetterQueueUrl,
  };
}
