import { describe, expect, it } from "vitest";
import { failed, type Step } from "../ports/executor.ts";
import { parseQueuedEvent } from "../ports/queued-event.ts";
import { createTrial, TRIAL_SOURCE } from "../testing/trial.ts";

const NEVER: Step = { kind: "running", progress: {}, pollAfterMs: 3_600_000, message: "waits" };

const opened = { id: "e1", stackId: "pr-1", event: "OPENED", machine: "app" };

describe("the engine", () => {
  it("takes a stack from its first event to its removal", async () => {
    const { yard, calls, listOutcomes } = createTrial();

    await yard.publish(opened);
    await yard.settle();
    await yard.publish({ id: "e2", stackId: "pr-1", event: "MERGED" });
    await yard.settle();

    expect(calls.map(({ task }) => task).sort()).toEqual(["db", "network", "remove"]);
    expect(await yard.findStack("pr-1")).toBeUndefined();
    expect(await listOutcomes("pr-1")).toEqual([
      "OPENED applied",
      "TASK_COMPLETED applied",
      "TASK_COMPLETED applied",
      "MERGED applied",
      "TASK_COMPLETED removed",
    ]);
  });

  it("applies an event id once, also after the stack was removed", async () => {
    const { yard, calls, listOutcomes } = createTrial();
    await yard.publish(opened, opened);
    await yard.settle();
    await yard.publish({ id: "e2", stackId: "pr-1", event: "MERGED" });
    await yard.settle();

    await yard.publish(opened);
    await yard.settle();

    expect(calls).toHaveLength(3);
    expect(await yard.findStack("pr-1")).toBeUndefined();
    expect((await listOutcomes("pr-1")).filter((line) => line === "OPENED applied")).toHaveLength(1);
  });

  it("parks an event that the state refuses, and applies it as soon as a later state handles it", async () => {
    let held = true;
    const { yard, listOutcomes } = createTrial({
      script: ({ task }) => (held && task === "db" ? failed({ code: "X", message: "no", retryable: true }) : undefined),
    });
    await yard.publish(opened, { id: "e2", stackId: "pr-1", event: "PUSHED", metadata: { sha: "a2" } });
    await yard.settle();
    const parked = (await yard.store.load(["pr-1"]))[0]?.parked.map(({ event, code, tries }) => ({
      id: event.id,
      code,
      tries,
    }));
    held = false;

    await yard.publish({ stackId: "pr-1", event: "RETRY_FAILED_TASKS" });
    await yard.settle();

    expect(parked).toEqual([{ id: "e2", code: "EVENT_NOT_HANDLED", tries: expect.any(Number) }]);
    expect(await yard.findStack("pr-1")).toMatchObject({ state: "LIVE", metadata: { sha: "a2" } });
    expect((await listOutcomes("pr-1")).filter((line) => line.startsWith("PUSHED"))).toEqual([
      "PUSHED parked EVENT_NOT_HANDLED",
      "PUSHED applied",
    ]);
    expect((await yard.store.load(["pr-1"]))[0]?.parked).toEqual([]);
  });

  it("sets a parked event aside after an hour, and lists it with its reason", async () => {
    const { yard, listOutcomes } = createTrial({ script: () => NEVER });
    await yard.publish(opened, { id: "e2", stackId: "pr-1", event: "PUSHED" });

    await yard.advance(3_600_000 + 1_000);

    const { items } = await yard.store.queries.listDeadLetters({ stackId: "pr-1" }, { limit: 10 });
    expect(items.map(({ event, code, reason }) => ({ id: event.id, code, reason }))).toEqual([
      { id: "e2", code: "EVENT_NOT_HANDLED", reason: '"BUILD" has no "PUSHED".' },
    ]);
    expect(await listOutcomes("pr-1")).toContain("PUSHED dead-lettered EVENT_NOT_HANDLED");
    expect((await yard.store.load(["pr-1"]))[0]?.parked).toEqual([]);
  });

  it("decides an event afresh when it is sent again after it was dead-lettered", async () => {
    const { yard } = createTrial({ script: () => NEVER });
    await yard.publish(opened, { id: "e2", stackId: "pr-1", event: "PUSHED" });
    await yard.advance(3_700_000);
    const [entry] = (await yard.store.queries.listDeadLetters({}, { limit: 10 })).items;

    const redriven = await yard.store.queries.redrive([entry?.id ?? ""], yard.clock.now());
    await yard.settle();

    expect(redriven).toEqual([entry?.id]);
    expect((await yard.store.load(["pr-1"]))[0]?.parked.map(({ event }) => event.id)).toEqual(["e2"]);
  });

  it("begins a new stack with an event that names the machine and was sent while the old stack was cleaned up", async () => {
    const { yard } = createTrial();
    await yard.publish(opened);
    await yard.settle();

    await yard.publish(
      { id: "e3", stackId: "pr-1", event: "MERGED" },
      { id: "e2", stackId: "pr-1", event: "OPENED", machine: "app", metadata: { incarnation: 2 } },
    );
    await yard.settle();

    expect(await yard.findStack("pr-1")).toMatchObject({
      state: "LIVE",
      incarnation: "e2",
      metadata: { incarnation: 2 },
    });
  });

  it("does not apply a dead letter of a removed stack to a stack of another machine", async () => {
    const { yard, locator, listDeadLetters } = createTrial({
      script: ({ task }) => (task === "db" ? NEVER : undefined),
    });
    locator.write("other", TRIAL_SOURCE);
    await yard.publish(opened);
    await yard.settle();
    await yard.publish({ id: "e2", stackId: "pr-1", event: "PUSHED", metadata: { password: "of-app" } });
    await yard.settle();
    await yard.advance(3_700_000);
    const [letter] = (await yard.store.queries.listDeadLetters({}, { limit: 1 })).items;
    await yard.publish({ stackId: "pr-1", event: "REMOVE_STACK", force: true, reason: "moves" });
    await yard.settle();

    await yard.publish({ id: "e3", stackId: "pr-1", event: "OPENED", machine: "other" });
    await yard.settle();
    await yard.store.queries.redrive([letter?.id ?? ""], yard.clock.now());
    await yard.advance(60_000);

    expect(await yard.findStack("pr-1")).toMatchObject({ machine: "other", metadata: {} });
    expect(await listDeadLetters()).toEqual(["e2 MACHINE_MISMATCH"]);
    const [dead] = (await yard.store.queries.listDeadLetters({}, { limit: 1 })).items;
    expect(dead?.event).toMatchObject({ machine: "app", incarnation: "e1" });
  });

  it("sets what can never apply aside at once", async () => {
    const { yard, listOutcomes } = createTrial();
    await yard.publish(opened);
    await yard.settle();

    await yard.publish(
      { id: "e2", stackId: "pr-1", event: "NEVER-HEARD" },
      { id: "e3", stackId: "pr-1", event: "PUSHED", metadata: { deep: {} } },
      { id: "e4", stackId: "pr-1", event: "PUSHED", machine: "other" },
    );
    await yard.settle();

    expect((await listOutcomes("pr-1")).slice(-3)).toEqual([
      "NEVER-HEARD dead-lettered EVENT_UNDECLARED",
      "PUSHED dead-lettered METADATA_NOT_FLAT",
      "PUSHED dead-lettered MACHINE_MISMATCH",
    ]);
    const { items } = await yard.store.queries.listDeadLetters({}, { limit: 10 });
    expect(items).toHaveLength(3);
  });

  it("dead-letters an event whose row was damaged, with the reason, and applies the events behind it", async () => {
    const { yard, listOutcomes } = createTrial();
    const row = { id: "e0", stackId: "pr-1", receivedAt: 1 };
    await yard.store.enqueue([parseQueuedEvent('{"id":"e0","stackId"', row)]);

    await yard.publish(opened);
    await yard.settle();

    expect((await listOutcomes("pr-1")).slice(0, 2)).toEqual([" dead-lettered EVENT_INVALID", "OPENED applied"]);
    const { items } = await yard.store.queries.listDeadLetters({}, { limit: 10 });
    const reason = "The row of the event in the queue cannot be read: it is not JSON.";
    expect(items).toMatchObject([{ reason, masked: "all", event: { message: { body: '{"id":"e0","stackId"' } } }]);
  });

  it("parks an event of a machine that is not known yet", async () => {
    const { yard } = createTrial();

    await yard.publish({ id: "e1", stackId: "x", event: "OPENED", machine: "later" });
    await yard.settle();

    expect((await yard.store.load(["x"]))[0]).toMatchObject({ version: 0, parked: [{ code: "MACHINE_UNKNOWN" }] });
  });

  it("records an event of a stack that is not there and keeps nothing else of it", async () => {
    const { yard, listOutcomes } = createTrial();

    await yard.publish({ id: "e1", stackId: "ghost", event: "MERGED" });
    await yard.settle();

    expect(await listOutcomes("ghost")).toEqual(["MERGED ignored STACK_UNKNOWN"]);
    expect((await yard.store.load(["ghost"]))[0]).toMatchObject({ version: 0, parked: [] });
  });

  it("only records a refused event when refusals are dropped", async () => {
    const { yard, listOutcomes } = createTrial({ script: () => NEVER, engine: { refusedEvents: "drop" } });

    await yard.publish(opened, { id: "e2", stackId: "pr-1", event: "PUSHED" });
    await yard.settle();

    expect(await listOutcomes("pr-1")).toEqual(["OPENED applied", "PUSHED refused EVENT_NOT_HANDLED"]);
    expect((await yard.store.load(["pr-1"]))[0]?.parked).toEqual([]);
  });

  it("keeps the code of a failed task, in the history and with the task", async () => {
    const { yard } = createTrial({ script: () => NEVER });
    await yard.publish(opened);
    await yard.settle();

    const body = { event: "TASK_ERROR", task: { name: "db" }, description: "no room", code: "DB_FULL" };
    await yard.publish(opened, { id: "e2", stackId: "pr-1", ...body });
    await yard.settle();

    const { items } = await yard.store.queries.listHistory({ stackId: "pr-1", newestFirst: true }, { limit: 1 });
    expect(items[0]).toMatchObject({ outcome: "applied", code: "DB_FULL", description: "no room" });
    const failed = { name: "db", status: "ERROR", errorMessage: "no room", errorCode: "DB_FULL" };
    expect((await yard.findStack("pr-1"))?.tasks).toContainEqual(failed);
  });

  it("fails a task whose time is over, and closes its run when the worker has stopped", async () => {
    const { yard, listOutcomes } = createTrial({ script: ({ task }) => (task === "db" ? NEVER : undefined) });
    await yard.publish(opened);

    await yard.advance(25 * 3_600_000);

    const stack = await yard.findStack("pr-1");
    expect(stack?.tasks).toEqual([
      { name: "network", status: "SATISFIED" },
      { name: "db", status: "ERROR", errorMessage: "timed out after 24h" },
    ]);
    expect(stack?.runs).toEqual([]);
    expect(await listOutcomes("pr-1")).toContain("TASK_TIMED_OUT applied");
  });
});
