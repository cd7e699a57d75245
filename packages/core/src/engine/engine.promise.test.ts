import { Type } from "typebox";
import { describe, expect, it } from "vitest";
import { createMemoryStore } from "../memory/memory-store.ts";
import { defineExecutor, failed, type Step, succeeded } from "../ports/executor.ts";
import type { Locator } from "../ports/locator.ts";
import type { Store } from "../ports/store.ts";
import { aMachine } from "../testing/builders.ts";
import { countingIds, createFakeClock } from "../testing/fake-clock.ts";
import { createRecordingLogger } from "../testing/recording-logger.ts";
import { createScriptedExecutor } from "../testing/run-executor.ts";
import { createSimulator } from "../testing/simulator.ts";
import { aQueuedEvent } from "../testing/store-conformance/store-builders.ts";
import { createTrial, createTrialLocator, TRIAL_SOURCE } from "../testing/trial.ts";
import { createEngine, type EngineOptions } from "./engine.ts";

// One part for each promise of ARCHITECTURE.md, in its order.

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
const NEVER: Step = { kind: "running", progress: {}, pollAfterMs: HOUR_MS, message: "waits" };
const no = (code = "X") => failed({ code, message: "no", retryable: true });

const opened = { id: "e1", stackId: "pr-1", event: "OPENED", machine: "app" };
const pushed = { id: "e2", stackId: "pr-1", event: "PUSHED" };
const merged = { id: "e3", stackId: "pr-1", event: "MERGED" };

describe("1: a transition happens exactly once per event id", () => {
  it("in one commit with its history, its task messages and the end of its delivery", async () => {
    const commits: unknown[] = [];
    const { yard } = createTrial({
      script: () => NEVER,
      wrapStore: (store) => ({
        ...store,
        commit(changes) {
          for (const { write, appliedIds, history, dispatches, receipts } of changes) {
            const state = write.kind === "put" ? write.stack.state : write.kind;
            const lines = history.map(({ event, outcome }) => `${event} ${outcome}`);
            const tasks = dispatches.map(({ task }) => task);
            commits.push({ state, appliedIds, lines, tasks, acknowledged: receipts.length });
          }
          return store.commit(changes);
        },
      }),
    });

    await yard.publish(opened);
    await yard.settle();

    expect(commits).toEqual([
      { state: "BUILD", appliedIds: ["e1"], lines: ["OPENED applied"], tasks: ["network", "db"], acknowledged: 1 },
    ]);
  });

  it("however often and whenever the event is delivered", async () => {
    const { yard, calls, listOutcomes } = createTrial({ duplicateRate: 0.5, seed: 4 });
    await yard.publish(opened, opened);
    await yard.settle();

    for (let day = 0; day < 13; day += 1) {
      await yard.advance(DAY_MS);
      await yard.publish(opened);
    }
    await yard.settle();

    expect(calls).toHaveLength(2);
    expect((await listOutcomes("pr-1")).filter((line) => line === "OPENED applied")).toHaveLength(1);
  });

  it("also after the removal of its stack, whose ids are kept", async () => {
    const { yard, calls, listOutcomes } = createTrial();
    await yard.publish(opened);
    await yard.settle();
    await yard.publish(merged);
    await yard.settle();

    // The door knows them already; a transport of its own would bring them as far as the engine.
    await yard.publish(opened, merged);
    await yard.settle();

    expect(await yard.findStack("pr-1")).toBeUndefined();
    expect(calls).toHaveLength(3);
    expect((await listOutcomes("pr-1")).at(-1)).toBe("TASK_COMPLETED removed");
  });

  it("where another transport brings it again, which is recorded", async () => {
    const { deliver, listOutcomes } = createEngineBench();
    await deliver(aQueuedEvent("e1", { stackId: "pr-1", message: opened }));

    const outcome = await deliver(aQueuedEvent("e1", { stackId: "pr-1", message: opened }));

    expect(outcome).toEqual([{ kind: "done" }]);
    expect(await listOutcomes()).toEqual(["OPENED applied", "OPENED ignored DUPLICATE"]);
  });
});

