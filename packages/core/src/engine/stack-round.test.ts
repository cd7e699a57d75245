import { describe, expect, it } from "vitest";
import { toPrinted } from "../inspect/shown-stack.ts";
import { failed, type Step } from "../ports/executor.ts";
import { createTrial, TRIAL_SOURCE } from "../testing/trial.ts";

const NEVER: Step = { kind: "running", progress: {}, pollAfterMs: 3_600_000, message: "waits" };
const HOUR_MS = 3_600_000;
const opened = { id: "e1", stackId: "pr-1", event: "OPENED", machine: "app" };
const pushed = { id: "e2", stackId: "pr-1", event: "PUSHED" };

describe("a round", () => {
  it("takes the result of an attempt whose id is longer than the id of an event may be", async () => {
    const { yard } = createTrial();
    const stackId = `pr-${"ü".repeat(100)}`;

    await yard.publish({ ...opened, id: "e".repeat(255), stackId });
    await yard.settle();

    expect(await yard.findStack(stackId)).toMatchObject({ state: "LIVE", runs: [] });
  });

  it("keeps a deadline that its machine cannot answer, also where refused events are dropped or delivered again", async () => {
    for (const refusedEvents of ["drop", "redeliver"] as const) {
      const { yard, locator } = createTrial({ script: () => NEVER, engine: { refusedEvents } });
      await yard.publish(opened);
      await yard.settle();
      locator.write("app", undefined);
      await yard.advance(24 * HOUR_MS + 600_000);
      locator.write("app", TRIAL_SOURCE);

      await yard.advance(HOUR_MS / 2);

      expect((await yard.findStack("pr-1"))?.tasks.map(({ status }) => status)).toEqual(["ERROR", "ERROR"]);
    }
  });

  it("sets an event aside that the queue holds for another stack than it names", async () => {
    const { yard, listDeadLetters } = createTrial();

    await yard.store.enqueue([
      { id: "e1", stackId: "pr-1", origin: "external", receivedAt: 0, message: { ...opened, stackId: "pr-2" } },
    ]);
    await yard.settle();

    expect(await listDeadLetters()).toEqual(["e1 EVENT_INVALID"]);
    expect([await yard.findStack("pr-1"), await yard.findStack("pr-2")]).toEqual([undefined, undefined]);
  });

  it("parks no more events of a stack than its limit", async () => {
    const parking = { maxTries: 50, keepMs: HOUR_MS, maxParked: 2 };
    const { yard, listParked, listDeadLetters } = createTrial({ script: () => NEVER, engine: { parking } });
    await yard.publish(opened);
    await yard.settle();

    for (const id of ["a", "b", "c"]) await yard.publish({ ...pushed, id, metadata: { sha: id } });
    await yard.settle();

    expect(await listParked("pr-1")).toEqual(["a EVENT_NOT_HANDLED tried 1", "b EVENT_NOT_HANDLED tried 1"]);
    expect(await listDeadLetters()).toEqual(["c EVENT_NOT_HANDLED"]);
  });

  it("decides a parked event again when the stack takes a newer revision", async () => {
    const { yard, locator, listParked } = createTrial({
      script: ({ task }) => (task === "db" ? failed({ code: "X", message: "no", retryable: true }) : NEVER),
    });
    await yard.publish(opened, pushed);
    await yard.settle();
    expect(await listParked("pr-1")).toEqual(["e2 EVENT_NOT_HANDLED tried 1"]);
    locator.write(
      "app",
      TRIAL_SOURCE.replace("MERGED: [{action: advance, state: CLEAN-UP}]}\n  LIVE", "PUSHED: []}\n  LIVE"),
    );

    await yard.publish({ stackId: "pr-1", event: "RETRY_PENDING_TASKS" });
    await yard.settle();

    expect(await listParked("pr-1")).toEqual([]);
  });
});

