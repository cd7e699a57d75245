import { ReceiveMessageCommand } from "@aws-sdk/client-sqs";
import { createFakeClock, type FakeClock } from "@stackyard/core/testing";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createLambdaHost, type LambdaHost } from "./create-lambda-host.ts";
import type { FunctionInput } from "./function-input.ts";
import type { SqsEvent, SqsRecord } from "./sqs-events.ts";
import { type Queues, startQueues } from "./testing/start-queues.ts";

let queues: Queues;
let clock: FakeClock;
let host: LambdaHost;
let count = 0;
beforeAll(async () => {
  queues = await startQueues();
});
afterAll(() => queues.stop());
beforeEach(() => {
  clock = createFakeClock();
  host = createLambdaHost({ sqs: queues.sqs, clock });
});
afterEach(() => host.stop());

interface Connection {
  readonly handler: (bodies: readonly string[], event: SqsEvent) => unknown;
  readonly input?: Partial<FunctionInput>;
  readonly mapping?: {
    readonly batchSize?: number;
    readonly maximumConcurrency?: number;
    readonly reportsFailures?: boolean;
  };
  readonly suffix?: string;
  /** Of the queue. */
  readonly attributes?: Readonly<Record<string, string>>;
}

/** A function behind a queue whose messages come back after a minute. */
async function connect({ handler, input, mapping, suffix = "", attributes = {} }: Connection) {
  count += 1;
  const queueUrl = await queues.create(`queue-${count}${suffix}`, { VisibilityTimeout: "60", ...attributes });
  host.addFunction({
    name: "worker",
    environment: {},
    timeoutMs: 30_000,
    create: () => (event) => handler(bodiesOf(event), Object(event)),
    ...input,
  });
  const source = await host.connect({ queueUrl, functionName: "worker", ...mapping });
  return { queueUrl, source };
}

const bodiesOf = (event: unknown): readonly string[] => Object(event).Records.map(({ body }: SqsRecord) => body);
const worked = () => host.invocations.flatMap(({ event }) => bodiesOf(event)).sort();
const failuresOf = (event: SqsEvent, body: string) => ({
  batchItemFailures: event.Records.filter((record) => record.body === body).map(({ messageId }) => {
    return { itemIdentifier: messageId };
  }),
});

describe("waiting until something holds", () => {
  it("reports calls in progress", async () => {
    host.addFunction({ name: "worker", environment: {}, timeoutMs: 30_000, create: () => () => null });
    let asked = 0;

    await host.until(async () => {
      asked += 1;
      const held = host.invocations.length > 0;
      if (!held) await host.invoke("worker", {});
      return held;
    });

    expect(asked).toBe(2);
  });
});