describe("2: events of one stack apply in their order, and stacks do not wait for each other", () => {
  it("whatever the batches, and whichever process dies", async () => {
    for (let seed = 1; seed <= 10; seed += 1) {
      const { yard } = createTrial({ seed, crashRate: 0.1, duplicateRate: 0.2, script: () => NEVER });
      await yard.publish(opened);
      const messages = Array.from({ length: 30 }, (_, place) => ({
        id: `m${place}`,
        stackId: "pr-1",
        event: "RETRY_FAILED_TASKS",
        metadata: { place },
      }));
      await yard.publish(...messages);
      await yard.advance(10 * MINUTE_MS);

      const lines = await yard.listHistory("pr-1");
      const order = lines.filter(({ outcome }) => outcome === "applied").map(({ eventId }) => eventId);
      expect(order).toEqual(["e1", ...messages.map(({ id }) => id)]);
      expect(await yard.findViolations()).toEqual([]);
    }
  });

  it("also when one stack cannot be worked", async () => {
    const { yard, locator } = createTrial();
    const find = locator.find;
    Object.assign(locator, {
      find: (name: string) => (name === "bad" ? Promise.reject(new Error("disk")) : find(name)),
    });

    await yard.publish({ ...opened, stackId: "pr-0", machine: "bad" }, opened);
    await yard.settle();

    expect((await yard.findStack("pr-1"))?.state).toBe("LIVE");
  });

  it("and a refused event holds up nothing behind it", async () => {
    const { yard, listParked } = createTrial({ script: () => NEVER });

    await yard.publish(opened, pushed, merged);
    await yard.settle();

    expect((await yard.findStack("pr-1"))?.state).toBe("CLEAN-UP");
    expect(await listParked("pr-1")).toEqual(["e2 EVENT_NOT_HANDLED tried 1"]);
  });
});

