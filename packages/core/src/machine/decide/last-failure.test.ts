import { describe, expect, it } from "vitest";
import { createUlids } from "../../engine/built-in-ports.ts";
import { publishMessages } from "../../engine/engine.ts";
import { explainStack } from "../../inspect/explain-stack.ts";
import { createTrial } from "../../testing/trial.ts";
import type { Stack } from "../stack.ts";
import { evaluateHealth } from "../stack-health.ts";

const SOURCE = `
version: 2
events: [CREATED, DEPLOYED, REBUILT, RESET]
states:
  INIT: { on: { CREATED: DEPLOY } }
  DEPLOY: { tasks: [app, smoke], on: { NEXT: LIVE, FAILED: BROKEN } }
  BROKEN: { tasks: [rollback], on: { NEXT: no-op, DEPLOYED: DEPLOY, REBUILT: REBUILD, RESET: IDLE } }
  REBUILD: { tasks: [rebuild], on: { NEXT: LIVE, FAILED: BROKEN } }
  IDLE: { on: { DEPLOYED: DEPLOY } }
  LIVE: { on: { DEPLOYED: DEPLOY } }
tasks:
  app: { executor: work, config: {} }
  smoke: { executor: work, config: {}, needs: [app] }
  rollback: { executor: work, config: {} }
  rebuild: { executor: work, config: {} }
`;

async function play(fails: readonly string[] = ["smoke"]) {
  const failing = new Set(fails);
  const running = new Set<string>();
  const trial = createTrial({
    source: SOURCE,
    script: ({ task }) => {
      if (running.has(task)) return { kind: "running", message: "on", progress: {}, pollAfterMs: 600_000 };
      return failing.has(task) ? { kind: "failed", code: "X", message: "no", retryable: false } : undefined;
    },
  });
  const { yard } = trial;
  const send = async (event: string, more: Readonly<Record<string, unknown>> = {}) => {
    await yard.publish({ id: `${event}-${yard.clock.now()}`, stackId: "s", event, ...more });
    await yard.settle();
    await yard.advance(1_000);
  };
  const look = async () => {
    const stack = await yard.findStack("s");
    const { total } = await yard.store.queries.countStacks({ condition: "degraded" });
    return [stack?.state, stack !== undefined && evaluateHealth(stack).degraded, total];
  };
  await send("CREATED", { machine: "app" });
  return { ...trial, send, look, failing, running };
}

describe("a stack whose task has failed and that has moved on", () => {
  it("is degraded, also when the tasks of its failure state succeed [argo-cd: health Degraded]", async () => {
    const { look } = await play();

    expect(await look()).toEqual(["BROKEN", true, 1]);
  });

  it("is not degraded while a person's new try is under way", async () => {
    const { look, send, running } = await play();
    running.add("smoke");

    await send("DEPLOYED");

    expect(await look()).toEqual(["DEPLOY", false, 0]);
  });

  it("is resolved when the task succeeds", async () => {
    const { look, send, failing } = await play();
    failing.clear();

    await send("DEPLOYED");

    expect(await look()).toEqual(["LIVE", false, 0]);
  });

  it("is resolved by the success of other tasks that a person has begun", async () => {
    const { look, send } = await play();

    await send("REBUILT");

    expect(await look()).toEqual(["LIVE", false, 0]);
  });

  it("stays degraded in a state without tasks", async () => {
    const { look, send } = await play();

    await send("RESET");

    expect(await look()).toEqual(["IDLE", true, 1]);
  });

  it("stays degraded when a person has acknowledged the failure, and needs a person again by the next one", async () => {
    const { look, send, yard } = await play();
    const countNeedy = async () => (await yard.store.queries.countStacks({ needsPerson: true })).total;
    expect(await countNeedy()).toBe(1);

    await send("ACKNOWLEDGE_FAILURE", { reason: "known" });
    expect([await look(), await countNeedy()]).toEqual([["BROKEN", true, 1], 0]);

    await send("DEPLOYED");
    expect([await look(), await countNeedy()]).toEqual([["BROKEN", true, 1], 1]);
  });

  it("is failed instead where a task of its present state has failed", async () => {
    const { yard } = await play(["smoke", "rollback"]);
    const { failed, tasks } = (await yard.findStack("s")) ?? {};
    const counts = await yard.store.queries.countStacks({}, "condition");

    expect([failed, tasks?.map(({ status }) => status)]).toEqual([true, ["ERROR"]]);
    expect(counts.groups.filter(({ count }) => count > 0)).toEqual([
      { condition: "failed", count: 1 },
      { condition: "waiting", count: 1 },
    ]);
  });
});

