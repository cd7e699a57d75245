import { StackyardError } from "@stackyard/core";
import type { MachineSource } from "../environment/machine-source.ts";
import type { Environment } from "../environment/parse-environment.ts";
import type { StoreChoice } from "../environment/store-choice.ts";
import type { AwsYardOptions } from "./aws-yard-options.ts";

/** What a yard consists of. */
export interface YardParts extends Pick<Environment, "queues" | "eventTopicArn" | "messages"> {
  readonly store: StoreChoice;
  readonly machines: Extract<MachineSource, { kind: "s3" }>;
}

/** Commands are short, and `machines ls` shall show what was uploaded a moment ago. */
const CACHE_MS = 5_000;

/** The parts that the configuration names. Throws `CONFIG_INVALID` with all that are missing. */
export function toYardParts(yard: AwsYardOptions): YardParts {
  const store = toStore(yard);
  const { machines } = yard;
  const missing = [
    ...(yard.eventQueueUrl === undefined && yard.eventTopicArn === undefined ? ["eventQueueUrl or eventTopicArn"] : []),
    ...(yard.taskQueueUrl === undefined ? ["taskQueueUrl"] : []),
    ...(store === undefined ? ["stacksTable or connectionSecret"] : []),
    ...(machines === undefined ? ["machines"] : []),
  ];
  if (store === undefined || machines === undefined || missing.length > 0) {
    throw new StackyardError(
      "CONFIG_INVALID",
      `The yard lacks ${missing.join(", ")}: the outputs of its template tell.`,
    );
  }
  const { bucket, prefix = "" } = machines;
  return {
    queues: toQueues(yard),
    eventTopicArn: yard.eventTopicArn,
    messages: yard.messages && { prefix: "stackyard/messages/", ...yard.messages },
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

function toQueues(yard: AwsYardOptions): YardParts["queues"] {
  return {
    events: yard.eventQueueUrl,
    tasks: yard.taskQueueUrl,
    longTasks: yard.longTaskQueueUrl,
    ticks: yard.tickQueueUrl,
    eventDeadLetters: yard.eventDeadLetterQueueUrl,
    taskDeadLetters: yard.taskDeadLetterQueueUrl,
  };
}