describe("3: a task is dispatched at least once, and a late or duplicate result changes nothing that it should not", () => {
  /** Work whose calls note their idempotency key, and never end while they are the first. */
  function createKeyedWork(keys: string[]) {
    return defineExecutor({
      name: "work",
      config: Type.Object({}),
      start(ctx) {
        keys.push(`${ctx.task} ${ctx.attempt.number}/${ctx.attempt.token} ${ctx.idempotencyKey}`);
        return ctx.attempt.token === 1 ? new Promise<Step>(() => {}) : Promise.resolve(succeeded({}));
      },
    });
  }

  it("with a key that is the same when another worker takes an attempt over, and another one for the next attempt", async () => {
    const keys: string[] = [];
    const source = TRIAL_SOURCE.replace("tasks: [network, db]", "tasks: [db]");
    const executors = [createKeyedWork(keys)];
    // A worker that stands still: none of its renewals comes through.
    const wrapStore = (store: Store): Store => ({ ...store, renew: () => Promise.reject(new Error("late")) });
    const { yard } = createTrial({ executors, source, wrapStore });

    await yard.publish(opened);
    await yard.advance(MINUTE_MS);
    await yard.publish(pushed);
    await yard.advance(MINUTE_MS);

    const ids = keys.map((line) => line.split(" ")[2]);
    expect(keys.map((line) => line.replace(/ \w{32}$/, ""))).toEqual(["db 1/1", "db 1/2", "db 1/1", "db 1/2"]);
    expect(ids[0]).toMatch(/^[0-9a-f]{32}$/);
    expect([ids[1] === ids[0], ids[3] === ids[2], ids[2] === ids[0]]).toEqual([true, true, false]);
  });

  it("so that RETRY_PENDING_TASKS is harmless under a live lease and brings back what was lost", async () => {
    let lose = true;
    const keys: string[] = [];
    const wrapStore = (store: Store): Store => ({
      ...store,
      commit(changes) {
        if (!lose) return store.commit(changes);
        return store.commit(changes.map((change) => ({ ...change, dispatches: change.dispatches.slice(0, 1) })));
      },
    });
    const { yard } = createTrial({ executors: [createKeyedWork(keys)], wrapStore });
    await yard.publish(opened);
    await yard.settle();
    const before = keys.length;
    lose = false;

    await yard.publish({ stackId: "pr-1", event: "RETRY_PENDING_TASKS" });
    await yard.settle();

    expect(before).toBe(1);
    expect(keys.map((line) => line.slice(0, line.indexOf("/")))).toEqual(["network 1", "db 1"]);
    expect((await yard.findStack("pr-1"))?.attempts).toEqual({ network: 1, db: 1 });
  });

  it("and the answer of an attempt that was overtaken is stale", async () => {
    const { yard, listOutcomes } = createTrial({
      script: ({ attempt, task }) => (attempt > 1 ? undefined : answer(task)),
    });
    const answer = (task: string) => (task === "db" ? no() : undefined);
    await yard.publish(opened);
    await yard.settle();
    const first = (await yard.store.queries.listAttempts("pr-1")).find(({ task }) => task === "db")?.attemptId;
    await yard.publish({ stackId: "pr-1", event: "RETRY_FAILED_TASKS" });
    await yard.settle();

    await yard.publish({
      stackId: "pr-1",
      event: "TASK_ERROR",
      task: { name: "db" },
      dispatchId: first,
      description: "late",
    });
    await yard.settle();

    expect(await yard.findStack("pr-1")).toMatchObject({ state: "LIVE", tasks: [] });
    expect((await listOutcomes("pr-1")).at(-1)).toBe("TASK_ERROR ignored RESULT_STALE");
  });

  it("and the result of a stack that is gone is recorded and does no more", async () => {
    const { yard, listOutcomes } = createTrial({ script: ({ task }) => (task === "remove" ? undefined : NEVER) });
    await yard.publish(opened);
    await yard.settle();
    await yard.publish(merged);
    await yard.settle();

    await yard.advance(25 * HOUR_MS);

    expect(await yard.findStack("pr-1")).toBeUndefined();
    expect((await listOutcomes("pr-1")).slice(3)).toEqual([
      "TASK_TIMED_OUT ignored STACK_UNKNOWN",
      "TASK_TIMED_OUT ignored STACK_UNKNOWN",
      "TASK_CANCELLED ignored STACK_UNKNOWN",
      "TASK_CANCELLED ignored STACK_UNKNOWN",
    ]);
    expect((await yard.store.queries.stats()).openAttempts).toBe(0);
  });

  it("nor is an attempt of one incarnation taken for that of the next", async () => {
    const { yard } = createTrial({ script: () => NEVER });
    await yard.publish(opened);
    await yard.settle();
    const old = (await yard.store.queries.listAttempts("pr-1"))[0]?.attemptId;
    await yard.publish({ stackId: "pr-1", event: "REMOVE_STACK", force: true, reason: "test" });
    await yard.publish({ ...opened, id: "e9" });
    await yard.settle();

    await yard.publish({ stackId: "pr-1", event: "TASK_COMPLETED", task: { name: "db" }, dispatchId: old });
    await yard.settle();

    const stack = await yard.findStack("pr-1");
    expect(stack).toMatchObject({ incarnation: "e9", state: "BUILD", attempts: { network: 1, db: 1 } });
    expect(stack?.tasks.map(({ status }) => status)).toEqual(["PENDING", "PENDING"]);
  });

  it("while an attempt ends after 24 h from its first grant, and at once with its answer", async () => {
    const { yard } = createTrial({ script: () => NEVER });
    await yard.publish(opened);
    await yard.advance(DAY_MS - 1);
    const before = (await yard.findStack("pr-1"))?.tasks.map(({ status }) => status);

    await yard.advance(1);

    expect(before).toEqual(["PENDING", "PENDING"]);
    expect((await yard.findStack("pr-1"))?.tasks.map(({ status }) => status)).toEqual(["ERROR", "ERROR"]);
  });

  it("and one that no worker claims ends after a day", async () => {
    const wrapStore = (store: Store): Store => ({
      ...store,
      takeDue: (input) => store.takeDue({ ...input, kinds: input.kinds.filter((kind) => kind !== "task") }),
      nextDueAt: (kinds) => store.nextDueAt(kinds.filter((kind) => kind !== "task")),
    });
    const { yard, calls } = createTrial({ wrapStore });
    await yard.publish(opened);
    await yard.advance(DAY_MS - 1);
    const before = (await yard.findStack("pr-1"))?.tasks.map(({ status }) => status);

    await yard.advance(10 * MINUTE_MS);

    expect([before, calls]).toEqual([["PENDING", "PENDING"], []]);
    expect((await yard.findStack("pr-1"))?.tasks).toMatchObject([{ status: "ERROR" }, { status: "ERROR" }]);
    expect((await yard.findStack("pr-1"))?.runs).toEqual([]);
  });

  it("and an unconfirmed cancel ends at its deadline", async () => {
    const { yard } = createTrial({ script: () => NEVER });
    await yard.publish(opened);
    await yard.settle();

    await yard.publish({ stackId: "pr-1", event: "CANCEL_TASK", task: { name: "db" } });
    await yard.advance(5 * MINUTE_MS - 1);
    const before = (await yard.findStack("pr-1"))?.runs.map(({ task, cancelling }) => [task, cancelling]);
    await yard.advance(1);

    expect(before).toEqual([
      ["network", undefined],
      ["db", "requested"],
    ]);
    expect((await yard.findStack("pr-1"))?.tasks).toEqual([
      { name: "network", status: "PENDING" },
      { name: "db", status: "ERROR", errorMessage: "cancelled", errorCode: "TASK_CANCELLED" },
    ]);
  });
});

