import { createFakeClock } from "@stackyard/core/testing";
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

async function start(input: Partial<LambdaYardInput> = {}): Promise<LambdaYard> {
  yard = await startLambdaYard({ account, machines: { "review-app": REVIEW_APP }, ...input });
  return yard;
}

/** The users' functions answer at once; gives what they were called with. */
function serveFunctions(...names: readonly string[]): readonly string[] {
  const calls: string[] = [];
  for (const name of names) account.functions.add(name, (event) => void calls.push(`${name} ${Object(event).stackId}`));
  return calls;
}

const opened = (stackId: string) => ({ stackId, event: "OPENED", machine: "review-app", metadata: { sha: "9f1c" } });

describe.each([
  ["dynamodb", "", false],
  ["dynamodb", ".fifo", true],
  ["postgres", "", false],
  ["postgres", ".fifo", true],
] as const)("both functions over %s, on queues named *%s (the runner has the store: %s)", (store, suffix, has) => {
  const id = `pr-${store}${suffix}`;

  it("lead a stack through its life: event, task message, function, result, next state", async () => {
    const calls = serveFunctions("network", "db", "network-off");
    const managerEnvironment = { RUNNERS_HAVE_STORE: String(has) };
    const { host, send, find, findResultOrigins, outcomes, count } = await start({
      store,
      suffix,
      runnerHasStore: has,
      managerEnvironment,
    });

    await send(opened(id));
    await host.until(async () => (await find(id)) === "LIVE");
    await send({ stackId: id, action: "MERGED" });
    await host.until(async () => (await find(id)) === "");
    await host.idle();

    expect([...calls].sort()).toEqual([`db ${id}`, `network ${id}`, `network-off ${id}`]);
    expect(await findResultOrigins(id)).toEqual(Array(3).fill(has ? "internal" : "external"));
    // Three tasks; two events and three results, unless the state manager finds a result in the store before it is sent.
    expect(outcomes("task-runner")).toEqual(["answered", "answered", "answered"]);
    expect(outcomes("state-manager").length).toBeLessThanOrEqual(5);
    expect(await Promise.all([count("events"), count("tasks"), count("eventDeadLetters")])).toEqual([0, 0, 0]);
  });
});

describe("both functions in Lambda", () => {
  it("answer a function's error, and go on after a retry", async () => {
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
    const clock = createFakeClock();
    const { host, send, find, sources, outcomes } = await start({ runnerHasStore: true, clock, batchSize });
    sources.events.loseNextDeletion();
    sources.tasks.loseNextDeletion();
    const id = `twice-${batchSize}`;

    await send(opened(id));
    await host.until(async () => (await find(id)) === "LIVE");
    await host.idle();
    const before = outcomes("state-manager").length;
    await clock.advance(600_000);
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

function aFan(names: readonly string[]): string {
  const tasks = [...names, "after"].map((name) => `  ${name}: {executor: lambda, config: {name: ${name}}}`);
  return `version: 1
events: [START]
states:
  INIT: {on: {START: [{action: advance, state: WIDE}]}}
  WIDE: {tasks: [${names.join(", ")}], on: {NEXT: [{action: advance, state: AFTER}]}}
  AFTER: {tasks: [after], on: {NEXT: [{action: advance, state: END}]}}
  END: {}
tasks:
${tasks.join("\n")}
`;
}
