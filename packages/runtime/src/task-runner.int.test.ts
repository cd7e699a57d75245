import { GetItemCommand } from "@aws-sdk/client-dynamodb";
import { startKms } from "@stackyard/aws-sim";
import { defineExecutor, failed, running, succeeded } from "@stackyard/core";
import { SEALER } from "@stackyard/core/services";
import { Type } from "typebox";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTaskRunner } from "./task-runner.ts";
import { silentTelemetry } from "./testing/silent-telemetry.ts";
import { type Cloud, startCloud } from "./testing/start-cloud.ts";
import { type LambdaServer, startLambda } from "./testing/start-lambda.ts";
import { type Manager, startManager } from "./testing/start-manager.ts";
import { createRunner, type RunnerInput } from "./testing/start-runner.ts";

let cloud: Cloud;
let lambda: LambdaServer;
beforeAll(async () => {
  [cloud, lambda] = await Promise.all([startCloud(), startLambda()]);
});
afterAll(() => Promise.all([cloud.stop(), lambda.stop()]));

const opened = { stackId: "pr-12", event: "OPENED", machine: "review-app", metadata: { sha: "9f1c" } };

/** The stack as the table has it: `BUILD PENDING ERROR`. */
async function find({ environment }: Manager, id = "pr-12"): Promise<string> {
  const get = new GetItemCommand({ TableName: environment["DYNAMODB_TABLE"], Key: { id: { S: id } } });
  const { Item } = await cloud.dynamodb.send(get);
  const statuses = (Item?.["tasks"]?.L ?? []).map(({ M }) => M?.["status"]?.S);
  return [Item?.["_state"]?.S ?? "", ...statuses].join(" ");
}

/** A yard of a state manager and a runner, both as functions. */
async function startYard(
  input: Partial<Omit<RunnerInput, "manager">> & {
    readonly machines?: Readonly<Record<string, string>>;
    readonly suffix?: "" | ".fifo";
  } = {},
) {
  const { machines, suffix = "", hasStore = true, ...more } = input;
  const environment = { RUNNERS_HAVE_STORE: String(hasStore), EXECUTORS: "work" };
  const manager = await startManager(cloud, { suffix, environment, ...(machines === undefined ? {} : { machines }) });
  const runner = createRunner({ ...more, cloud, lambda, manager, hasStore });
  return { manager, runner };
}

describe.each([
  ["with the store", true, ""],
  ["with the store", true, ".fifo"],
  ["by message alone", false, ""],
  ["by message alone", false, ".fifo"],
] as const)("a task runner in Lambda %s (%s, on queues named *%s)", (_kind, hasStore, suffix) => {
  it("calls functions and answers, until its stack is removed", async () => {
    const { manager, runner } = await startYard({ hasStore, suffix });
    const calls: unknown[] = [];
    for (const name of ["network", "db", "network-off"]) lambda.add(name, (event) => void calls.push([name, event]));

    await manager.play(opened);
    expect(await runner.work()).toEqual([]);
    await manager.play();
    expect(await find(manager)).toBe("LIVE");

    await manager.play({ stackId: "pr-12", event: "MERGED" });
    await runner.work();
    await manager.play();

    expect(await find(manager)).toBe("");
    const payload = { stackId: "pr-12", metadata: { sha: "9f1c" } };
    expect(calls).toHaveLength(3);
    expect(calls).toEqual(
      expect.arrayContaining([
        ["network", payload],
        ["db", payload],
        ["network-off", payload],
      ]),
    );
  });

  it("returns the error of a function, and tries again on a retry", async () => {
    const { manager, runner } = await startYard({ hasStore, suffix });
    lambda.add("network", () => null);
    lambda.add("db", () => {
      throw new TypeError("no engine");
    });
    await manager.play(opened);
    await runner.work();
    await manager.play();
    expect(await find(manager)).toBe("BUILD SATISFIED ERROR");

    lambda.add("db", () => null);
    await manager.play({ stackId: "pr-12", event: "RETRY_FAILED_TASKS" });
    await runner.work();
    await manager.play();

    expect(await find(manager)).toBe("LIVE");
  });

  it("gives back a task whose executor it does not have, for a runner that has it", async () => {
    const machines = { "review-app": WORK };
    const { manager, runner } = await startYard({ hasStore, suffix, machines });

    await manager.play({ stackId: "pr-12", event: "OPENED", machine: "review-app" });
    await expect(runner.work()).rejects.toThrow("It is delivered again.");
    await manager.play();

    expect(await find(manager)).toBe("BUILD PENDING");
  });
});