describe("4: nothing is dropped silently and nothing is retried forever", () => {
  it("a refused event is tried after 30 s, 1, 2, 4, 8 and every 15 minutes, and given up after an hour", async () => {
    const { yard, listParked, listDeadLetters } = createTrial({ script: () => NEVER });
    await yard.publish(opened, pushed);
    await yard.settle();
    const start = yard.clock.now();
    const triedAt: number[] = [];

    for (let before = (await listParked("pr-1"))[0]; before !== undefined; ) {
      await yard.advance(10_000);
      const now = (await listParked("pr-1"))[0];
      if (now !== before) triedAt.push((yard.clock.now() - start) / MINUTE_MS);
      before = now;
    }

    expect(triedAt).toEqual([0.5, 1.5, 3.5, 7.5, 15.5, 30.5, 45.5, 60]);
    expect(await listDeadLetters()).toEqual(["e2 EVENT_NOT_HANDLED"]);
  });

  it("and a refused event is not given up because its stack changes often", async () => {
    const { yard, listParked, listDeadLetters } = createTrial({ script: () => NEVER });
    await yard.publish(opened, pushed);
    for (let turn = 1; turn <= 60; turn += 1) {
      await yard.publish({ stackId: "pr-1", event: "RETRY_FAILED_TASKS", metadata: { turn } });
    }
    await yard.settle();

    expect([await listParked("pr-1"), await listDeadLetters()]).toEqual([["e2 EVENT_NOT_HANDLED tried 1"], []]);
  });

  it("parked events are decided oldest first, again and again, as the stack changes", async () => {
    let held = true;
    const { yard, listOutcomes } = createTrial({
      script: ({ task }) => (held && task === "db" ? no() : undefined),
    });
    await yard.publish(opened, pushed, { ...pushed, id: "e4", metadata: { n: 2 } });
    await yard.settle();
    held = false;

    await yard.publish({ stackId: "pr-1", event: "RETRY_FAILED_TASKS" });
    await yard.settle();

    expect(await listOutcomes("pr-1")).toEqual(expect.arrayContaining(["PUSHED applied", "PUSHED applied"]));
    const applied = (await yard.listHistory("pr-1")).filter(
      ({ event, outcome }) => event === "PUSHED" && outcome === "applied",
    );
    expect(applied.map(({ eventId }) => eventId)).toEqual(["e2", "e4"]);
  });

  it.each([
    [{ event: "NEVER-HEARD" }, "EVENT_UNDECLARED"],
    [{ event: "PUSHED", metadata: { deep: {} } }, "METADATA_NOT_FLAT"],
    [{ event: "PUSHED", metadata: { much: "x".repeat(70_000) } }, "METADATA_TOO_LARGE"],
    [{ event: "PUSHED", machine: "other" }, "MACHINE_MISMATCH"],
  ])("what can never apply is dead-lettered at once: %j", async (message, code) => {
    const { yard, listDeadLetters, listParked } = createTrial();
    await yard.publish(opened);
    await yard.settle();

    await yard.publish({ id: "bad", stackId: "pr-1", ...message });
    await yard.settle();

    expect([await listDeadLetters(), await listParked("pr-1")]).toEqual([[`bad ${code}`], []]);
  });

  it("and so are invalid events, under the empty stack id when they name no stack", async () => {
    const { yard, listOutcomes, listDeadLetters } = createTrial();

    await yard.store.enqueue([
      aQueuedEvent("a", { stackId: "", message: { event: "PUSHED" } }),
      aQueuedEvent("b", { stackId: "", message: { stackId: "x" } }),
      aQueuedEvent("c", { stackId: "pr-1", message: { stackId: "pr-1", event: "NEXT" } }),
    ]);
    await yard.settle();

    expect(await listDeadLetters()).toEqual(["a EVENT_INVALID", "b EVENT_INVALID", "c EVENT_RESERVED"]);
    expect([await listOutcomes(""), await listOutcomes("pr-1")]).toEqual([
      ["PUSHED dead-lettered EVENT_INVALID", " dead-lettered EVENT_INVALID"],
      ["NEXT dead-lettered EVENT_RESERVED"],
    ]);
  });

  it("the dead letters can be sent again under its id, and is decided afresh", async () => {
    const { yard, locator, listDeadLetters } = createTrial();
    await yard.publish(opened);
    await yard.settle();
    await yard.publish({ id: "e5", stackId: "pr-1", event: "TESTED" });
    await yard.settle();
    const [entry] = (await yard.store.queries.listDeadLetters({}, { limit: 1 })).items;
    locator.write(
      "app",
      TRIAL_SOURCE.replace("PUSHED, ", "PUSHED, TESTED, ").replace("LIVE:\n    on: {", "LIVE:\n    on: {TESTED: [], "),
    );

    await yard.store.queries.redrive([entry?.id ?? ""], yard.clock.now());
    await yard.settle();

    expect(await listDeadLetters()).toEqual([]);
    expect((await yard.listHistory("pr-1")).at(-1)).toMatchObject({ eventId: "e5", outcome: "applied" });
  });

  it.each(["CANCEL_TASK", "SETTLE_TASK", "RETRY_FAILED_TASKS"])(
    "a refused %s is answered and never parked",
    async (event) => {
      const { yard, listOutcomes, listParked, listDeadLetters } = createTrial();
      await yard.publish(opened);
      await yard.settle();

      await yard.publish({ stackId: "pr-1", event, task: { name: "db" }, as: "succeeded", reason: "by hand" });
      await yard.settle();

      expect((await listOutcomes("pr-1")).at(-1)).toBe(`${event} refused TASK_NOT_CURRENT`);
      expect([await listParked("pr-1"), await listDeadLetters()]).toEqual([[], []]);
    },
  );

  it.each([
    ["as soon as the machine returns", "machine", 0],
    ["at its next try after the revision has returned", "revision", 30_000],
  ])(
    "a result waits while its machine is missing and its revision is lost, and applies %s",
    async (_when, what, ms) => {
      let script: Step | undefined = NEVER;
      let isKept = false;
      const { yard, locator, listParked, listOutcomes } = createTrial({
        engines: 1,
        script: () => script,
        wrapStore: (store) => {
          const get: typeof store.revisions.get = async (hash) => (isKept ? store.revisions.get(hash) : undefined);
          return { ...store, revisions: { ...store.revisions, get } };
        },
      });
      await yard.publish(opened);
      await yard.settle();
      locator.write("app", undefined);
      script = undefined;

      await yard.advance(HOUR_MS);
      const parked = await listParked("pr-1");
      if (what === "machine") locator.write("app", TRIAL_SOURCE);
      else isKept = true;
      await yard.advance(ms);

      expect(parked.map((line) => line.replace(/^result:.* MACHINE/, "MACHINE"))).toEqual([
        "MACHINE_UNKNOWN tried 1",
        "MACHINE_UNKNOWN tried 1",
      ]);
      expect((await yard.findStack("pr-1"))?.state).toBe("LIVE");
      expect(await listOutcomes("pr-1")).toEqual([
        "OPENED applied",
        "TASK_COMPLETED parked MACHINE_UNKNOWN",
        "TASK_COMPLETED parked MACHINE_UNKNOWN",
        "TASK_COMPLETED applied",
        "TASK_COMPLETED applied",
      ]);
    },
  );

  it("a result applies without the document of its machine, by the stored revision of its stack", async () => {
    let script: Step | undefined = NEVER;
    const { yard, locator, listOutcomes } = createTrial({ engines: 1, script: () => script });
    await yard.publish(opened);
    await yard.settle();
    locator.write("app", undefined);
    script = undefined;

    await yard.advance(HOUR_MS);

    expect((await yard.findStack("pr-1"))?.state).toBe("LIVE");
    expect(await listOutcomes("pr-1")).toEqual(["OPENED applied", "TASK_COMPLETED applied", "TASK_COMPLETED applied"]);
  });

  it("a timer waits while its machine is lost, is tried as a parked event is, and given up after an hour", async () => {
    const machine = aMachine({
      INIT: { on: { LAUNCH: ["WAIT"] } },
      WAIT: { on: { DONE: ["END"] }, after: [{ inMs: 1_000, event: "DONE" }] },
      END: {},
    });
    let known = true;
    const revision = { name: machine.name, hash: machine.hash, source: "" };
    const locator: Locator = {
      find: async () => (known ? { kind: "found", machine, revision, problems: [] } : { kind: "unknown" }),
      list: async () => [],
    };
    const yard = createSimulator({ machines: [], executors: [], locator, engines: 1 });
    const message = { event: "LAUNCH", machine: machine.name };
    await yard.publish({ ...message, stackId: "back" }, { ...message, stackId: "lost" });
    await yard.settle();
    known = false;
    await yard.advance(20 * MINUTE_MS);
    const timers = (await yard.findStack("back"))?.timers;
    known = true;
    await yard.settle();
    const back = await yard.findStack("back");
    await yard.publish({ ...message, stackId: "late" });
    await yard.settle();
    known = false;

    await yard.advance(2 * HOUR_MS);

    const reason = expect.stringContaining("Unknown machine");
    expect(timers).toMatchObject([{ id: "1/after/0", event: "DONE", refused: { code: "MACHINE_UNKNOWN", reason } }]);
    expect(back?.state).toBe("END");
    const refused = { code: "MACHINE_UNKNOWN", givenUpAt: expect.any(Number) };
    expect(await yard.findStack("late")).toMatchObject({ state: "WAIT", timers: [{ id: "1/after/0", refused }] });
    const { items } = await yard.store.queries.listDeadLetters({}, { limit: 9 });
    expect(items.map(({ event, code }) => [event.id.replace(/:id-\d+:/, ":incarnation:"), code])).toEqual([
      ["timer:incarnation:1/after/0", "MACHINE_UNKNOWN"],
    ]);
  });

  it("a stack that loops by itself stops until it receives an event", async () => {
    const circle = TRIAL_SOURCE.replace(
      "NEXT: [{action: advance, state: LIVE}]",
      "NEXT: [{action: advance, state: BUILD}]",
    );
    const { yard, calls } = createTrial({ source: circle });

    await yard.publish(opened);
    await yard.settle();
    const stalled = await yard.findStack("pr-1");
    const before = calls.length;
    await yard.publish({ stackId: "pr-1", event: "MERGED" });
    await yard.settle();

    expect(before).toBe(2 * 1_001);
    expect(stalled).toMatchObject({ entry: 1_001, stalled: { code: "LOOP_LIMIT" } });
    expect(await yard.findStack("pr-1")).toBeUndefined();
  });

  it("an event whose decision fails each time is dead-lettered after ten deliveries", async () => {
    const { yard, locator, listOutcomes, listDeadLetters } = createTrial();
    Object.assign(locator, { find: () => Promise.reject(new Error("disk")) });

    await yard.publish(opened);
    for (let second = 0; second < 20; second += 1) await yard.advance(1_000);

    expect(await listDeadLetters()).toEqual(["e1 INTERNAL"]);
    expect(await listOutcomes("pr-1")).toEqual(["OPENED dead-lettered INTERNAL"]);
  });
});

