import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createFakeClock } from "@stackyard/core/testing";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createDeadLetterQueue } from "./dead-letters.ts";
import { createSqsTransport, type SqsTransportOptions } from "./sqs-transport.ts";
import { anEvent, aTask } from "./testing/builders.ts";
import { type Emulator, startEmulator } from "./testing/start-emulator.ts";

interface Statement {
  readonly Action: readonly string[];
  readonly Resource: string;
}

const readme = readFileSync(join(import.meta.dirname, "../README.md"), "utf8");
const [, policies = "{}"] = /```json\n([\s\S]*?)```/.exec(readme) ?? [];
const documented: Readonly<Record<string, readonly Statement[]>> = JSON.parse(policies);

// The action of a batch is that of the single call:
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-api-permissions-reference.html
const ACTIONS: Readonly<Record<string, string>> = {
  ReceiveMessageCommand: "sqs:ReceiveMessage",
  DeleteMessageBatchCommand: "sqs:DeleteMessage",
  ChangeMessageVisibilityBatchCommand: "sqs:ChangeMessageVisibility",
  SendMessageBatchCommand: "sqs:SendMessage",
  PublishBatchCommand: "sns:Publish",
  PutObjectCommand: "s3:PutObject",
  GetObjectCommand: "s3:GetObject",
};

let emulator: Emulator;
let urls: { readonly events: string; readonly tasks: string; readonly dead: string };
let topic: string;
const clock = createFakeClock();

beforeEach(async () => {
  emulator = await startEmulator();
  vi.useFakeTimers({ toFake: ["Date"], now: clock.now() });
  const [events = "", tasks = "", dead = ""] = await Promise.all(
    ["events", "tasks", "dead"].map((name) => emulator.createQueue(name)),
  );
  urls = { events, tasks, dead };
  topic = await emulator.createTopic("topic", "events", { raw: true });
  await emulator.createBucket("bodies");
});
afterEach(async () => {
  vi.useRealTimers();
  await emulator.stop();
});

/** Records the calls made during `work` as `action on resource`. */
async function callsOf(work: () => Promise<void>): Promise<readonly string[]> {
  const names = new Map([
    [urls.events, "events"],
    [urls.tasks, "tasks"],
    [urls.dead, "dead"],
    [topic, "topic"],
  ]);
  const calls = new Set<string>();
  for (const client of [emulator.sqs, emulator.sns, emulator.s3]) {
    const { send } = client;
    const noted = (command: { constructor: { name: string }; input: Record<string, unknown> }, options: never) => {
      const { QueueUrl, TopicArn, Bucket, Key } = command.input;
      const place = String(QueueUrl ?? TopicArn ?? `${Bucket}/${String(Key).replace(/[0-9a-f]{64}$/, "*")}`);
      calls.add(`${ACTIONS[command.constructor.name] ?? command.constructor.name} on ${names.get(place) ?? place}`);
      return Reflect.apply(send, client, [command, options]);
    };
    Object.assign(client, { send: noted });
  }
  await work();
  return [...calls].toSorted();
}

/** What a role may call, with the resources of the test. */
function allowedTo(role: string, resources: Readonly<Record<string, string>>): readonly string[] {
  const statements = documented[role] ?? [];
  return statements
    .flatMap(({ Action, Resource }) => Action.map((action) => `${action} on ${resources[Resource]}`))
    .toSorted();
}

async function pass(ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 1_000) {
    await emulator.settle();
    await clock.advance(1_000);
    vi.setSystemTime(clock.now());
  }
  await emulator.settle();
}

const create = (options: Partial<SqsTransportOptions>) =>
  createSqsTransport({ sqs: emulator.sqs, clock, waitMs: 0, ...options });

/** Works one message slowly, one in vain. */
async function workBoth(
  deliveries: number,
): Promise<{ readonly kind: "done" } | { readonly kind: "retry"; readonly reason: string }> {
  await clock.sleep(30_000);
  return deliveries === 1 ? { kind: "retry", reason: "Not yet." } : { kind: "done" };
}

describe("the documented policies", () => {
  it("are what a state manager calls, and nothing else", async () => {
    await create({ eventQueue: { url: urls.events } }).publish([anEvent(), anEvent({ id: "e2", stackId: "s2" })]);

    const calls = await callsOf(async () => {
      const eventQueue = { url: urls.events, deadLetterUrl: urls.dead, maxDeliveries: 1 };
      const transport = create({ eventQueue, taskQueue: { url: urls.tasks } });
      const consumer = transport.consumeEvents(
        async (given) => {
          await clock.sleep(30_000);
          return given.map(({ event }) => (event.id === "e1" ? { kind: "done" } : { kind: "retry", reason: "No." }));
        },
        { batchSize: 10, concurrency: 1 },
      );
      await transport.sendTasks([aTask()]);
      await pass(60_000);
      await consumer.stop();
    });

    const resources = { "event queue": "events", "task queue": "tasks", "event dead-letter queue": "dead" };
    expect(calls).toEqual(allowedTo("state manager", resources));
  });

  it("are what a runner calls, and nothing else", async () => {
    await create({ taskQueue: { url: urls.tasks } }).sendTasks([aTask(), aTask("web")]);

    const calls = await callsOf(async () => {
      const taskQueue = { url: urls.tasks, deadLetterUrl: urls.dead, maxDeliveries: 2 };
      const transport = create({ eventQueue: { url: urls.events }, taskQueue });
      const consumer = transport.consumeTasks(
        async ({ message, deliveries }) => {
          const outcome = await workBoth(message.task.name === "web" ? 1 : deliveries);
          if (outcome.kind === "done") await transport.publish([anEvent()]);
          return outcome;
        },
        { batchSize: 1, concurrency: 2 },
      );
      await pass(120_000);
      await consumer.stop();
    });

    const resources = { "event queue": "events", "task queue": "tasks", "task dead-letter queue": "dead" };
    expect(calls).toEqual(allowedTo("runner", resources));
  });

  it("are what a topic, claim checks and a redrive need", async () => {
    const claimChecks = { s3: emulator.s3, bucket: "bodies" };
    const large = anEvent({ message: { event: "GO", stackId: "s1", text: "x".repeat(300_000) } });

    const calls = await callsOf(async () => {
      await create({ eventTopic: { sns: emulator.sns, arn: topic }, claimChecks }).publish([large]);
      const reader = create({
        eventQueue: { url: urls.events, deadLetterUrl: urls.dead, maxDeliveries: 1 },
        claimChecks,
      });
      const consumer = reader.consumeEvents(async (given) => given.map(() => ({ kind: "retry", reason: "No." })), {
        batchSize: 10,
        concurrency: 1,
      });
      await pass(5_000);
      await consumer.stop();
    });

    const topicCalls = allowedTo("publisher to a topic", { "event topic": "topic" });
    const claims = allowedTo("with claim checks", { "bucket/stackyard/messages/*": "bodies/stackyard/messages/*" });
    const others = ["sqs:DeleteMessage on events", "sqs:ReceiveMessage on events", "sqs:SendMessage on dead"];
    expect(calls).toEqual([...topicCalls, ...claims, ...others].toSorted());

    const queue = createDeadLetterQueue({ sqs: emulator.sqs, url: urls.dead, targetUrl: urls.events, clock });
    const redriving = await callsOf(async () => {
      vi.useRealTimers();
      await queue.list();
      await queue.redrive();
    });
    const resources = { "event dead-letter queue": "dead", "event queue": "events" };
    expect(redriving).toEqual(allowedTo("who redrives", resources));
  });
});