it("a task runner with the store gives executors a sealer with data keys of KMS, for its yard", async () => {
  const kms = await startKms();
  const key = "arn:aws:kms:eu-west-1:111122223333:key/1";
  const { manager, runner } = await startYard({
    machines: { "review-app": WORK },
    options: { executors: [SEALS] },
    environment: { STACKYARD_SEAL_KMS_KEY: key, YARD_NAME: "blue", AWS_ENDPOINT_URL_KMS: kms.url },
  });

  await manager.play({ stackId: "pr-12", event: "OPENED", machine: "review-app" });
  await runner.work();
  await manager.play();
  await kms.stop();

  const EncryptionContext = { "stackyard:yard": "blue", "stackyard:purpose": "seal" };
  expect(kms.requests).toEqual([
    { KeyId: key, KeySpec: "AES_256", EncryptionContext },
    { KeyId: key, CiphertextBlob: expect.any(String), EncryptionContext },
  ]);
  expect(await find(manager)).not.toContain("ERROR");
});

it("functions without a seal key share one that the first of them makes, for sensitive values and for what executors seal", async () => {
  const machine = `
version: 2
metadata: { token: { type: string, sensitive: true } }
events: { OPENED: {} }
states:
  INIT: { on: { OPENED: BUILD } }
  BUILD: { tasks: [build], on: { NEXT: DONE } }
  DONE: {}
tasks: { build: { executor: work, config: {} } }
`;
  const { manager, runner } = await startYard({ machines: { "review-app": machine }, options: { executors: [SEALS] } });

  const metadata = { token: "hunter2-hunter2" };
  await manager.play({ stackId: "pr-12", event: "OPENED", machine: "review-app", metadata });
  await runner.work();
  await manager.play();

  const table = manager.environment["DYNAMODB_TABLE"];
  const { Item } = await cloud.dynamodb.send(new GetItemCommand({ TableName: table, Key: { id: { S: "pr-12" } } }));
  expect(await find(manager)).toBe("DONE");
  expect(JSON.stringify(Item)).not.toContain("hunter2");
});

it("a task runner with the store asks the yard's distributor where artifacts have arrived, for gates", async () => {
  const asked: unknown[] = [];
  const place = { account: "111122223333", region: "eu-west-1" };
  const counts = { files: 1, filesDone: 1, announcements: 1, verified: true };
  const cell = { ...place, ...counts, status: "stored", code: null, at: "2026-01-01T00:00:00Z" };
  lambda.add("distributor", (request) => {
    asked.push(request);
    const version = { name: "api", version: "1.42.0", manifestSha256: "0".repeat(64) };
    const row = { ...version, publishedAt: "2026-01-01T00:00:00Z", covered: true, retired: false, cells: [cell] };
    return { kind: "answer", answer: { rows: [row] } };
  });
  const gate = `
version: 2
events: { OPENED: {} }
states:
  INIT: { on: { OPENED: WAIT } }
  WAIT: { tasks: [images], on: { NEXT: DONE } }
  DONE: {}
tasks: { images: { executor: gate, config: { artifacts: { api: 1.42.0 } } } }
`;
  const { manager, runner } = await startYard({
    machines: { "review-app": gate },
    environment: { STACKYARD_DISTRIBUTOR: "distributor" },
  });

  await manager.play({ stackId: "pr-12", event: "OPENED", machine: "review-app" });
  await runner.work();
  await manager.play();

  expect(asked).toEqual([{ op: "coverage", name: "api", version: "1.42.0" }]);
  expect(await find(manager)).toBe("DONE");
});

