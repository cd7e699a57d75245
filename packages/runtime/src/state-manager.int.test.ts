import { GetItemCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createStateManager } from "./state-manager.ts";
import { silentTelemetry } from "./testing/silent-telemetry.ts";
import { type Cloud, startCloud } from "./testing/start-cloud.ts";
import { type Manager, startManager } from "./testing/start-manager.ts";

let cloud: Cloud;
beforeAll(async () => {
  cloud = await startCloud();
});
afterAll(() => cloud.stop());

const opened = { stackId: "pr-12", event: "OPENED", machine: "review-app", metadata: { sha: "9f1c" } };

/** The stack as CloudSeam's readers see it: `BUILD PENDING PENDING`, or empty when it does not exist. */
async function find({ environment }: Manager, id = "pr-12"): Promise<string> {
  const get = new GetItemCommand({ TableName: environment["DYNAMODB_TABLE"], Key: { id: { S: id } } });
  const { Item } = await cloud.dynamodb.send(get);
  const statuses = (Item?.["tasks"]?.L ?? []).map(({ M }) => M?.["status"]?.S);
  return [Item?.["_state"]?.S ?? "", ...statuses].join(" ");
}

describe.each(["", ".fifo"] as const)("a state manager in Lambda, on queues named *%s", (suffix) => {
  it("leads a stack through its incarnation, with messages of the predecessor's form", async () => {
    const manager = await startManager(cloud, { suffix });

    await manager.play(opened);
    const tasks = await manager.takeTasks();
    expect(tasks).toMatchObject([
      {
        task: { name: "network", executor: "lambda", config: { name: "network" } },
        stack: {
          id: "pr-12",
          _state: "BUILD",
          previousState: "INIT",
          machine: "review-app",
          metadata: { sha: "9f1c" },
        },
        dispatch: { id: expect.any(String), attempt: 1 },
      },
      { task: { name: "db" } },
    ]);
    expect(await find(manager)).toBe("BUILD PENDING PENDING");

    await manager.play(...tasks.map((task) => manager.toAnswer(task)));
    expect(await find(manager)).toBe("LIVE");

    await manager.play({ stackId: "pr-12", action: "MERGED" });
    const [off] = await manager.takeTasks();
    expect(await manager.play(off && manager.toAnswer(off))).toEqual([]);
    expect(await find(manager)).toBe("");
  });

  it("acknowledges malformed and refused messages, and handles the other ones of the batch", async () => {
    const manager = await startManager(cloud, { suffix });

    const reported = await manager.play("no JSON", { event: "OPENED" }, opened, { stackId: "pr-12", event: "MERGED" });

    expect([reported, await find(manager)]).toEqual([[], "BUILD PENDING PENDING"]);
    const tasks = await manager.takeTasks();
    await manager.play(...tasks.map((task) => manager.toAnswer(task)));
    // MERGED was parked while BUILD refused it.
    expect(await find(manager)).toBe("CLEAN-UP PENDING");
  });
});

