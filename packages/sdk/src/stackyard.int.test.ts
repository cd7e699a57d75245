import { defineExecutor, type Executor, failed, running, silentLogger, succeeded } from "@stackyard/core";
import { createMemoryStore, createStaticLocator, createUlids, startYard, systemClock } from "@stackyard/core/engine";
import { parseMachine } from "@stackyard/core/machine";
import { createServer } from "@stackyard/server";
import { Type } from "typebox";
import { afterEach, describe, expect, it } from "vitest";
import { EventNotAppliedError, type HistoryEntry, Stackyard } from "./index.ts";

const SOURCE = `
version: 1
events: [LAUNCH, DEPLOY, DOWN]
states:
  INIT: { on: { LAUNCH: [{ action: advance, state: UP }] } }
  UP: { tasks: [create], on: { NEXT: [{ action: advance, state: IDLE }] } }
  IDLE: { on: { DEPLOY: [{ action: advance, state: UP }], DOWN: [{ action: advance, state: GONE }] } }
  GONE: { terminal: true }
tasks:
  create: { executor: script, config: {} }
`;
const TOKEN = "a-token-of-the-tests";
const launch = { stackId: "pr-1", event: "LAUNCH", machine: "review-app" };

const obliging = defineExecutor({ name: "script", config: Type.Object({}), start: async () => succeeded({}) });
const failing = defineExecutor({
  name: "script",
  config: Type.Object({}),
  start: async () => failed({ code: "NOPE", message: "It broke.", retryable: true }),
});
const endless = defineExecutor({
  name: "script",
  config: Type.Object({}),
  progress: Type.Object({}),
  start: async () => running({ progress: {}, pollAfterMs: 60_000, message: "on its way" }),
  poll: async () => running({ progress: {}, pollAfterMs: 60_000, message: "on its way" }),
});

/** Handles the failure of `create`, and comes back to LIVE without it. */
const HANDLING = `
version: 2
events: [LAUNCH, PUSHED, DOWN]
states:
  INIT: { on: { LAUNCH: BUILD } }
  BUILD: { tasks: [create], on: { NEXT: LIVE, FAILED: CLEANUP } }
  LIVE: { on: { PUSHED: BUILD, DOWN: GONE } }
  CLEANUP: { tasks: [clean], on: { NEXT: BROKEN } }
  BROKEN: { on: { PUSHED: BUILD, DOWN: GONE } }
  GONE: { terminal: true, tasks: [create] }
tasks:
  create: { executor: script, config: { fails: true } }
  clean: { executor: script, config: {} }
`;
const choosing = defineExecutor({
  name: "script",
  config: Type.Object({ fails: Type.Optional(Type.Boolean()) }),
  start: async (_, { fails }) =>
    fails ? failed({ code: "NOPE", message: "It broke.", retryable: true }) : succeeded({}),
});

let end: () => Promise<void>;
afterEach(() => end());

async function start(executor: Executor = obliging, source = SOURCE) {
  const executors = new Map([["script", executor]]);
  const store = createMemoryStore();
  const { machine } = parseMachine(source, { name: "review-app", executors });
  if (machine === undefined) throw new Error("The machine of the tests is invalid.");
  const locator = createStaticLocator([{ machine, source }]);
  const deps = { store, locator, executors, clock: systemClock, ids: createUlids(), logger: silentLogger };
  const serve = (port: number) =>
    createServer(
      { ...deps, version: "0.0.0" },
      { port, tokens: [{ name: "tester", token: TOKEN }], limits: { stopMs: 100 } },
    );
  let server = serve(0);
  const { url } = await server.start();
  const yard = startYard(deps, { drainMs: 100, process: { version: "0.0.0-test", host: "blue" } });
  end = async () => {
    await server.stop();
    await yard.stop();
    await store.close();
  };
  return {
    client: new Stackyard({ url, token: TOKEN }),
    url,
    async restart() {
      await server.stop();
      server = serve(Number(new URL(url).port));
      await server.start();
    },
  };
}