describe("an event source mapping", () => {
  it("calls the function with messages, and deletes what was worked", async () => {
    const { queueUrl } = await connect({ handler: () => ({ batchItemFailures: [] }) });

    await queues.send(queueUrl, "a", "b", "c");
    await host.idle();
    await clock.advance(3_600_000);
    await host.idle();

    expect(worked()).toEqual(["a", "b", "c"]);
    expect(host.invocations[0]?.event).toMatchObject({
      Records: [{ eventSource: "aws:sqs", awsRegion: "eu-west-1", attributes: { ApproximateReceiveCount: "1" } }],
    });
  });

  it("lets come again what the function names, when the visibility timeout has ended", async () => {
    let isBroken = true;
    const { queueUrl, source } = await connect({
      handler: (_bodies, event) => (isBroken ? failuresOf(event, "b") : null),
    });

    await queues.send(queueUrl, "a", "b");
    await host.idle();
    await clock.advance(59_000);
    await host.idle();
    expect([worked(), source.waiting]).toEqual([["a", "b"], 1]);
    isBroken = false;
    await clock.advance(1_000);
    await host.until(() => host.invocations.at(-1)?.outcome.kind === "answered" && source.waiting === 0);
    await host.idle();

    expect(worked()).toEqual(["a", "b", "b"]);
  });

  it.each([
    ["throws", () => Promise.reject(new Error("broken"))],
    ["answers nonsense", () => ({ batchItemFailures: [{ itemIdentifier: "none" }] })],
  ])("lets a whole batch come again when the function %s", async (_how, handler) => {
    const { queueUrl, source } = await connect({ handler });

    await queues.send(queueUrl, "a");
    await host.until(() => source.waiting === 1);
    await clock.advance(60_000);
    await host.until(() => host.invocations.length === 2);

    expect(worked()).toEqual(["a", "a"]);
  });

  it("reads no answer where failures are not reported one by one", async () => {
    const handler: Connection["handler"] = (_bodies, event) => failuresOf(event, "a");
    const { queueUrl, source } = await connect({ handler, mapping: { reportsFailures: false } });

    await queues.send(queueUrl, "a");
    await host.until(() => host.invocations.length === 1);
    await host.idle();

    expect(source.waiting).toBe(0);
  });

  it("delivers a message again if its deletion is lost", async () => {
    const { queueUrl, source } = await connect({ handler: () => null });
    source.loseNextDeletion();

    await queues.send(queueUrl, "a");
    await host.until(() => source.waiting === 1);
    await clock.advance(60_000);
    await host.until(() => host.invocations.length === 2);
    await host.idle();

    expect([worked(), source.waiting]).toEqual([["a", "a"], 0]);
  });

  it("keeps groups of a FIFO queue in order, one call at a time", async () => {
    const seen: string[] = [];
    const { queueUrl } = await connect({
      suffix: ".fifo",
      mapping: { batchSize: 1 },
      handler: async ([body = ""]) => {
        seen.push(body);
        await new Promise((resolve) => setImmediate(resolve));
        seen.push(`${body} done`);
      },
    });

    await queues.send(queueUrl, "x:1", "x:2", "y:1", "x:3");
    await host.until(() => host.invocations.length === 4);

    const ofX = seen.filter((each) => each.startsWith("x"));
    expect(ofX).toEqual(["x:1", "x:1 done", "x:2", "x:2 done", "x:3", "x:3 done"]);
  });

  it("has as many calls at a time as the mapping allows, and no more", async () => {
    let now = 0;
    let most = 0;
    let other: (() => void) | undefined;
    /** Waits for another call, which must come at the same time. */
    const meet = () =>
      new Promise<void>((resolve) => {
        other?.();
        if (other !== undefined) resolve();
        other = other === undefined ? resolve : undefined;
      });
    const handler = async () => {
      now += 1;
      most = Math.max(most, now);
      await meet();
      await new Promise((resolve) => setTimeout(resolve, 2));
      now -= 1;
    };
    const bodies = Array.from({ length: 12 }, (_, index) => `${index}`);
    const { queueUrl } = await connect({ handler, mapping: { batchSize: 1, maximumConcurrency: 2 } });

    await queues.send(queueUrl, ...bodies);
    await host.until(() => host.invocations.length === 12);

    expect([most, worked().length]).toEqual([2, 12]);
  });

  it("gives up a batch that finds no place before its visibility timeout ends", async () => {
    const deadLetters = await queues.create("dead-letters");
    const deadLetterTargetArn = "arn:aws:sqs:eu-west-1:000000000000:dead-letters";
    const { queueUrl, source } = await connect({
      input: { reservedConcurrency: 0 },
      handler: () => null,
      attributes: { RedrivePolicy: JSON.stringify({ deadLetterTargetArn, maxReceiveCount: "1" }) },
    });

    await queues.send(queueUrl, "a");
    await expect.poll(() => source.busy).toBe(1);
    await clock.advance(60_000);
    const letter = new ReceiveMessageCommand({ QueueUrl: deadLetters, WaitTimeSeconds: 10 });

    expect((await queues.sqs.send(letter)).Messages).toMatchObject([{ Body: "a" }]);
    expect(host.invocations).toEqual([]);
  });

  it("is refused for a queue whose messages come back too soon", async () => {
    const connected = connect({ handler: () => null, input: { timeoutMs: 61_000 } });

    await expect(connected).rejects.toThrow("Queue visibility timeout: 60 seconds is less than Function timeout: 61");
  });
});

describe("a function that is killed at its timeout", () => {
  it("cannot reach anything any more, and its messages are delivered to another instance", async () => {
    const reached: string[] = [];
    const late = Promise.withResolvers<void>();
    const started = Promise.withResolvers<void>();
    let instances = 0;
    const { queueUrl } = await connect({
      handler: () => null,
      input: {
        environment: { AWS_ENDPOINT_URL: queues.url },
        create: ({ AWS_ENDPOINT_URL: address = "" }) => {
          instances += 1;
          const number = instances;
          return async () => {
            if (number > 1) return null;
            started.resolve();
            await late.promise;
            reached.push(await fetch(address).then(String, () => "unreachable"));
            return null;
          };
        },
      },
    });

    await queues.send(queueUrl, "a");
    await started.promise;
    await clock.advance(30_000);
    await host.until(() => host.invocations.length === 1);
    late.resolve();
    await clock.advance(30_000);
    await host.until(() => host.invocations.length === 2);

    expect(host.invocations.map(({ instance, outcome }) => [instance, outcome.kind])).toEqual([
      [1, "timed-out"],
      [2, "answered"],
    ]);
    await expect.poll(() => reached).toEqual(["unreachable"]);
  });
});

describe("calls without a queue", () => {
  const create = () => (event: unknown) => event;

  it("are answered, throttled, or too large", async () => {
    host.addFunction({ name: "echo", environment: {}, timeoutMs: 3_000, reservedConcurrency: 1, create });

    expect((await host.invoke("echo", { a: 1 })).outcome).toEqual({ kind: "answered", answer: { a: 1 } });
    const calls = [host.invoke("echo", 1), host.invoke("echo", 2)];
    expect((await Promise.allSettled(calls)).map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
    await expect(host.invoke("echo", "x".repeat(6 * 1024 * 1024))).rejects.toThrow("RequestTooLargeException");
    await expect(host.invoke("none", 1)).rejects.toThrow("Function not found: none");
  });

  it("are made each full minute by a schedule", async () => {
    host.addFunction({ name: "sweep", environment: {}, timeoutMs: 3_000, create });
    await clock.advance(10_000);
    host.everyMinute("sweep");

    await clock.advance(50_000);
    await host.until(() => host.invocations.length === 1);
    await clock.advance(60_000);
    await host.until(() => host.invocations.length === 2);

    expect(host.invocations.map(({ event }) => event)).toMatchObject([
      { source: "aws.events", "detail-type": "Scheduled Event", time: "2026-01-01T00:01:00Z" },
      { time: "2026-01-01T00:02:00Z" },
    ]);
  });
});