describe("a new revision of a machine", () => {
  const withPush = TRIAL_SOURCE.replace(
    "MERGED: [{action: advance, state: CLEAN-UP}]}\n  LIVE",
    `PUSHED: [], MERGED: []}\n  LIVE`,
  );

  it("has parked events decided again at once, of stacks that are there and of those that are not yet", async () => {
    const { yard, locator, listParked, listOutcomes } = createTrial({ engines: 1, script: () => NEVER });
    await yard.publish(opened, pushed, { id: "e3", stackId: "pr-2", event: "OPENED", machine: "later" });
    await yard.settle();
    const before = [...(await listParked("pr-1")), ...(await listParked("pr-2"))];

    locator.write("app", withPush);
    locator.write("later", TRIAL_SOURCE);
    await yard.settle();

    expect(before).toEqual(["e2 EVENT_NOT_HANDLED tried 1", "e3 MACHINE_UNKNOWN tried 1"]);
    expect(await listOutcomes("pr-1")).toEqual(["OPENED applied", "PUSHED parked EVENT_NOT_HANDLED", "PUSHED applied"]);
    expect(await yard.findStack("pr-2")).toMatchObject({ machine: "later", state: "BUILD" });
  });

  it("costs a parked event no try while nothing has changed", async () => {
    const { yard, listParked } = createTrial({ engines: 1, script: () => NEVER });
    await yard.publish(opened, pushed);

    for (let turn = 0; turn < 20; turn += 1) await yard.advance(1_000);

    expect(await listParked("pr-1")).toEqual(["e2 EVENT_NOT_HANDLED tried 1"]);
  });

  it("reaches the stacks behind the first page too", async () => {
    const { yard, locator, listParked } = createTrial({ engines: 1, script: () => NEVER });
    const ids = Array.from({ length: 300 }, (_, index) => `pr-${1_000 + index}`);
    for (const stackId of ids) {
      await yard.publish({ ...opened, id: `o-${stackId}`, stackId }, { ...pushed, id: `p-${stackId}`, stackId });
    }
    await yard.settle();

    locator.write("app", withPush);
    await yard.settle();

    expect((await Promise.all(ids.map(listParked))).flat()).toEqual([]);
  });
});

describe("a result that is refused", () => {
  const source = `
version: 2
events: [OPENED]
metadata:
  password: { type: string, sensitive: true }
states:
  INIT: { on: { OPENED: BUILD } }
  BUILD: { tasks: [db] }
tasks:
  db: { executor: work, config: {}, outputs: { password: pw } }
`;

  it("is listed without the outputs that become sensitive metadata, and without what quotes them", async () => {
    const { yard, listDeadLetters } = createTrial({ source, script: () => NEVER });
    const result = { id: "e2", stackId: "pr-1", event: "TASK_COMPLETED", task: { name: "db" } };
    await yard.publish(opened);
    await yard.settle();

    const said = { outputs: { pw: "hunter22" }, description: "made hunter22", machine: "another" };
    await yard.publish({ ...result, ...said });
    await yard.settle();

    const { items } = await yard.store.queries.listDeadLetters({}, { limit: 1 });
    expect(await listDeadLetters()).toEqual(["e2 MACHINE_MISMATCH"]);
    expect(items.map(toPrinted.message)).toMatchObject([{ task: { name: "db" }, outputs: { pw: "***" } }]);
    expect(JSON.stringify(items.map(toPrinted.message))).not.toContain("hunter22");
  });
});

describe("a parked event that cannot be decided", () => {
  it("does not block the event that made the engine retry it, and eventually becomes a dead letter", async () => {
    const { yard, locator, listOutcomes, listParked, listDeadLetters } = createTrial();
    await yard.publish({ id: "e1", stackId: "pr-1", event: "OPENED", machine: "later" });
    await yard.settle();
    const find = locator.find;
    Object.assign(locator, {
      find: (name: string) => (name === "later" ? Promise.reject(new Error("disk")) : find(name)),
    });

    await yard.advance(30_000);
    const parked = await listParked("pr-1");
    await yard.advance(HOUR_MS);

    expect(parked).toEqual(["e1 INTERNAL tried 2"]);
    expect(await listDeadLetters()).toEqual(["e1 INTERNAL"]);
    expect(await listOutcomes("pr-1")).toEqual(["OPENED parked MACHINE_UNKNOWN", "OPENED dead-lettered INTERNAL"]);
  });
});