describe("4: refused events where they are to be delivered again, or dropped", () => {
  const refused = aQueuedEvent("e2", { stackId: "pr-1", message: pushed });
  const begun = aQueuedEvent("e1", { stackId: "pr-1", message: opened });

  it("go back to their transport, recorded, and hold up none behind them", async () => {
    const { deliver, listOutcomes, store } = createEngineBench({ refusedEvents: "redeliver" });
    const behind = aQueuedEvent("e3", { stackId: "pr-1", message: merged });

    const outcomes = await deliver(begun, refused, behind);

    const done = { kind: "done" };
    expect(outcomes).toEqual([done, { kind: "retry", reason: "The event is refused.", refused: true }, done]);
    expect(await listOutcomes()).toEqual(["OPENED applied", "PUSHED refused EVENT_NOT_HANDLED", "MERGED applied"]);
    expect(await store.queries.stats()).toMatchObject({ parkedEvents: 0, deadLetters: 0 });
  });

  it("are redelivered even when they are invalid", async () => {
    const { deliver, store } = createEngineBench({ refusedEvents: "redeliver" });

    const outcomes = await deliver(aQueuedEvent("x", { stackId: "", message: {} }));

    expect(outcomes.map(({ kind }) => kind)).toEqual(["retry"]);
    expect((await store.queries.stats()).deadLetters).toBe(0);
  });

  it("are recorded and deleted when they are dropped", async () => {
    const { deliver, listOutcomes, store } = createEngineBench({ refusedEvents: "drop" });

    const outcomes = await deliver(begun, refused);

    expect(outcomes.map(({ kind }) => kind)).toEqual(["done", "done"]);
    expect(await listOutcomes()).toEqual(["OPENED applied", "PUSHED refused EVENT_NOT_HANDLED"]);
    expect(await store.queries.stats()).toMatchObject({ parkedEvents: 0, deadLetters: 0 });
  });
});