describe("ACKNOWLEDGE_FAILURE", () => {
  it("notes who has acknowledged it, writes an entry of the audit log, and changes nothing the second time", async () => {
    const { yard, send } = await play();
    const sender = { kind: "person", id: "p1", name: "ada", groups: [] } as const;
    const acknowledge = { stackId: "s", event: "ACKNOWLEDGE_FAILURE", reason: "known" };
    await publishMessages({ store: yard.store, clock: yard.clock, ids: createUlids() }, [acknowledge], { sender });
    await yard.settle();
    const [first] = await yard.store.load(["s"]);
    await send("ACKNOWLEDGE_FAILURE", { actor: "bob" });
    const [second] = await yard.store.load(["s"]);
    const lines = (await yard.listHistory("s")).filter(({ event }) => event === "ACKNOWLEDGE_FAILURE");

    expect(first?.stack?.lastFailure).toMatchObject({
      task: "smoke",
      acknowledged: { at: expect.any(Number), by: "ada", byId: "p1", reason: "known" },
    });
    expect(second).toEqual(first);
    expect(lines).toMatchObject([
      { outcome: "applied", reason: "known", notes: [] },
      { outcome: "applied", notes: ["The failure was acknowledged by ada before."] },
    ]);
    const audit = await yard.store.records.list("audit/", { limit: 100, now: yard.clock.now() });
    expect(audit.items.map(({ value }) => value)).toEqual(
      expect.arrayContaining([expect.objectContaining({ action: "ACKNOWLEDGE_FAILURE", outcome: "done" })]),
    );
  });
});

describe("a task that has succeeded and has left something undone", () => {
  const shortfall = { code: "STACK_BROKEN", message: "43 of 45 stacks have arrived, 2 have failed: STACK_BROKEN 2." };

  function play() {
    const left = { now: true };
    const trial = createTrial({
      source: SOURCE,
      script: ({ task }) => (task === "app" && left.now ? { kind: "succeeded", outputs: {}, shortfall } : undefined),
    });
    const send = async (event: string, more: Readonly<Record<string, unknown>> = {}) => {
      await trial.yard.publish({ id: `${event}-${trial.yard.clock.now()}`, stackId: "s", event, ...more });
      await trial.yard.settle();
      await trial.yard.advance(1_000);
    };
    const look = async () => {
      const stack = await trial.yard.findStack("s");
      const { total } = await trial.yard.store.queries.countStacks({ mainCondition: "degraded", needsPerson: true });
      return [stack?.state, stack?.lastFailure, total];
    };
    return { ...trial, left, send, look };
  }

  it("moves its stack on, which is degraded until the task succeeds in full (kargo#3155)", async () => {
    const { left, send, look } = play();

    await send("CREATED", { machine: "app" });

    const failure = { task: "app", state: "DEPLOY", attempt: 1, partial: true, ...shortfall };
    expect(await look()).toEqual(["LIVE", expect.objectContaining(failure), 1]);

    left.now = false;
    await send("DEPLOYED");
    expect(await look()).toEqual(["LIVE", expect.objectContaining({ resolvedAt: expect.any(Number) }), 0]);
  });

  it("is what its stack says first", async () => {
    const { yard, send } = play();
    await send("CREATED", { machine: "app" });

    const stack = await yard.findStack("s");
    const { summary, lastFailure } = explainStack(
      { stack: stack as Stack, attempts: [], parked: [] },
      yard.clock.now(),
    );

    expect(summary).toMatch(
      /^Degraded: "app" in DEPLOY: 43 of 45 stacks have arrived, 2 have failed: STACK_BROKEN 2\./,
    );
    expect(lastFailure).not.toHaveProperty("missed");
  });

  it("is not believed of an event from outside, whose code may mean something else", async () => {
    const script = ({ task }: { readonly task: string }) =>
      task === "app" ? ({ kind: "running", message: "on", progress: {}, pollAfterMs: 600_000 } as const) : undefined;
    const { yard } = createTrial({ source: SOURCE, script });
    await yard.publish({ id: "e1", stackId: "s", event: "CREATED", machine: "app" });
    await yard.settle();

    await yard.publish({ id: "e2", stackId: "s", event: "TASK_COMPLETED", task: { name: "app" }, code: "X" });
    await yard.settle();
    await yard.advance(1_000);

    const stack = await yard.findStack("s");
    expect([stack?.state, stack?.lastFailure]).toEqual(["LIVE", undefined]);
  });
});
