import { createFakeClock, type FakeClock } from "@stackyard/core/testing";
import type { LambdaHost } from "@stackyard/lambda-host";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type Account, startAccount } from "../testing/start-account.ts";
import { type LambdaYard, type LambdaYardInput, startLambdaYard } from "../testing/start-lambda-yard.ts";
import { REVIEW_APP } from "../testing/start-manager.ts";

let account: Account;
let yard: LambdaYard | undefined;
beforeAll(async () => {
  account = await startAccount({ hasPostgres: true });
});
afterAll(() => account.stop());
afterEach(async () => {
  await yard?.stop();
  yard = undefined;
});

/** Starts a yard; without a clock, time passes whenever nothing else happens, as for messages that come again. */
async function start(input: Partial<LambdaYardInput> = {}): Promise<LambdaYard> {
  const clock = createFakeClock();
  const started = await startLambdaYard({ account, machines: { "review-app": REVIEW_APP }, clock, ...input });
  yard = started;
  if (input.clock !== undefined) return started;
  const { host } = started;
  return { ...started, host: { ...host, until: (holds) => untilInTime(host, clock, holds) } };
}

/** Waits until something holds. What a function has left, a conflict for instance, is hidden for minutes: they pass at once. */
async function untilInTime(host: LambdaHost, clock: FakeClock, holds: () => boolean | Promise<boolean>): Promise<void> {
  const over = new AbortController();
  const held = host.until(holds).finally(() => over.abort());
  while (!over.signal.aborted) {
    await Promise.race([held, host.idle()]);
    if (over.signal.aborted || (await holds())) break;
    const next = clock.nextWakeAt();
    if (next === undefined) await held;
    else await clock.advance(next - clock.now());
  }
}

/** The users' functions answer at once; gives what they were called with. */
function serveFunctions(...names: readonly string[]): readonly string[] {
  const calls: string[] = [];
  for (const name of names) account.functions.add(name, (event) => void calls.push(`${name} ${Object(event).stackId}`));
  return calls;
}

const opened = (stackId: string) => ({ stackId, event: "OPENED", machine: "review-app", metadata: { sha: "9f1c" } });

describe.each([
  ["dynamodb", "", false, { tags: "app" }],
  ["dynamodb", ".fifo", true, {}],
  ["postgres", "", false, {}],
  ["postgres", ".fifo", true, {}],
] as const)(
  "both functions over %s, on queues named *%s (the runner has the store: %s)",
  (store, suffix, has, options) => {
    const id = `pr-${store}${suffix}`;

    it("lead a stack through its incarnation: event, task message, function, result, next state", options, async () => {
      const calls = serveFunctions("network", "db", "network-off");
      const managerEnvironment = { RUNNERS_HAVE_STORE: String(has) };
      const { host, send, find, findResultOrigins, outcomes, count } = await start({
        store,
        suffix,
        runnerHasStore: has,
        managerEnvironment,
      });

      /** Fails at once with the error of a function, which the queue would hide for minutes. */
      const untilState = (state: string) =>
        host.until(async () => {
          expect(host.invocations.map(({ outcome }) => outcome)).not.toContainEqual(
            expect.objectContaining({ kind: "errored" }),
          );
          return (await find(id)) === state;
        });

      await send(opened(id));
      await untilState("LIVE");
      await send({ stackId: id, action: "MERGED" });
      await untilState("");
      await host.idle();

      expect([...calls].sort()).toEqual([`db ${id}`, `network ${id}`, `network-off ${id}`]);
      expect(await findResultOrigins(id)).toEqual(Array(3).fill(has ? "internal" : "external"));
      // Three tasks; two events and three results, unless the state manager finds a result in the store before it is sent.
      expect(outcomes("task-runner")).toEqual(["answered", "answered", "answered"]);
      expect(outcomes("state-manager").length).toBeLessThanOrEqual(5);
      expect(await Promise.all([count("events"), count("tasks"), count("eventDeadLetters")])).toEqual([0, 0, 0]);
    });
  },
);

describe("both functions in Lambda", () => {
  it("report a function's error, and continue after a retry", async () => {
    serveFunctions("network");
    account.functions.add("db", () => {
      throw new RangeError("no engine");
    });
    const { host, send, find } = await start();
    await send(opened("pr-1"));
    await host.until(async () => (await find("pr-1")) === "BUILD SATISFIED ERROR");

    serveFunctions("db");
    await send({ stackId: "pr-1", event: "RETRY_FAILED_TASKS" });

    await host.until(async () => (await find("pr-1")) === "LIVE");
  });

  it.each([
    ["one by one", 1],
    ["in batches", 10],
  ])("apply once what Lambda delivers twice, %s", async (_how, batchSize) => {
    const calls = serveFunctions("network", "db");
    const { host, send, find, sources, outcomes } = await start({ runnerHasStore: true, batchSize });
    sources.events.loseNextDeletion();
    sources.tasks.loseNextDeletion();
    const id = `twice-${batchSize}`;

    await send(opened(id));
    await host.until(async () => (await find(id)) === "LIVE");
    await host.idle();
    const before = outcomes("state-manager").length;
    await host.until(() => sources.events.waiting + sources.tasks.waiting === 0);
    await host.idle();

    expect(outcomes("state-manager").length).toBeGreaterThan(before);
    expect([calls.length, await find(id)]).toEqual([2, "LIVE"]);
  });

  it("pass forty automatic states", async () => {
    const calls = serveFunctions("step");
    const { host, send, find } = await start({ machines: { train: aTrain(40) }, batchSize: 10 });

    await send({ stackId: "t-1", event: "START", machine: "train" });
    await host.until(async () => (await find("t-1")) === "END");

    expect(calls).toHaveLength(40);
  });

  it("enter the next state once, however many results come at a time to however many instances", async () => {
    const names = ["a", "b", "c", "d", "e", "f"];
    const calls = serveFunctions(...names, "after");
    const { host, send, find } = await start({
      machines: { wide: aFan(names) },
      manager: { reservedConcurrency: 5 },
    });
    const ids = ["w-1", "w-2"];

    await send(...ids.map((stackId) => ({ stackId, event: "START", machine: "wide" })));
    await host.until(async () => (await Promise.all(ids.map(find))).every((state) => state === "END"));
    await host.idle();

    const instances = host.invocations.filter(({ functionName }) => functionName === "state-manager");
    expect(new Set(instances.map(({ instance }) => instance)).size).toBeGreaterThan(1);
    expect(calls.filter((call) => call.startsWith("after"))).toHaveLength(ids.length);
    expect(calls).toHaveLength(ids.length * (names.length + 1));
  });
});