describe("5: a crash at any point leaves a state from which a restart continues", () => {
  it.each(["before", "after"] as const)("%s each single call of the store", async (when) => {
    let call = 0;
    // A process that dies when nothing is left to do is not replaced, so one quiet run is not yet the end.
    for (let quiet = 0; quiet < 3; ) {
      call += 1;
      const { yard } = createTrial({ crashAt: { call, when }, leaseMs: 30_000, seed: call });

      for (const message of [opened, pushed, merged]) {
        await yard.publish(message);
        await yard.advance(2 * MINUTE_MS);
      }

      expect([await yard.findStack("pr-1"), await yard.findViolations()]).toEqual([undefined, []]);
      expect(await yard.store.queries.stats()).toMatchObject({ queuedEvents: 0, queuedTasks: 0, openAttempts: 0 });
      quiet = yard.crashes() > 0 ? 0 : quiet + 1;
    }

    expect(call).toBeGreaterThan(40);
  });

  it("with timers that fire once, in any process", async () => {
    const machine = aMachine({
      INIT: { on: { LAUNCH: ["WAIT"] } },
      WAIT: { on: { DONE: ["END"] }, after: [{ inMs: HOUR_MS, event: "DONE" }] },
      END: {},
    });
    for (let seed = 1; seed <= 10; seed += 1) {
      const yard = createSimulator({ machines: [{ machine, source: "" }], executors: [], seed, crashRate: 0.3 });
      await yard.publish({ stackId: "s", event: "LAUNCH", machine: machine.name });

      await yard.advance(2 * HOUR_MS);

      const lines = (await yard.listHistory("s")).map(({ event, outcome }) => `${event} ${outcome}`);
      expect(lines).toEqual(["LAUNCH applied", "DONE applied"]);
    }
  });
});

/** An engine that receives deliveries as from a transport outside the store. */
function createEngineBench(options: EngineOptions = {}) {
  const store = createMemoryStore();
  const { executor } = createScriptedExecutor("work");
  const locator = createTrialLocator(new Map([["work", executor]]), { app: TRIAL_SOURCE });
  const logger = createRecordingLogger();
  const engine = createEngine(
    { store, locator, executors: new Map(), clock: createFakeClock(), ids: countingIds(), logger },
    options,
  );
  return {
    store,
    logger,
    deliver: (...events: readonly ReturnType<typeof aQueuedEvent>[]) =>
      engine.handle(events.map((event) => ({ event, deliveries: 1 }))),
    async listOutcomes() {
      const { items } = await store.queries.listHistory({ stackId: "pr-1" }, { limit: 100 });
      return items.map(({ event, outcome, code }) => [event, outcome, ...(code ? [code] : [])].join(" "));
    },
  };
}
