import { ChangeMessageVisibilityBatchCommand, SendMessageBatchCommand, SQSClient } from "@aws-sdk/client-sqs";
import { mockClient } from "aws-sdk-client-mock";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import type { BatchOptions } from "./batch-options.ts";
import type { TaskDelivery } from "./read-deliveries.ts";
import { createTaskBatchHandler, type Invocation } from "./task-batch-handler.ts";
import { anSqsEvent } from "./testing/an-sqs-event.ts";
import { createRecordingLogger } from "./testing/recording-logger.ts";
import type { DeliveryOutcome } from "./to-settlement.ts";

const sqs = mockClient(SQSClient);

afterAll(() => sqs.restore());
beforeEach(() => sqs.reset());

const QUEUES = "https://sqs.eu-west-1.amazonaws.com/111122223333/";
const queues = () => ({ sqs: new SQSClient({ region: "eu-west-1" }), urls: [`${QUEUES}stack-tasks`] });

const bodyOf = (name: string) => ({
  task: { executor: "lambda", config: { name }, name },
  stack: { id: "pr-12", previousState: "INIT", machine: "m", _state: "BUILD", tasks: [], metadata: {} },
});

function createBench(
  outcomeOf: (delivery: TaskDelivery, invocation: Invocation) => Promise<DeliveryOutcome>,
  options: BatchOptions = {},
) {
  const logger = createRecordingLogger();
  const handler = createTaskBatchHandler(outcomeOf, { logger, ...options });
  const report = async (bodies: readonly unknown[], invocation?: Invocation) => {
    const event = anSqsEvent(
      bodies.map((body) => ({ body })),
      "stack-tasks",
    );
    const { batchItemFailures } = await handler(event, invocation);
    return batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);
  };
  return { logger, report };
}

describe("createTaskBatchHandler", () => {
  it("works every record, side by side, and tells each when the function ends", async () => {
    const seen: unknown[] = [];
    const waiting: (() => void)[] = [];
    const { report } = createBench(async ({ attemptId, message }, { endsAt }) => {
      seen.push([attemptId, message.task.name, endsAt]);
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
        if (waiting.length === 2) for (const go of waiting) go();
      });
      return { kind: "done" };
    });

    expect(await report([bodyOf("db"), bodyOf("web")], { endsAt: 9 })).toEqual([]);

    expect(seen).toEqual([
      ["message:m-1", "db", 9],
      ["message:m-2", "web", 9],
    ]);
  });

  it("reports those that must come again, also when their work throws", async () => {
    const { logger, report } = createBench(async ({ message }) => {
      if (message.task.name === "broken") throw new Error("No.");
      return message.task.name === "later" ? { kind: "retry", reason: "The worker stops." } : { kind: "done" };
    });

    expect(await report([bodyOf("db"), bodyOf("later"), bodyOf("broken")])).toEqual(["m-2", "m-3"]);
    expect(logger.lines).toEqual(["error A task could not be worked; its message is delivered again."]);
  });

  it("lets what failed come again after its own time, not after the queue's visibility time-out", async () => {
    sqs.on(ChangeMessageVisibilityBatchCommand).resolves({});
    const { report } = createBench(
      async ({ message }) => {
        if (message.task.name === "broken") throw new Error("No.");
        return { kind: "retry", reason: "The store does not answer." };
      },
      { queues: queues() },
    );

    expect(await report(["{oops", bodyOf("db"), bodyOf("broken")])).toEqual(["m-1", "m-2", "m-3"]);

    expect(sqs.commandCalls(ChangeMessageVisibilityBatchCommand).map(({ args }) => args[0].input)).toEqual([
      {
        QueueUrl: `${QUEUES}stack-tasks`,
        Entries: [
          { Id: "0", ReceiptHandle: "r-2", VisibilityTimeout: 2 },
          { Id: "1", ReceiptHandle: "r-3", VisibilityTimeout: 2 },
        ],
      },
    ]);
  });

  it("leaves what failed to the visibility time-out where it is not allowed to change it", async () => {
    const denied = Object.assign(new Error("Not authorized."), { name: "AccessDenied" });
    sqs.on(ChangeMessageVisibilityBatchCommand).rejects(denied);
    const { logger, report } = createBench(async () => ({ kind: "retry", reason: "No." }), { queues: queues() });

    expect(await report([bodyOf("db")])).toEqual(["m-1"]);
    expect(logger.lines).toEqual([expect.stringContaining("Allow sqs:ChangeMessageVisibility on the queue.")]);
  });

  it("leaves what is no task to the queue's redrive policy", async () => {
    const { logger, report } = createBench(async () => ({ kind: "done" }));

    expect(await report(["{oops", bodyOf("db")])).toEqual(["m-1"]);
    expect(logger.lines).toEqual(["error A message is no task."]);
  });

  it("gives up what is no task at once where it has a dead-letter queue", async () => {
    sqs.on(SendMessageBatchCommand).resolves({});
    const deadLetters = { sqs: new SQSClient({ region: "eu-west-1" }), url: `${QUEUES}task-dead-letters` };
    const { report } = createBench(async () => ({ kind: "done" }), { deadLetters });

    expect(await report(['{"stackId":"s","event":"GO"}'])).toEqual([]);

    const [entry] = sqs.commandCalls(SendMessageBatchCommand)[0]?.args[0].input.Entries ?? [];
    expect(JSON.parse(entry?.MessageAttributes?.["stackyard-dead-letter"]?.StringValue ?? "{}")).toMatchObject({
      code: "MESSAGE_INVALID",
      reason: expect.stringContaining("The message is no task"),
      source: "arn:aws:sqs:eu-west-1:111122223333:stack-tasks",
    });
  });
});
