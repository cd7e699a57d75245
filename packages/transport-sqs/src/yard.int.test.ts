import { PublishCommand } from "@aws-sdk/client-sns";
import { SendMessageCommand } from "@aws-sdk/client-sqs";
import { defineExecutor, type Executor, failed, silentLogger, succeeded, type Transport } from "@stackyard/core";
import {
  createEngine,
  createMemoryStore,
  createMessageWorker,
  createOutboxRelay,
  createStaticLocator,
  createUlids,
  createWorker,
  type DeadLetter,
  type OutboxRelay,
  systemClock,
} from "@stackyard/core/engine";
import { parseMachine } from "@stackyard/core/machine";
import { createQueuePublisher } from "@stackyard/sdk/queue";
import { Type } from "typebox";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createSqsTransport } from "./sqs-transport.ts";
import { type Emulator, startEmulator } from "./testing/start-emulator.ts";

const SOURCE = `
version: 1
events: [OPENED, MERGED]
states:
  INIT: {on: {OPENED: [{action: advance, state: BUILD}]}}
  BUILD: {tasks: [network, db], on: {NEXT: [{action: advance, state: LIVE}]}}
  LIVE: {on: {MERGED: [{action: advance, state: CLEAN-UP}]}}
  CLEAN-UP: {terminal: true, tasks: [network-off]}
tasks:
  network: {executor: lambda, config: {name: network}}
  db: {executor: lambda, config: {name: db}}
  network-off: {executor: lambda, config: {name: network-off}}
`;

let emulator: Emulator;
const stops: (() => Promise<void>)[] = [];
beforeEach(async () => {
  emulator = await startEmulator();
});
afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()));
  await emulator.stop();
});

/** Calls no function: the one that is named `broken` fails the first time. */
function createExecutor(): Executor {
  let calls = 0;
  return defineExecutor({
    name: "lambda",
    config: Type.Object({ name: Type.String() }),
    async start({ metadata }, { name }) {
      calls += 1;
      const breaks = name === metadata["breaks"] && calls <= 2;
      return breaks ? failed({ code: "BROKEN", message: "It broke.", retryable: false }) : succeeded({});
    },
  });
}

type Runner = "with the store" | "by message alone";

/** A state manager and a runner, which has the store or nothing but the queues. */
async function startYard(suffix: "" | ".fifo", runner: Runner) {
  const queues = {
    eventQueue: { url: await emulator.createQueue(`stack-events${suffix}`) },
    taskQueue: { url: await emulator.createQueue(`stack-tasks${suffix}`) },
  };
  const transport = createSqsTransport({ sqs: emulator.sqs, waitMs: 1_000, resultKey: "k".repeat(43), ...queues });
  const store = createMemoryStore();
  const executor = createExecutor();
  const executors = new Map([["lambda", executor]]);
  const common = { clock: systemClock, ids: createUlids(), logger: silentLogger };
  const { machine } = parseMachine(SOURCE, { name: "review-app" });
  if (machine === undefined) throw new TypeError("The machine is invalid.");
  const locator = createStaticLocator([{ machine, source: SOURCE }]);
  const hasStore = runner === "with the store";
  const engine = createEngine({ store, locator, executors, ...common }, { everyRunnerClaims: hasStore });
  const outbox = createOutboxRelay({ store, transport, ...common });
  const handleTask = hasStore
    ? handleThenDrain(createWorker({ store, executors, ...common }), outbox)
    : createMessageWorker({ publish: transport.publish, executors, ...common }).handle;
  const changes = createBell();
  const events = transport.consumeEvents(
    async (deliveries) => {
      const outcomes = await engine.handle(deliveries);
      await outbox.drain();
      changes.ring();
      return outcomes;
    },
    { batchSize: 10, concurrency: 1 },
  );
  const tasks = transport.consumeTasks(handleTask, { batchSize: 1, concurrency: 4 });
  stops.push(events.stop, tasks.stop);
  return {
    publisher: createQueuePublisher({ sqs: emulator.sqs, queueUrl: queues.eventQueue.url }),
    store,
    /** Resolves when the stack is in that state with these statuses, or with `none` when the stack does not exist. */
    async until(stackId: string, wanted: string): Promise<void> {
      for (;;) {
        const heard = changes.heard();
        const [{ stack } = {}] = await store.load([stackId]);
        const shown =
          stack === undefined ? "none" : [stack.state, ...stack.tasks.map(({ status }) => status)].join(" ");
        if (shown === wanted) return;
        await heard;
      }
    },
    /** Resolves with the dead letters when there are as many. */
    async untilDeadLetters(count: number): Promise<readonly DeadLetter[]> {
      for (;;) {
        const heard = changes.heard();
        const { items } = await store.queries.listDeadLetters({}, { limit: 50 });
        if (items.length >= count) return items;
        await heard;
      }
    },
  };
}

