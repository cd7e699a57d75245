import { defineExecutor, type Executor, failed, silentLogger, succeeded, type Transport } from "@stackyard/core";
import {
  createEngine,
  createMemoryStore,
  createMessageWorker,
  createStaticLocator,
  createUlids,
  systemClock,
} from "@stackyard/core/engine";
import { parseMachine } from "@stackyard/core/machine";
import { createQueuePublisher } from "@stackyard/sdk/queue";
import { Type } from "typebox";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createSqsTransport } from "./create-sqs-transport.ts";
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
beforeEach(async () => {
  emulator = await startEmulator();
});
afterEach(() => emulator.stop());

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

/** A state manager with a store and a runner with none; nothing but the queues is between them. */
async function startYard(suffix: "" | ".fifo") {
  const queues = {
    eventQueue: { url: await emulator.createQueue(`stack-events${suffix}`) },
    taskQueue: { url: await emulator.createQueue(`stack-tasks${suffix}`) },
  };
  const transport = createSqsTransport({ sqs: emulator.sqs, waitMs: 1_000, ...queues });
  const store = createMemoryStore();
  const executor = createExecutor();
  const executors = new Map([["lambda", executor]]);
  const common = { clock: systemClock, ids: createUlids(), logger: silentLogger };
  const { machine } = parseMachine(SOURCE, { name: "review-app" });
  if (machine === undefined) throw new TypeError("The machine is invalid.");
  const locator = createStaticLocator([{ machine, source: SOURCE }]);
  const engine = createEngine({ store, locator, executors, ...common }, { runnersHaveStore: false });
  const worker = createMessageWorker({ publish: transport.publish, executors, ...common });
  const changes = createBell();
  const events = transport.consumeEvents(
    async (deliveries) => {
      const outcomes = await engine.handle(deliveries);
      await sendOutbox(store, transport);
      changes.ring();
      return outcomes;
    },
    { batchSize: 10, concurrency: 1 },
  );
  const tasks = transport.consumeTasks(worker.handle, { batchSize: 1, concurrency: 4 });
  return {
    publisher: createQueuePublisher({ sqs: emulator.sqs, queueUrl: queues.eventQueue.url }),
    store,
    /** Resolves when the stack is in that state with these statuses; `none`: when there is no such stack. */
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
    async stop() {
      await Promise.all([events.stop(), tasks.stop()]);
    },
  };
}

/** What a state manager does after its commits. */
async function sendOutbox(store: ReturnType<typeof createMemoryStore>, transport: Transport): Promise<void> {
  const due = await store.takeDue({ kinds: ["task"], now: systemClock.now(), limit: 100, leaseMs: 30_000 });
  const items = due.flatMap((item) => (item.kind === "task" ? [item] : []));
  await transport.sendTasks(items.map(({ message }) => message));
  await store.acknowledge(items.map(({ receipt }) => receipt));
}

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

describe.each([["" as const], [".fifo" as const]])("a yard on queues named *%s", (suffix) => {
  it("leads a stack through its life", async () => {
    const { publisher, until, stop } = await startYard(suffix);

    await publisher.publish({ stackId: "pr-12", event: "OPENED", machine: "review-app" });
    await until("pr-12", "LIVE");
    await publisher.publish({ stackId: "pr-12", event: "MERGED" });
    await until("pr-12", "none");

    await stop();
  });

  it("applies an event once that is published twice, by either way", async () => {
    const { publisher, store, until, stop } = await startYard(suffix);
    const opened = { stackId: "pr-12", event: "OPENED", machine: "review-app", id: "delivery-1" };

    await publisher.publish(opened);
    await publisher.publish(opened);
    await until("pr-12", "LIVE");
    await publisher.publish({ stackId: "pr-13", event: "OPENED", machine: "review-app", id: "delivery-1" });
    await until("pr-13", "LIVE");

    const { items } = await store.listHistory({ stackId: "pr-12" }, { limit: 50 });
    expect(items.filter(({ event, outcome }) => event === "OPENED" && outcome === "applied")).toHaveLength(1);
    await stop();
  });

  it("tells of a failed task, and runs it again when it is asked to", async () => {
    const { publisher, store, until, stop } = await startYard(suffix);

    const metadata = { breaks: "db" };
    await publisher.publish({ stackId: "pr-12", event: "OPENED", machine: "review-app", metadata });
    await until("pr-12", "BUILD SATISFIED ERROR");
    const [loaded] = await store.load(["pr-12"]);
    expect(loaded?.stack?.tasks[1]).toMatchObject({ name: "db", errorMessage: "It broke.", errorCode: "BROKEN" });
    await publisher.publish({ stackId: "pr-12", event: "RETRY_FAILED_TASKS" });
    await until("pr-12", "LIVE");

    await stop();
  });
});