describe.each([
  ["with the store", true],
  ["by message alone", false],
] as const)("a task runner %s", (_kind, hasStore) => {
  const machines = { "review-app": WORK };
  const start = { stackId: "pr-12", event: "OPENED", machine: "review-app" };

  it("runs a user's own executor, polls included", async () => {
    let polls = 0;
    const work = defineExecutor({
      name: "work",
      config: Type.Object({}),
      progress: Type.Unknown(),
      start: async () => running({ progress: { at: 1 }, pollAfterMs: 1, message: "going" }),
      async poll() {
        polls += 1;
        return polls < 3 ? running({ progress: { at: 1 }, pollAfterMs: 1, message: "going" }) : succeeded({});
      },
    });
    const { manager, runner } = await startYard({ hasStore, machines, options: { executors: [work] } });

    await manager.play(start);
    await runner.work();
    await manager.play();

    expect([polls, await find(manager)]).toEqual([3, "DONE"]);
  });

  it("interrupts work in time where the function ends", async () => {
    const reasons: unknown[] = [];
    const work = defineExecutor({
      name: "work",
      config: Type.Object({}),
      resumable: false,
      async start({ signal }) {
        if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
        reasons.push(signal.reason);
        return failed({ code: "STOPPED", message: "It stopped.", retryable: false });
      },
    });
    // A quarter of a short invocation is left to end in.
    const options = { executors: [work] };
    const { manager, runner } = await startYard({ hasStore, machines, options, remainingMs: 3_000 });

    await manager.play(start);
    await runner.work();
    const table = manager.environment["DYNAMODB_TABLE"];
    await manager.play();

    const { Item } = await cloud.dynamodb.send(new GetItemCommand({ TableName: table, Key: { id: { S: "pr-12" } } }));
    expect([reasons, await find(manager)]).toEqual([["out-of-time"], "BUILD ERROR"]);
    expect(JSON.stringify(Item)).toContain("The task was interrupted");
  });

  it("runs nothing when it is configured to skip tasks locally", async () => {
    const environment = {
      LOCAL_MODE: "1",
      SKIP_TASK_EXECUTION: "1",
      AWS_ENDPOINT_URL_SQS: cloud.environment["AWS_ENDPOINT_URL"] ?? "",
    };
    const { manager, runner } = await startYard({ hasStore, machines, environment });

    await manager.play(start);
    await runner.work();
    await manager.play();

    expect(await find(manager)).toBe("DONE");
  });

  it("runs tasks in a container, and stops on a signal", async () => {
    const { manager } = await startYard({ hasStore, machines });
    const started = Promise.withResolvers<void>();
    const work = defineExecutor({
      name: "work",
      config: Type.Object({}),
      async start() {
        started.resolve();
        return succeeded({});
      },
    });
    const { DYNAMODB_TABLE = "" } = manager.environment;
    const environment = {
      ...cloud.environment,
      SQS_EVENT_QUEUE_URL: manager.queues.events,
      SQS_LONG_TASK_QUEUE_URL: manager.queues.tasks,
      ...(hasStore ? { DYNAMODB_TABLE } : {}),
    };
    const stopping = new AbortController();
    const running = createTaskRunner({ environment, executors: [work], telemetry: silentTelemetry }).main(
      stopping.signal,
    );

    await manager.play(start);
    await started.promise;
    stopping.abort();

    expect(await running).toBe(0);
    await manager.play();
    expect(await find(manager)).toBe("DONE");
  });
});

describe("tasks of one key", () => {
  it("run one after the other, each sent when the one before it has ended", async () => {
    let live = 0;
    const incarnations: number[] = [];
    const work = defineExecutor({
      name: "work",
      config: Type.Object({}),
      exclusiveKey: () => "one",
      async start(ctx) {
        live += 1;
        await ctx.clock.sleep(5);
        incarnations.push(live);
        live -= 1;
        return succeeded({});
      },
    });
    const machines = {
      "review-app": `${WORK.replace("[build]", "[build, test]")}  test: {executor: work, config: {}}\n`,
    };
    const { manager, runner } = await startYard({ machines, options: { executors: [work] } });

    await manager.play({ stackId: "pr-12", event: "OPENED", machine: "review-app" });
    await runner.work();
    await manager.play();

    expect([incarnations, await find(manager)]).toEqual([[1, 1], "DONE"]);
  });
});

describe("the environment of a task runner", () => {
  const context = { getRemainingTimeInMillis: () => 30_000 };

  it("lists everything that is wrong at every call", async () => {
    const app = createTaskRunner({ environment: { TASK_CONCURRENCY: "many", TERRAFORM_STATE_URL: "here" } });

    const faults = ["SQS_EVENT_QUEUE_URL is not set: results are sent there.", "TASK_CONCURRENCY must", "AWS_REGION"];
    for (const fault of [...faults, "TERRAFORM_STATE_URL must"]) {
      await expect(app.handler({}, context)).rejects.toThrow(fault);
    }
  });

  it("needs a queue to consume in a container, and a topic instead of the queue of events is enough", async () => {
    const lines: string[] = [];
    const logger = { ...silentTelemetry.logger, error: (line: string) => void lines.push(line) };
    const environment = { AWS_REGION: "eu-west-1", SNS_EVENT_TOPIC_ARN: "arn:aws:sns:eu-west-1:111122223333:events" };

    expect(await createTaskRunner({ environment, telemetry: { ...silentTelemetry, logger } }).main()).toBe(3);

    expect(lines.join()).toContain("has an error:\n  - SQS_TASK_QUEUE_URL is not set: a container consumes it");
  });
});

/** Fails without a sealer. */
const SEALS = defineExecutor({
  name: "work",
  config: Type.Object({}),
  async start(ctx) {
    const sealer = ctx.service(SEALER);
    const opened = await sealer?.open(await sealer.seal(Buffer.from("plan")));
    if (opened === undefined) throw new Error("The runner has no sealer.");
    return succeeded({ opened: Buffer.from(opened).toString() });
  },
});

const WORK = `version: 1
events: [OPENED]
states:
  INIT: {on: {OPENED: [{action: advance, state: BUILD}]}}
  BUILD: {tasks: [build], on: {NEXT: [{action: advance, state: DONE}]}}
  DONE: {}
tasks:
  build: {executor: work, config: {}}
`;