/** A settled attempt has left its result in the outbox. */
function handleThenDrain(worker: ReturnType<typeof createWorker>, outbox: OutboxRelay): TaskHandler {
  return async (delivery) => {
    const outcome = await worker.handle(delivery);
    await outbox.drain();
    return outcome;
  };
}

type TaskHandler = Parameters<Transport["consumeTasks"]>[0];

function createBell() {
  let ring = () => {};
  return {
    ring: () => ring(),
    heard: () =>
      new Promise<void>((resolve) => {
        ring = resolve;
      }),
  };
}

describe.each([
  ["", "by message alone"],
  [".fifo", "by message alone"],
  ["", "with the store"],
  [".fifo", "with the store"],
] as const)("a yard on queues named *%s, whose runner works %s", (suffix, runner) => {
  it("leads a stack through its life", async () => {
    const { publisher, until } = await startYard(suffix, runner);

    await publisher.publish({ stackId: "pr-12", event: "OPENED", machine: "review-app" });
    await until("pr-12", "LIVE");
    await publisher.publish({ stackId: "pr-12", event: "MERGED" });
    await until("pr-12", "none");
  });

  it("applies an event once that is published twice, by either way", async () => {
    const { publisher, store, until } = await startYard(suffix, runner);
    const opened = { stackId: "pr-12", event: "OPENED", machine: "review-app", id: "delivery-1" };

    await publisher.publish(opened);
    await publisher.publish(opened);
    await until("pr-12", "LIVE");
    await publisher.publish({ stackId: "pr-13", event: "OPENED", machine: "review-app", id: "delivery-1" });
    await until("pr-13", "LIVE");

    const { items } = await store.queries.listHistory({ stackId: "pr-12" }, { limit: 50 });
    expect(items.filter(({ event, outcome }) => event === "OPENED" && outcome === "applied")).toHaveLength(1);
  });

  it("reports a failed task, and runs it again on a retry", async () => {
    const { publisher, store, until } = await startYard(suffix, runner);

    const metadata = { breaks: "db" };
    await publisher.publish({ stackId: "pr-12", event: "OPENED", machine: "review-app", metadata });
    await until("pr-12", "BUILD SATISFIED ERROR");
    const [loaded] = await store.load(["pr-12"]);
    expect(loaded?.stack?.tasks[1]).toMatchObject({ name: "db", errorMessage: "It broke.", errorCode: "BROKEN" });
    await publisher.publish({ stackId: "pr-12", event: "RETRY_FAILED_TASKS" });
    await until("pr-12", "LIVE");
  });
});

describe("whole numbers that JSON rounds", () => {
  // temporal/ui#2670, n8n#26925
  it("are refused when they come over a queue, or a topic before it", async () => {
    const { store, until, untilDeadLetters } = await startYard("", "by message alone");
    const topic = await emulator.createTopic("news", "stack-events", { raw: false });
    const queue = await emulator.createQueue("stack-events");
    const opened = { event: "OPENED", machine: "review-app", metadata: { size: 1 } };
    const toBody = (stackId: string, size: string) =>
      JSON.stringify({ ...opened, stackId }).replace(":1}", `:${size}}`);

    for (const [stackId, size] of [
      ["pr-1", "9007199254740993"],
      ["pr-2", "9007199254740991"],
    ] as const) {
      const MessageBody = toBody(stackId, size);
      await emulator.sqs.send(new SendMessageCommand({ QueueUrl: queue, MessageBody }));
      const Message = toBody(`${stackId}-topic`, size);
      await emulator.sns.send(new PublishCommand({ TopicArn: topic, Message }));
    }
    const letters = await untilDeadLetters(2);
    await until("pr-2", "LIVE");
    await until("pr-2-topic", "LIVE");

    const stacks = await store.load(["pr-1", "pr-1-topic", "pr-2"]);
    expect(letters.map(({ code, reason }) => [code, reason.includes("JSON rounds")])).toEqual([
      ["EVENT_INVALID", true],
      ["EVENT_INVALID", true],
    ]);
    expect(stacks.map(({ stack }) => stack?.metadata)).toEqual([undefined, undefined, { size: 9007199254740991 }]);
  });
});
