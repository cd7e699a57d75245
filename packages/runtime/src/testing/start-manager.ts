import type { Clock } from "@stackyard/core";
import { systemClock } from "@stackyard/core/engine";
import type { Telemetry } from "@stackyard/telemetry";
import { createStateManager } from "../state-manager.ts";
import { silentTelemetry } from "./silent-telemetry.ts";
import type { Cloud } from "./start-cloud.ts";

/** A review app, as CloudSeam's users write it. */
export const REVIEW_APP = `
version: 1
events: [OPENED, PUSHED, MERGED]
states:
  INIT: {on: {OPENED: [{action: advance, state: BUILD}]}}
  BUILD: {tasks: [network, db], on: {NEXT: [{action: advance, state: LIVE}]}}
  LIVE: {on: {PUSHED: [{action: advance, state: BUILD}], MERGED: [{action: advance, state: CLEAN-UP}]}}
  CLEAN-UP: {terminal: true, tasks: [network-off]}
tasks:
  network: {executor: lambda, config: {name: network}}
  db: {executor: lambda, config: {name: db}}
  network-off: {executor: lambda, config: {name: network-off}}
`;

/** A state manager in a cloud with separate names. */
export interface Manager {
  readonly environment: Readonly<Record<string, string>>;
  readonly queues: Readonly<Record<"events" | "tasks" | "ticks" | "eventDeadLetters", string>>;
  readonly app: ReturnType<typeof createStateManager>;
  /** Sends events and lets the function work until none is visible. Returns the ids of messages that it reported. */
  play(...events: readonly unknown[]): Promise<readonly string[]>;
  /** Lets it work what comes into a queue, in one invocation. */
  invoke(queueUrl: string): Promise<readonly string[]>;
  /** Does the work of the schedule. */
  tick(): Promise<unknown>;
  /** Returns waiting task messages, and removes them. */
  takeTasks(): Promise<readonly SentTask[]>;
  /** Answers a task as a runner by message does. */
  toAnswer(task: SentTask, event?: "TASK_COMPLETED" | "TASK_ERROR"): unknown;
}

/** A task message as CloudSeam's satisfiers read it. */
export interface SentTask {
  readonly task: { readonly name: string; readonly executor: string };
  readonly stack: { readonly id: string; readonly _state: string };
  readonly dispatch: { readonly id: string };
}

let count = 0;

/** Creates queues, a table and a bucket of machines, and a state manager that uses them. `suffix`: of the queues. */
export async function startManager(
  cloud: Cloud,
  input: {
    readonly machines?: Readonly<Record<string, string>>;
    readonly environment?: Readonly<Record<string, string>>;
    readonly suffix?: "" | ".fifo";
    readonly telemetry?: Telemetry;
    readonly clock?: Clock;
  } = {},
): Promise<Manager> {
  count += 1;
  const { suffix = "", machines = { "review-app": REVIEW_APP } } = input;
  const table = `Stacks-${count}`;
  const bucket = `machines-${count}`;
  await cloud.createTable(table);
  const objects = Object.entries(machines).map(([name, source]) => [`m/${name}.yml`, source] as const);
  await cloud.createBucket(bucket, Object.fromEntries(objects));
  const queues = {
    events: await cloud.createQueue(`stack-events-${count}${suffix}`),
    tasks: await cloud.createQueue(`stack-tasks-${count}${suffix}`),
    ticks: await cloud.createQueue(`stack-ticks-${count}`),
    eventDeadLetters: await cloud.createQueue(`event-dead-letters-${count}${suffix}`),
  };
  const environment = {
    ...cloud.environment,
    MACHINE_LOCATOR: "S3",
    MACHINE_S3_BUCKET: bucket,
    MACHINE_S3_KEY: "m",
    DYNAMODB_TABLE: table,
    SQS_TASK_QUEUE_URL: queues.tasks,
    SQS_TICK_QUEUE_URL: queues.ticks,
    SQS_EVENT_DEAD_LETTER_QUEUE_URL: queues.eventDeadLetters,
    ...input.environment,
  };
  const { clock = systemClock, telemetry = silentTelemetry } = input;
  const app = createStateManager({ environment, telemetry, clock });
  const context = { getRemainingTimeInMillis: () => 30_000 };

  async function invoke(queueUrl: string): Promise<readonly string[]> {
    const batch = await cloud.receive(queueUrl, 20);
    if (batch === undefined) return ["nothing came"];
    const failures = toFailures(await app.handler(batch, context));
    await cloud.settle(batch, failures);
    return failures;
  }

  return {
    environment,
    queues,
    app,
    invoke,
    async play(...events) {
      for (const event of events) await cloud.send(queues.events, event);
      const failures: string[] = [];
      for (let batch = await cloud.receive(queues.events); batch; batch = await cloud.receive(queues.events)) {
        const failed = toFailures(await app.handler(batch, context));
        failures.push(...failed);
        await cloud.settle(batch, failed);
      }
      return failures;
    },
    tick: () => app.handler({ source: "aws.events", "detail-type": "Scheduled Event" }, context),
    takeTasks: async () => (await cloud.take(queues.tasks)).map(({ Body = "" }): SentTask => JSON.parse(Body)),
    toAnswer: ({ task, stack, dispatch }, event = "TASK_COMPLETED") => ({
      event,
      stackId: stack.id,
      task,
      dispatchId: dispatch.id,
      ...(event === "TASK_ERROR" ? { description: "It broke." } : {}),
    }),
  };
}

/** Returns the ids of the messages that a function has reported. */
export function toFailures(answer: unknown): readonly string[] {
  if (typeof answer !== "object" || answer === null || !("batchItemFailures" in answer)) return ["no answer"];
  const { batchItemFailures: failures } = answer;
  return Array.isArray(failures) ? failures.map(({ itemIdentifier }) => String(itemIdentifier)) : ["no list"];
}