describe("a program", () => {
  it("publishes an event and waits for the state that it leads to", { tags: "adapter" }, async () => {
    const { client } = await start();

    const [stack] = await Promise.all([client.waitForState("pr-1", "IDLE"), client.publish(launch)]);

    expect(stack).toMatchObject({ id: "pr-1", state: "IDLE" });
  });

  it("publishes many large events; one that is too large stops no other", async () => {
    const { client } = await start();
    const metadata = { notes: "x".repeat(20_000) };
    const events = Array.from({ length: 120 }, (_, n) => ({ ...launch, stackId: `pr-${n}`, metadata }));
    const tooLarge = { ...launch, stackId: "too-large", metadata: { notes: "x".repeat(1_100_000) } };

    const results = await client.publishMany([...events.slice(0, 60), tooLarge, ...events.slice(60)]);

    expect(results[60]).toEqual({
      kind: "invalid",
      code: "PAYLOAD_TOO_LARGE",
      reason: "The body is larger than 1048576 bytes.",
    });
    expect(results.toSpliced(60, 1)).toEqual(
      events.map(({ stackId }) => expect.objectContaining({ kind: "accepted", stackId })),
    );
    await expect(client.publish(tooLarge)).rejects.toMatchObject({ code: "PAYLOAD_TOO_LARGE" });
  });

  it("waits until the stack is gone", async () => {
    const { client } = await start();
    await client.publish(launch);
    await client.waitForState("pr-1", "IDLE");

    await Promise.all([client.waitForRemoval("pr-1"), client.publish({ stackId: "pr-1", event: "DOWN" })]);

    await expect(client.stacks.get("pr-1")).rejects.toMatchObject({ code: "STACK_UNKNOWN" });
  });

  it("returns the outcome of an event", async () => {
    const { client } = await start();

    const entry = await client.waitForOutcome(await client.publish(launch));

    expect(entry).toMatchObject({ event: "LAUNCH", outcome: "applied", actor: "tester" });
  });

  it("reports at once that an event is parked, and later returns its outcome", async () => {
    const { client } = await start(failing);
    await client.publish(launch);
    await client.waitForState("pr-1", "UP");
    const parked: HistoryEntry[] = [];
    const event = await client.publish({ stackId: "pr-1", event: "DEPLOY" });

    const entry = await client.waitForOutcome(event, {
      onParked(each) {
        parked.push(each);
        void client.stacks.settle("pr-1", "create", { reason: "by hand" });
      },
    });

    expect(parked).toMatchObject([{ code: "EVENT_NOT_HANDLED" }]);
    expect(entry).toMatchObject({ eventId: event.eventId, outcome: "applied" });
  });

  it("gets a typed error for a dead letter", async () => {
    const { client } = await start();

    const error: unknown = await client
      .publish({ ...launch, event: "UNHEARD-OF" })
      .then((event) => client.waitForOutcome(event))
      .catch((e: unknown) => e);

    expect(error).toBeInstanceOf(EventNotAppliedError);
    expect(error).toMatchObject({
      code: "OUTCOME_NEGATIVE",
      entry: { outcome: "dead-lettered", code: "EVENT_UNDECLARED" },
    });
    const { items } = await client.events.listDeadLetters({ stackId: "pr-1" });
    expect(await client.events.redrive(items.map(({ id }) => id))).toMatchObject({ unknown: [] });
  });

  it("gets a machine that the yard has never had as an error, and a refusal that it waits for without a dead letter", async () => {
    const { client } = await start();

    expect(await client.publish(launch, { awaitsMs: 0 })).toMatchObject({ stackId: "pr-1" });
    await expect(client.publish({ ...launch, machine: "review-ap" })).rejects.toMatchObject({
      code: "MACHINE_UNKNOWN",
      message: 'Unknown machine "review-ap". Did you mean "review-app"? Nothing was sent.',
    });
    const event = await client.publish({ ...launch, event: "UNHEARD-OF" }, { awaitsMs: 100_000_000_000 });
    await expect(client.waitForOutcome(event)).rejects.toMatchObject({ entry: { outcome: "refused" } });
    expect((await client.events.listDeadLetters()).items).toEqual([]);
  });

  it("gives up when the time is over, when its signal aborts, and on a failure when requested", async () => {
    const { client } = await start(failing);
    await client.publish(launch);
    const signal = AbortSignal.timeout(50);

    await expect(client.waitForState("pr-1", "IDLE", { timeoutMs: 100 })).rejects.toMatchObject({ code: "TIMED_OUT" });
    await expect(client.waitForState("pr-1", "IDLE", { signal })).rejects.toMatchObject({ code: "INTERRUPTED" });
    await expect(client.waitForState("pr-1", "IDLE", { stopOnFailure: true })).rejects.toMatchObject({
      code: "OUTCOME_NEGATIVE",
      message: expect.stringContaining("create"),
    });
  });

  it("stops at once when a task has failed for good although the machine handles that, and names the cause", async () => {
    const { client } = await start(choosing, HANDLING);
    const after = await client.publish(launch);

    const wait = client.waitForState("pr-1", "LIVE", { stopOnFailure: true, after });

    await expect(wait).rejects.toMatchObject({
      code: "OUTCOME_NEGATIVE",
      message: expect.stringContaining('task "create" failed in BUILD (NOPE: It broke.)'),
      details: { stackId: "pr-1", failure: { task: "create", state: "BUILD", code: "NOPE", message: "It broke." } },
    });
  });

  it("waits for what only the failure leads to", async () => {
    const { client } = await start(choosing, HANDLING);
    const after = await client.publish(launch);

    const stack = await client.waitForState("pr-1", ["LIVE", "BROKEN"], { stopOnFailure: true, after });

    expect(stack.state).toBe("BROKEN");
    expect(stack.lastFailure).toMatchObject({ state: "BUILD", attempt: 1, missed: { states: ["LIVE"] } });
    expect((await client.stacks.list()).items).toMatchObject([{ lastFailure: { task: "create", code: "NOPE" } }]);
  });

  it("stops when the stack cannot get there by itself, with or without an event before", async () => {
    const { client } = await start(choosing, HANDLING);
    const after = await client.publish(launch);
    await client.waitForState("pr-1", "BROKEN");

    const waits = [
      client.waitForState("pr-1", "INIT", { stopOnFailure: true, after }),
      client.waitForState("pr-1", "LIVE", { stopOnFailure: true }),
      client.waitForRemoval("pr-1", { stopOnFailure: true }),
    ];

    const message = expect.stringMatching(
      /by itself: it is in BROKEN\. Degraded: "create" failed in BUILD \(NOPE\)\. Waits for an event: PUSHED, DOWN\./,
    );
    expect(await Promise.allSettled(waits)).toMatchObject([
      { reason: { code: "OUTCOME_NEGATIVE", message: expect.stringContaining("It is in BROKEN now") } },
      { reason: { code: "OUTCOME_NEGATIVE", message } },
      { reason: { code: "OUTCOME_NEGATIVE", message } },
    ]);
  });

  it("stops when the task that should end the stack has failed", async () => {
    const { client } = await start(choosing, HANDLING);
    await client.publish(launch);
    await client.waitForState("pr-1", "BROKEN");

    const after = await client.publish({ stackId: "pr-1", event: "DOWN" });

    await expect(client.waitForRemoval("pr-1", { stopOnFailure: true, after })).rejects.toMatchObject({
      message: expect.stringContaining('task "create" failed in GONE'),
    });
  });

  it("does not take a stack for stuck whose event is on its way", async () => {
    const { client } = await start(obliging);
    await client.publish(launch);
    await client.waitForState("pr-1", "IDLE");

    const late = new Promise((resolve) => setTimeout(resolve, 200)).then(() =>
      client.publish({ stackId: "pr-1", event: "DOWN" }),
    );

    await expect(client.waitForRemoval("pr-1", { stopOnFailure: true })).resolves.toBeUndefined();
    await late;
  });

  it("operates on stacks and sees refusals with their codes", async () => {
    const { client } = await start(endless);
    await client.publish(launch);
    await client.waitForState("pr-1", "UP");

    expect(await client.stacks.retry("pr-1", { which: "pending" })).toMatchObject({ outcome: "applied" });
    expect(await client.stacks.cancel("pr-1", "create")).toMatchObject({ outcome: "applied" });
    await expect(client.stacks.cancel("pr-1", "nothing")).rejects.toMatchObject({
      problem: { code: "TASK_NOT_CURRENT" },
    });
    expect(await client.stacks.remove("pr-1", { reason: "done with it" })).toMatchObject({ outcome: "removed" });
  });

  it("lists stacks, histories, attempts, machines and processes, and simulates", async () => {
    const { client } = await start();
    await client.publish(launch);
    await client.waitForState("pr-1", "IDLE");

    expect((await client.stacks.list({ machine: "review-app" })).items).toMatchObject([{ id: "pr-1" }]);
    expect((await client.stacks.history("pr-1", { order: "oldest" })).items[0]).toMatchObject({ event: "LAUNCH" });
    const [attempt] = await client.stacks.attempts("pr-1");
    expect(await client.stacks.attemptLog(attempt?.attemptId ?? "")).toEqual(expect.any(String));
    expect(await client.machines.list()).toMatchObject([{ name: "review-app", status: "valid" }]);
    expect((await client.processes.list()).items).toMatchObject([{ host: "blue", roles: ["engine", "worker"] }]);
    expect(await client.machines.get("review-app")).toMatchObject({ events: ["LAUNCH", "DEPLOY", "DOWN"] });
    expect(await client.machines.simulate([{ event: launch }])).toMatchObject([{ outcome: "applied" }]);
  });

  it("finds out what an event would do, what a machine looks like, and what the yard has", async () => {
    const { client: yard, url } = await start();
    await yard.publish(launch);
    await yard.waitForState("pr-1", "IDLE");
    const [attempt] = await yard.stacks.attempts("pr-1");
    const state = await fetch(`${url}/terraform/state/review-app/pr-1/main`, {
      method: "POST",
      body: JSON.stringify({ version: 4, serial: 7, lineage: "l", resources: [] }),
      headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
    });

    expect(state.status).toBe(200);
    expect(await yard.stacks.preview("pr-1", { event: "DEPLOY" })).toMatchObject({ from: "IDLE", to: "UP" });
    expect((await yard.machines.graph("review-app")).nodes).toContainEqual(expect.objectContaining({ id: "IDLE" }));
    expect(await yard.executors.list()).toMatchObject([{ name: "approval" }, { name: "script" }]);
    expect(await yard.attempts.get(attempt?.attemptId ?? "")).toEqual(attempt);
    expect(await yard.info()).toMatchObject({ stacks: 1, states: [{ state: "IDLE", count: 1 }] });
    const { items } = await yard.states.list({ prefix: "review-app/" });
    expect(items).toMatchObject([{ key: "review-app/pr-1/main", current: 1 }]);
    expect(JSON.parse(await yard.states.version("review-app/pr-1/main", 1))).toMatchObject({ serial: 7 });
    expect(await yard.states.restore("review-app/pr-1/main", 1)).toMatchObject({ version: 2, serial: 8 });
  });

  it("watches on after the server was away, without a gap and without a repeat", { tags: "adapter" }, async () => {
    const { client, restart } = await start();
    const stop = new AbortController();
    const seen: HistoryEntry[] = [];
    const watching = (async () => {
      for await (const entry of client.watch({ since: 0, signal: stop.signal })) {
        seen.push(entry);
        if (entry.stackId === "pr-3" && entry.to === "IDLE") stop.abort();
      }
    })();
    await client.publish(launch);
    await client.waitForState("pr-1", "IDLE");

    await restart();
    await client.publishMany(["pr-2", "pr-3"].map((stackId) => ({ ...launch, stackId })));
    await watching;

    const positions = seen.map(({ position }) => position);
    expect(positions).toEqual([...new Set(positions)].sort((a, b) => a - b));
    expect(new Set(seen.map(({ stackId }) => stackId))).toEqual(new Set(["pr-1", "pr-2", "pr-3"]));
    expect(seen).toHaveLength((await client.events.list({ limit: 1000 })).items.length);
  });

  it("stops watching with a wrong token", async () => {
    const { url } = await start();
    const stranger = new Stackyard({ url, token: "wrong" });

    await expect(stranger.watch().next()).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
  });
});