describe("a runner that has the store and the machines", () => {
  it("decides the results of its tasks, and works what follows in the same invocation", async () => {
    const calls = serveFunctions("step");
    const { host, send, find, findResultOrigins, outcomes, count } = await start({
      machines: { train: aTrain(12) },
      runnerHasStore: true,
      runnerDecides: true,
      managerEnvironment: { RUNNERS_HAVE_STORE: "true" },
    });

    await send({ stackId: "d-1", event: "START", machine: "train" });
    await host.until(async () => (await find("d-1")) === "END");
    await host.idle();

    expect(calls).toHaveLength(12);
    expect(await findResultOrigins("d-1")).toEqual(Array(12).fill("internal"));
    expect([outcomes("state-manager"), outcomes("task-runner")]).toEqual([["answered"], ["answered"]]);
    expect(await Promise.all([count("events"), count("tasks")])).toEqual([0, 0]);
  });

  it("works one of several tasks that follow, and leaves the others to its queue", async () => {
    const names = ["a", "b", "c", "d"];
    const calls = serveFunctions("first", ...names, "after");
    const { host, send, find, outcomes } = await start({
      machines: { wide: aFan(names, "first") },
      runnerHasStore: true,
      runnerDecides: true,
    });

    await send({ stackId: "d-2", event: "START", machine: "wide" });
    await host.until(async () => (await find("d-2")) === "END");
    await host.idle();

    expect([...calls].sort()).toEqual(["a d-2", "after d-2", "b d-2", "c d-2", "d d-2", "first d-2"]);
    expect(outcomes("task-runner").length).toBeGreaterThanOrEqual(names.length);
  });

  it("sends a result whose machine it does not find to the queue of events", async () => {
    const calls = serveFunctions("step");
    const { host, send, find, outcomes } = await start({
      machines: { train: aTrain(3) },
      runnerHasStore: true,
      runnerDecides: true,
      runnerEnvironment: { MACHINE_S3_KEY: "elsewhere" },
    });

    await send({ stackId: "d-3", event: "START", machine: "train" });
    await host.until(async () => (await find("d-3")) === "END");

    expect([calls.length, outcomes("task-runner").length]).toEqual([3, 3]);
  });

  it("leaves what it had begun to others when it is killed", async () => {
    const calls = serveFunctions("step");
    const clock = createFakeClock();
    const { host, send, find, outcomes, sources } = await start({
      machines: { train: aTrain(3) },
      runnerHasStore: true,
      runnerDecides: true,
      clock,
    });
    const held = account.door.hold(
      ({ operation, body }) =>
        operation === "PutItem" && body.includes('"_state":{"S":"S2"}') && body.includes("Stacks-y"),
      "after",
    );

    await send({ stackId: "d-4", event: "START", machine: "train" });
    await held;
    await host.until(() => outcomes("task-runner").length === 0 && sources.events.busy === 0);
    await clock.advance(600_000);
    await host.until(() => outcomes("task-runner").includes("timed-out"));
    await host.tick("state-manager");
    await host.until(async () => (await find("d-4")) === "END");
    await host.idle();

    expect([outcomes("task-runner")[0], calls.length]).toEqual(["timed-out", 3]);
  });
});

function aTrain(states: number): string {
  const lines = Array.from({ length: states }, (_, index) => {
    const next = index + 1 === states ? "END" : `S${index + 2}`;
    return `  S${index + 1}: {tasks: [step], on: {NEXT: [{action: advance, state: ${next}}]}}`;
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

/** States of one task, of all these, and of one again. */
function aFan(names: readonly string[], first?: string): string {
  const tasks = [...(first === undefined ? [] : [first]), ...names, "after"].map(
    (name) => `  ${name}: {executor: lambda, config: {name: ${name}}}`,
  );
  return `version: 1
events: [START]
states:
  INIT: {on: {START: [{action: advance, state: ${first === undefined ? "WIDE" : "FIRST"}}]}}
${first === undefined ? "" : `  FIRST: {tasks: [${first}], on: {NEXT: [{action: advance, state: WIDE}]}}`}
  WIDE: {tasks: [${names.join(", ")}], on: {NEXT: [{action: advance, state: AFTER}]}}
  AFTER: {tasks: [after], on: {NEXT: [{action: advance, state: END}]}}
  END: {}
tasks:
${tasks.join("\n")}
`;
}
