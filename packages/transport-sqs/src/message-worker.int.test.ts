import { ReceiveMessageCommand, SendMessageCommand } from "@aws-sdk/client-sqs";
import { defineExecutor, failed, silentLogger, succeeded } from "@stackyard/core";
import { createMessageWorker, createUlids, systemClock } from "@stackyard/core/engine";
import { Type } from "typebox";
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { createTaskBatchHandler } from "./lambda-batches.ts";
import { createSqsTransport } from "./sqs-transport.ts";
import { anSqsEvent } from "./testing/builders.ts";
import { type Emulator, startEmulator } from "./testing/start-emulator.ts";

/** As the predecessor's state manager writes it: no `dispatch`. */
const TASK = { executor: "work", config: { fails: false }, name: "db" };
const STACK = {
  id: "pr-12",
  previousState: "INIT",
  machine: "review-app",
  _state: "BUILD",
  tasks: [{ name: "db", status: "PENDING" }],
  metadata: { sha: "9f1c" },
  createdAt: 1,
  updatedAt: 2,
};

const work = defineExecutor({
  name: "work",
  config: Type.Object({ fails: Type.Boolean() }),
  start: async (_ctx, { fails }) =>
    fails ? failed({ code: "BROKEN", message: "It broke.", retryable: false }) : succeeded({}),
});

let emulator: Emulator;
let events: string;
let tasks: string;
beforeEach(async () => {
  emulator = await startEmulator();
  events = await emulator.createQueue("stack-events");
  tasks = await emulator.createQueue("stack-tasks");
});
afterEach(() => emulator.stop());

function createRunner() {
  const transport = createSqsTransport({
    sqs: emulator.sqs,
    eventQueue: { url: events },
    taskQueue: { url: tasks },
    waitMs: 1_000,
  });
  const worker = createMessageWorker({
    publish: transport.publish,
    executors: new Map([["work", work]]),
    clock: systemClock,
    ids: createUlids(),
    logger: silentLogger,
  });
  return { transport, worker };
}

async function takeAnswer(): Promise<Record<string, unknown>> {
  const request = new ReceiveMessageCommand({ QueueUrl: events, WaitTimeSeconds: 20 });
  const { Messages = [] } = await emulator.sqs.send(request);
  return JSON.parse(Messages[0]?.Body ?? "{}");
}

describe("a runner with the predecessor's queues only", () => {
  it("works a message of the predecessor in a container and answers as its satisfier did", async () => {
    const { transport, worker } = createRunner();
    const MessageBody = JSON.stringify({ task: TASK, stack: STACK });
    await emulator.sqs.send(new SendMessageCommand({ QueueUrl: tasks, MessageBody }));

    const consumer = transport.consumeTasks(worker.handle, { batchSize: 1, concurrency: 2 });
    onTestFinished(consumer.stop);
    const { id, outputs, ...answer } = await takeAnswer();

    expect(answer).toEqual({ event: "TASK_COMPLETED", stackId: "pr-12", task: TASK });
    expect(id).toMatch(/^result:message:/);
    expect(outputs).toEqual({});
  });

  it("works a batch in Lambda, every record of it", async () => {
    const { worker } = createRunner();
    const handler = createTaskBatchHandler(worker.handle);
    const failing = { ...TASK, config: { fails: true } };

    const response = await handler(
      anSqsEvent([{ body: { task: TASK, stack: STACK } }, { body: { task: failing, stack: STACK } }]),
      {
        endsAt: systemClock.now() + 600_000,
      },
    );

    expect(response).toEqual({ batchItemFailures: [] });
    const answers = [await takeAnswer(), await takeAnswer()];
    expect(answers.map(({ event }) => event).toSorted()).toEqual(["TASK_COMPLETED", "TASK_ERROR"]);
    expect(answers.find(({ event }) => event === "TASK_ERROR")).toMatchObject({
      stackId: "pr-12",
      task: failing,
      description: "It broke.",
    });
  });
});
