import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ReceiveMessageCommand, type SQSClient } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createSqsTransport } from "./sqs-transport.ts";
import { anSqsEvent, aTask } from "./testing/builders.ts";
import { type Emulator, startEmulator } from "./testing/start-emulator.ts";

const root = join(import.meta.dirname, "..");
const folder = join(root, "temp/readme");
const readme = readFileSync(join(root, "README.md"), "utf8");

interface Runner {
  startRunner(sqs: SQSClient, queues: { events: string; tasks: string }): { stop(): Promise<void> };
}

interface Handlers {
  createHandlers(
    engine: { handle(deliveries: readonly unknown[]): Promise<unknown> },
    worker: { handle(delivery: unknown, invocation: { endsAt: number }): Promise<unknown> },
  ): {
    events(event: unknown): Promise<unknown>;
    tasks(event: unknown, context: { getRemainingTimeInMillis(): number }): Promise<unknown>;
  };
}

let emulator: Emulator;
beforeAll(async () => {
  emulator = await startEmulator();
  mkdirSync(folder, { recursive: true });
  for (const [, text = "", name = ""] of readme.matchAll(/```ts\n(\/\/ file: (\S+)\n[\s\S]*?)```/g)) {
    writeFileSync(join(folder, name), text);
  }
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await emulator.stop();
});

describe("the README", () => {
  it("shows a runner that works", async () => {
    const { startRunner }: Runner = await import(join(folder, "runner.ts"));
    const events = await emulator.createQueue("events");
    const tasks = await emulator.createQueue("tasks");
    const task = { executor: "hello", config: { name: "world" }, name: "greet" };

    const runner = startRunner(emulator.sqs, { events, tasks });
    await createSqsTransport({ sqs: emulator.sqs, taskQueue: { url: tasks } }).sendTasks([aTask("greet", { task })]);
    const { Messages = [] } = await emulator.sqs.send(
      new ReceiveMessageCommand({ QueueUrl: events, WaitTimeSeconds: 20 }),
    );
    await runner.stop();

    expect(JSON.parse(Messages[0]?.Body ?? "{}")).toMatchObject({ event: "TASK_COMPLETED", stackId: "pr-12", task });
  });

  it("shows handlers for Lambda that work", async () => {
    const { createHandlers }: Handlers = await import(join(folder, "handlers.ts"));
    const seen: unknown[] = [];
    const handlers = createHandlers(
      { handle: async (deliveries) => deliveries.map(() => ({ kind: "retry", reason: "No." })) },
      {
        async handle(_, { endsAt }) {
          seen.push(endsAt > Date.now());
          return { kind: "done" };
        },
      },
    );

    const events = await handlers.events(anSqsEvent([{ body: { stackId: "s1", event: "GO" } }]));
    const tasks = await handlers.tasks(anSqsEvent([{ body: aTask() }]), { getRemainingTimeInMillis: () => 60_000 });

    expect(events).toEqual({ batchItemFailures: [{ itemIdentifier: "m-1" }] });
    expect(tasks).toEqual({ batchItemFailures: [] });
    expect(seen).toEqual([true]);
  });
});