describe("a state manager in Lambda", () => {
  it("takes over a stack that the predecessor has written", async () => {
    const manager = await startManager(cloud);
    const text = (S: string) => ({ S });
    const Item = {
      id: text("old-1"),
      machine: text("review-app"),
      _state: text("BUILD"),
      previousState: text("INIT"),
      tasks: { L: [{ M: { name: text("db"), status: text("PENDING") } }] },
      metadata: { M: {} },
      createdAt: { N: "1600000000000" },
      updatedAt: { N: "1600000000000" },
    };
    await cloud.dynamodb.send(new PutItemCommand({ TableName: manager.environment["DYNAMODB_TABLE"], Item }));

    await manager.play({ stackId: "old-1", event: "TASK_COMPLETED", task: { name: "db" } });

    expect(await find(manager, "old-1")).toBe("LIVE");
  });

  it("applies an event once that comes twice", async () => {
    const manager = await startManager(cloud);
    const pushed = { stackId: "pr-12", event: "PUSHED", id: "push-1" };
    await manager.play(opened);
    const build = await manager.takeTasks();
    await manager.play(...build.map((task) => manager.toAnswer(task)));

    await manager.play(pushed, pushed);
    await manager.play(pushed);

    expect(await manager.takeTasks()).toHaveLength(2);
  });

  it("sends a task once however many functions work on one stack at a time", async () => {
    const manager = await startManager(cloud);
    const others = [1, 2, 3].map(() =>
      createStateManager({ environment: manager.environment, telemetry: silentTelemetry }),
    );
    const stackIds = Array.from({ length: 6 }, (_, index) => `pr-${index}`);
    await manager.play(...stackIds.map((stackId) => ({ ...opened, stackId })));
    const tasks = await manager.takeTasks();
    // Both answers of each stack, twice, to functions that run at the same time.
    for (const task of [...tasks, ...tasks]) await cloud.send(manager.queues.events, manager.toAnswer(task));
    const work = others.map(async (app) => {
      for (let batch = await cloud.receive(manager.queues.events); batch; ) {
        await app.handler(batch, { getRemainingTimeInMillis: () => 30_000 });
        await cloud.settle(batch, []);
        batch = await cloud.receive(manager.queues.events);
      }
    });
    await Promise.all(work);

    expect(await Promise.all(stackIds.map((id) => find(manager, id)))).toEqual(stackIds.map(() => "LIVE"));
    expect(await manager.takeTasks()).toEqual([]);
  });

  it("moves a stack through forty states by itself, one task after the other", async () => {
    const manager = await startManager(cloud, { machines: { train: aTrain(40) } });
    await manager.play({ stackId: "t-1", event: "START", machine: "train" });

    let rounds = 0;
    for (let tasks = await manager.takeTasks(); tasks.length > 0; tasks = await manager.takeTasks()) {
      rounds += 1;
      await manager.play(...tasks.map((task) => manager.toAnswer(task)));
    }

    expect([rounds, await find(manager, "t-1")]).toEqual([40, "END"]);
  });

  it("stops a stack that goes in circles", async () => {
    const environment = { AUTOMATIC_TRANSITIONS_PER_HOUR: "5" };
    const manager = await startManager(cloud, { machines: { circle: CIRCLE }, environment });
    await manager.play({ stackId: "c-1", event: "START", machine: "circle" });

    let rounds = 0;
    for (let tasks = await manager.takeTasks(); tasks.length > 0 && rounds < 50; tasks = await manager.takeTasks()) {
      rounds += 1;
      await manager.play(...tasks.map((task) => manager.toAnswer(task)));
    }

    expect(rounds).toBe(6);
  });

  it("reports refused events where they shall be redelivered, and those only", async () => {
    const manager = await startManager(cloud, { environment: { REFUSED_EVENTS: "redeliver" } });
    await manager.play(opened);

    const reported = await manager.play({ stackId: "pr-12", event: "MERGED" }, { ...opened, stackId: "pr-13" });

    expect([reported.length, await find(manager, "pr-13")]).toEqual([1, "BUILD PENDING PENDING"]);
  });

  it("refuses to redeliver in order, whichever way it learns of it", async () => {
    const environment = { REFUSED_EVENTS: "redeliver" };
    const manager = await startManager(cloud, { suffix: ".fifo", environment });
    const knows = createStateManager({
      environment: { ...manager.environment, SQS_EVENT_QUEUE_URL: manager.queues.events },
      telemetry: silentTelemetry,
    });
    await cloud.send(manager.queues.events, opened);

    const batch = await cloud.receive(manager.queues.events);
    const context = { getRemainingTimeInMillis: () => 30_000 };

    await expect(manager.app.handler(batch, context)).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    await expect(knows.handler(batch, context)).rejects.toThrow("REFUSED_EVENTS cannot be redeliver");
  });

  it("will not take tasks for events", async () => {
    const manager = await startManager(cloud);
    await manager.play(opened);

    const batch = await cloud.receive(manager.queues.tasks);
    const handled = manager.app.handler(batch, { getRemainingTimeInMillis: () => 30_000 });

    await expect(handled).rejects.toThrow("was called with the queue of tasks");
  });

  it("sweeps when the schedule says so, and works the ticks that it sent", async () => {
    const manager = await startManager(cloud, { machines: { soon: SOON } });
    await manager.play({ stackId: "s-1", event: "START", machine: "soon" });

    const report = await manager.tick();
    const failures = await manager.invoke(manager.queues.ticks);

    expect([report, failures]).toEqual([{ due: 1, polls: 0, drained: 0, isHeld: false }, []]);
    expect(await find(manager, "s-1")).toBe("LATER");
  });

  it("lets NEXT in from outside only where that is allowed", async () => {
    const strict = await startManager(cloud);
    const lax = await startManager(cloud, { environment: { ALLOW_EXTERNAL_NEXT: "true" } });
    const next = { stackId: "pr-12", event: "NEXT" };

    await strict.play(opened, next);
    await lax.play(opened, next);

    expect([await find(strict), await find(lax)]).toEqual(["BUILD PENDING PENDING", "LIVE"]);
  });

  it("copies what it gives up to the dead-letter queue, with the reason, at once or after its time", async () => {
    const manager = await startManager(cloud, { environment: { REFUSED_EVENTS_KEEP: "1ms" } });
    await manager.play(opened, { stackId: "pr-12", event: "SHOUTED" }, { stackId: "pr-12", event: "MERGED" });

    await manager.tick();
    await manager.invoke(manager.queues.ticks);

    const letters = await cloud.take(manager.queues.eventDeadLetters);
    const given = letters.map(({ Body = "", MessageAttributes = {} }) => {
      const { code } = JSON.parse(MessageAttributes["stackyard-dead-letter"]?.StringValue ?? "{}");
      return [JSON.parse(Body).event, code];
    });
    expect(given.toSorted()).toEqual([
      ["MERGED", "EVENT_NOT_HANDLED"],
      ["SHOUTED", "EVENT_UNDECLARED"],
    ]);
  });

  it("opens its store before the first call, and opens it again after that failed", async () => {
    const manager = await startManager(cloud);
    const table = `Late-${Date.now()}`;
    const seen: string[] = [];
    const environment = { ...manager.environment, DYNAMODB_TABLE: table, AWS_LAMBDA_FUNCTION_NAME: "state-manager" };
    const logger = { ...silentTelemetry.logger, warn: (line: string) => void seen.push(line) };
    const app = createStateManager({ environment, telemetry: { ...silentTelemetry, logger } });
    const tick = () =>
      app.handler(
        { source: "aws.events", "detail-type": "Scheduled Event" },
        { getRemainingTimeInMillis: () => 9_000 },
      );

    await expect(tick()).rejects.toThrow(`Table "${table}" does not exist`);
    await cloud.createTable(table);

    expect(await tick()).toEqual({ due: 0, polls: 0, drained: 0, isHeld: false });
    expect(seen.filter((line) => line.includes('no index "due"'))).toHaveLength(1);
  });

  it("rejects an unsupported event", async () => {
    const manager = await startManager(cloud);
    const call = (event: unknown) => manager.app.handler(event, { getRemainingTimeInMillis: () => 30_000 });

    await expect(call({})).rejects.toMatchObject({ code: "EVENT_INVALID" });
    await expect(call({ source: "aws.s3", "detail-type": "Object Created" })).rejects.toMatchObject({
      code: "EVENT_INVALID",
    });
  });

  it("lists everything that is wrong with its environment at every call", async () => {
    const app = createStateManager({ environment: { REFUSED_EVENTS: "maybe", SQS_TASK_QUEUE_URL: "stack-tasks" } });
    const call = () => app.handler({}, { getRemainingTimeInMillis: () => 30_000 });

    await expect(call()).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    const faults = [
      "MACHINE_LOCATOR is not set",
      "SQS_TASK_QUEUE_URL must",
      "REFUSED_EVENTS must",
      "No store is configured",
    ];
    for (const fault of faults) await expect(call()).rejects.toThrow(fault);
  });
});

function aTrain(states: number): string {
  const names = Array.from({ length: states }, (_, index) => `S${index + 1}`);
  const lines = names.map((name, index) => {
    return `  ${name}: {tasks: [step], on: {NEXT: [{action: advance, state: ${names[index + 1] ?? "END"}}]}}`;
  });
  return `version: 1
events: [START]
states:
  INIT: {on: {START: [{action: advance, state: S1}]}}
${lines.join("\n")}
  END: {}
tasks:
  step: {executor: lambda, config: {name: step}}
`;
}

const CIRCLE = `version: 1
events: [START]
states:
  INIT: {on: {START: [{action: advance, state: A}]}}
  A: {tasks: [step], on: {NEXT: [{action: advance, state: A}]}}
tasks:
  step: {executor: lambda, config: {name: step}}
`;

const SOON = `version: 2
events: [START, GO]
states:
  INIT: { on: { START: WAIT } }
  WAIT: { after: [{ in: 1s, event: GO }], on: { GO: LATER } }
  LATER: {}
tasks: {}
`;
