import { silentLogger } from "@stackyard/core";
import { createFakeClock } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { parseEnvironment } from "./environment.ts";
import { createTaskHandler } from "./handle-tasks.ts";
import type { TaskRunnerParts } from "./task-runner-parts.ts";
import { aTaskDelivery } from "./testing/a-task-delivery.ts";

const environment = parseEnvironment(
  { AWS_REGION: "eu-west-1", SQS_EVENT_QUEUE_URL: "https://sqs/1/stack-events" },
  { app: "task runner", required: {} },
);

function createBench(fails: readonly string[] = []) {
  const clock = createFakeClock();
  const handled: unknown[] = [];
  const worker: TaskRunnerParts["worker"] = {
    async handle({ message }, limits) {
      handled.push([message.task.name, (limits?.endsAt ?? 0) - clock.now()]);
      if (fails.includes(message.task.name)) throw new Error("The store does not answer.");
      return { kind: "done" };
    },
    abort: () => {},
    leave: () => {},
    running: () => [],
  };
  const batches = { clock, logger: silentLogger };
  const deleted: unknown[] = [];
  const deleteWorked: TaskRunnerParts["deleteWorked"] = async (...call) => {
    deleted.push(call);
    return [];
  };
  const handle = createTaskHandler({
    environment,
    worker,
    clock,
    batches,
    deleteWorked,
    logger: silentLogger,
    start: () => ({ stop: async () => {} }),
    close: async () => {},
  });
  const call = (event: unknown) => handle(event, { getRemainingTimeInMillis: () => 600_000 });
  return { handled, deleted, call, callByHand: (event: unknown) => handle(event) };
}

function aBatch(queue: string, bodies: readonly string[]) {
  const eventSourceARN = `arn:aws:sqs:eu-west-1:111122223333:${queue}`;
  const attributes = { ApproximateReceiveCount: "1" };
  return {
    Records: bodies.map((body, index) => ({
      messageId: `m${index}`,
      receiptHandle: `r${index}`,
      body,
      attributes,
      messageAttributes: {},
      eventSource: "aws:sqs",
      eventSourceARN,
    })),
  };
}

const bodyOf = (name: string) => JSON.stringify(aTaskDelivery({ name }).message);

describe("a task runner in Lambda", () => {
  it("handles every record with the time that is left, and leaves records to retry in the queue", async () => {
    const { handled, deleted, call } = createBench(["db"]);

    const answer = call(aBatch("stack-tasks", [bodyOf("network"), bodyOf("db"), bodyOf("app")]));

    await expect(answer).rejects.toMatchObject({ code: "SERVER_ERROR" });
    expect(deleted).toEqual([["arn:aws:sqs:eu-west-1:111122223333:stack-tasks", ["r0", "r2"]]]);
    expect(handled).toEqual([
      ["network", 600_000],
      ["db", 600_000],
      ["app", 600_000],
    ]);
  });

  it("does not let an invalid record block the others", async () => {
    const { handled, call } = createBench();

    await expect(call(aBatch("stack-tasks", ["{}", bodyOf("db")]))).rejects.toThrow("1 of 2 messages");

    expect(handled).toEqual([["db", 600_000]]);
  });

  it("rejects when nothing of a batch could be worked, for mappings that read no answer", async () => {
    const { call } = createBench(["db"]);

    await expect(call(aBatch("stack-tasks", [bodyOf("db")]))).rejects.toMatchObject({ code: "SERVER_ERROR" });
  });

  it("has all the time when it is called by hand, without a context", async () => {
    const { handled, callByHand } = createBench();

    await callByHand(aBatch("stack-tasks", [bodyOf("db")]));

    expect(handled).toEqual([["db", Number.POSITIVE_INFINITY]]);
  });

  it("rejects events from the event queue", async () => {
    const { handled, call } = createBench();

    const answer = call(aBatch("stack-events", [bodyOf("db")]));

    await expect(answer).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    await expect(answer).rejects.toThrow('was called with the queue "stack-events"');
    expect(handled).toEqual([]);
  });

  it.each([[{}], [{ source: "aws.events", "detail-type": "Scheduled Event" }]])(
    "rejects %j, which is not a batch",
    async (event) => {
      await expect(createBench().call(event)).rejects.toMatchObject({ code: "EVENT_INVALID" });
    },
  );
});
