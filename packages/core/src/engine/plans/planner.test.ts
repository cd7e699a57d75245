import { describe, expect, it } from "vitest";
import { toReplayEvent } from "../../inspect/stack-at.ts";
import type { StackTimer } from "../../machine/stack.ts";
import { failed, succeeded } from "../../ports/executor.ts";
import { aStack } from "../../testing/builders.ts";
import { opened, PLAYED_SOURCE, planOf, playStack, pushed } from "../../testing/played-stack.ts";
import { aHistoryEntry } from "../../testing/store-conformance/store-builders.ts";
import { createTrial, type Trial } from "../../testing/trial.ts";
import { compareEnds, type UpgradePlan } from "./planner.ts";

const HOUR_MS = 3_600_000;

async function plan(trial: Trial, source: string, to?: string): Promise<UpgradePlan> {
  trial.locator.write("app", source);
  const planned = await planOf(trial).planUpgrade({ stackId: "pr-1", to });
  if (planned === undefined) throw new Error("Stack not found.");
  return planned;
}

function listDifferences({ differences }: UpgradePlan): readonly string[] {
  return differences.map(({ event, before, after }) => {
    const side = (each: UpgradePlan["differences"][number]["after"] | undefined) =>
      each === undefined ? "nothing" : [each.outcome, each.code, each.state, ...each.sent].filter(Boolean).join(" ");
    return `${event}: ${side(before)} -> ${side(after)}`;
  });
}

describe("the plan of an upgrade", () => {
  it("finds no difference where the behaviour is the same, over retries, chance and secrets", async () => {
    const trial = await playStack();

    const planned = await plan(trial, PLAYED_SOURCE.replace("version: 2", "version: 2\ndescription: newer"));

    expect(planned).toMatchObject({ outcome: "applied", differences: [], more: 0, end: [] });
    expect(planned.replayed).toBeGreaterThan(8);
    expect(planned.from).not.toBe(planned.to);
    expect(planned).not.toHaveProperty("incomplete");
    expect((await trial.yard.findStack("pr-1"))?.machineHash).toBe(planned.from);
  });

  it("says where the history would have been another: state, tasks, refusals", async () => {
    const trial = await playStack();

    const planned = await plan(
      trial,
      PLAYED_SOURCE.replace("NEXT: LIVE", "NEXT: CHECK").replace("  LIVE:", "  CHECK: {}\n  LIVE:"),
    );

    expect(listDifferences(planned)).toEqual([
      "TASK_COMPLETED: applied LIVE -> applied CHECK",
      "PUSHED: applied BUILD network -> refused EVENT_NOT_HANDLED CHECK",
      expect.stringMatching(/^TASK_COMPLETED: applied BUILD db -> ignored RESULT_STALE CHECK$/),
      expect.stringMatching(/^TASK_COMPLETED: applied LIVE -> ignored RESULT_STALE CHECK$/),
    ]);
    expect(planned.differences[0]).toMatchObject({
      eventId: expect.stringMatching(/^result:/),
      at: expect.any(Number),
    });
    expect(planned.end).toContainEqual({ what: "state", before: "LIVE", after: "CHECK" });
    expect(planned.end).toContainEqual({ what: "metadata password", before: "***", after: null });
    expect(JSON.stringify(planned)).not.toContain("hunter22");
  });

  it("fires the timers that only the new revision has", async () => {
    const trial = await playStack();
    await trial.yard.advance(2 * HOUR_MS);

    const planned = await plan(
      trial,
      PLAYED_SOURCE.replace("  LIVE: {", "  LIVE: { after: [{ in: 1h, event: MERGED }],"),
    );

    expect(listDifferences(planned)).toEqual(["MERGED: nothing -> applied CLEAN-UP remove"]);
    expect(planned.end).toContainEqual({ what: "task remove", before: null, after: "PENDING" });
  });

  it("retries what the history did not", async () => {
    const trial = await playStack({ source: PLAYED_SOURCE.replace("attempts: 3", "attempts: 1") });

    const planned = await plan(trial, PLAYED_SOURCE);

    expect(listDifferences(planned)[0]).toBe("TASK_ERROR: applied BROKEN -> applied BUILD");
    expect(listDifferences(planned)).toContain("TASK_RETRY_DUE: nothing -> applied BUILD db");
  });

  it("judges an event too that was refused for what it set, and brought nothing", async () => {
    const source = PLAYED_SOURCE.replace("MERGED: {} }", "MERGED: {}, GROWN: {} }")
      .replace("metadata:\n", "metadata:\n  size: { type: number, maximum: 2, default: 1 }\n")
      .replace("LIVE: { on: {", `LIVE: { on: { GROWN: [{ action: no-op, set: { size: "\${metadata.size + 1}" } }],`);
    const trial = await playStack({ source });
    for (const id of ["e3", "e4"]) await trial.yard.publish({ id, stackId: "pr-1", event: "GROWN" });
    await trial.yard.settle();

    const planned = await plan(trial, source.replace("maximum: 2", "maximum: 3"));

    expect(await trial.listOutcomes("pr-1")).toContain("GROWN dead-lettered METADATA_INVALID");
    expect(listDifferences(planned)).toEqual(["GROWN: refused METADATA_INVALID LIVE -> applied LIVE"]);
  });

  it("applies an event that the new revision refuses at first when the stack can take it", async () => {
    const source = `
version: 2
events: { OPENED: {}, PUSHED: {}, READY: {} }
states:
  INIT: { on: { OPENED: WAITING } }
  WAITING: { on: { PUSHED: WAITING, READY: LIVE } }
  LIVE: { on: { PUSHED: BUILD } }
  BUILD: {}
`;
    const trial = createTrial({ source });
    await trial.yard.publish(opened);
    await trial.yard.publish({ id: "e2", stackId: "pr-1", event: "PUSHED" });
    await trial.yard.publish({ id: "e3", stackId: "pr-1", event: "READY" });
    await trial.yard.settle();

    const planned = await plan(trial, source.replace("PUSHED: WAITING, ", ""));

    expect(listDifferences(planned)).toEqual([
      "PUSHED: applied WAITING -> refused EVENT_NOT_HANDLED WAITING",
      "PUSHED: applied WAITING -> applied BUILD",
    ]);
    expect(planned.end).toEqual([{ what: "state", before: "LIVE", after: "BUILD" }]);
  });

  it("finds no difference where an event came early on both", async () => {
    let isReady = false;
    const script = () => {
      const step = isReady ? succeeded({}) : failed({ code: "QUOTA", message: "no room", retryable: true });
      isReady = true;
      return step;
    };
    const source = PLAYED_SOURCE.replace("network: {", "network: { retry: { attempts: 2 },");
    const trial = createTrial({ source, script });
    await trial.yard.publish(opened);
    await trial.yard.publish(pushed);
    await trial.yard.advance(30_000);

    const planned = await plan(trial, source.replace("version: 2", "version: 2\ndescription: newer"));

    expect(planned).toMatchObject({ outcome: "applied", differences: [], end: [] });
    expect(await trial.listOutcomes("pr-1")).toContain("PUSHED parked EVENT_NOT_HANDLED");
  });

  it("retries on where the history had retried already and given up", async () => {
    const trial = await playStack({ source: PLAYED_SOURCE.replace("attempts: 3", "attempts: 2") });

    const planned = await plan(trial, PLAYED_SOURCE.replace("attempts: 3", "attempts: 4"));

    expect(listDifferences(planned)[0]).toBe("TASK_ERROR: applied BROKEN -> applied BUILD");
    expect(listDifferences(planned)).toContain("TASK_RETRY_DUE: nothing -> applied BUILD db");
  });

  it("reports an incomplete replay when the new revision's timers would fire too often", async () => {
    const trial = createTrial({ source: PLAYED_SOURCE });
    await trial.yard.publish(opened);
    await trial.yard.advance(2 * HOUR_MS);

    const planned = await plan(
      trial,
      PLAYED_SOURCE.replace("MERGED: {} }", "MERGED: {}, TICK: {} }").replace(
        "  LIVE: { on: {",
        "  LIVE: { after: [{ in: 4s, event: TICK }], on: { TICK: LIVE,",
      ),
    );

    expect(planned.incomplete).toMatch(/^More than 1000 timers that only the new revision has would have fired/);
    expect(planned.end).toEqual([]);
  });

  it("finds a timer that would be due at another time", async () => {
    const withTimer = (after: string) =>
      PLAYED_SOURCE.replace("MERGED: {} }", "MERGED: {}, EXPIRED: {} }").replace(
        "LIVE: { on: {",
        `LIVE: { after: [{ in: ${after}, event: EXPIRED }], on: { EXPIRED: CLEAN-UP,`,
      );
    const trial = await playStack({ source: withTimer("72h") });
    const [timer] = (await trial.yard.findStack("pr-1"))?.timers ?? [];
    const dueAt = timer?.dueAt ?? 0;

    const same = await plan(trial, `${withTimer("72h")}description: newer\n`);
    const planned = await plan(trial, withTimer("48h"));

    const at = (ms: number) => new Date(ms).toISOString();
    expect(same).toMatchObject({ outcome: "applied", differences: [], end: [] });
    expect([planned.differences, planned.end]).toEqual([
      [],
      [{ what: "timer EXPIRED", before: at(dueAt), after: at(dueAt - 24 * HOUR_MS) }],
    ]);
  });

  it("reports that the upgrade itself would be refused, and still replays", async () => {
    const trial = await playStack();

    const planned = await plan(trial, PLAYED_SOURCE.replaceAll("LIVE", "UP"));

    expect(planned).toMatchObject({ outcome: "refused", code: "UPGRADE_STATE_MISSING" });
    expect(listDifferences(planned)).toContain("TASK_COMPLETED: applied LIVE -> applied UP");
  });

  it("reports an unknown revision", async () => {
    const trial = await playStack();

    const planned = await plan(trial, PLAYED_SOURCE, "f".repeat(64));

    expect(planned).toMatchObject({ outcome: "refused", code: "MACHINE_UNKNOWN", replayed: 0, differences: [] });
    expect(planned).not.toHaveProperty("to");
  });

  it("goes to a revision that is kept, by its hash", async () => {
    const trial = await playStack();
    const before = (await trial.yard.findStack("pr-1"))?.machineHash;
    const newer = PLAYED_SOURCE.replace("version: 2", "version: 2\ndescription: newer");
    trial.locator.write("app", newer);
    await trial.yard.publish({ stackId: "pr-1", event: "UPGRADE_STACK" });
    await trial.yard.settle();

    const planned = await plan(trial, newer, before);

    expect(planned).toMatchObject({ to: before, outcome: "applied", differences: [] });
    expect(planned.from).not.toBe(before);
  });

  it("says that a history without its beginning cannot be replayed", async () => {
    const trial = await playStack();
    const { store, clock } = trial.yard;
    const keep = { eventIdMs: HOUR_MS, eventIdCount: 10, deadLetterMs: HOUR_MS, settledAttemptMs: HOUR_MS };
    while (await store.prune({ ...keep, historyMs: 5_000 }, clock.now()));

    const planned = await plan(trial, PLAYED_SOURCE.replace("NEXT: LIVE", "NEXT: BROKEN"));

    expect(planned).toMatchObject({ outcome: "applied", replayed: 0, differences: [], end: [] });
    expect(planned.incomplete).toMatch(/^The history no longer contains the beginning/);
  });

  it("reads a history that has lost its beginning no further than that shows", async () => {
    const trial = await playStack();
    const [line] = await trial.yard.listHistory("pr-1");
    let reads = 0;
    Object.assign(trial.yard.store.queries, {
      listHistory: async () => {
        reads += 1;
        const items = [{ ...line, eventId: "e8", at: (line?.at ?? 0) + HOUR_MS }];
        return { items, ...(reads < 5 && { cursor: "more" }) };
      },
    });

    const planned = await plan(trial, PLAYED_SOURCE);

    expect([reads, planned.replayed, planned.differences]).toEqual([1, 0, []]);
  });

  it("reads past a line of a process whose clock was ahead, as far as clocks may differ", async () => {
    const trial = await playStack();
    const { queries } = trial.yard.store;
    const list: typeof queries.listHistory = queries.listHistory;
    const [line] = await trial.yard.listHistory("pr-1");
    const early = { ...line, eventId: "e8", at: (line?.at ?? 0) + 4 * 60_000 };
    Object.assign(queries, {
      listHistory: async (...[filter, { cursor, ...page }]: Parameters<typeof list>) =>
        cursor === undefined ? { items: [early], cursor: "next" } : list(filter, page),
    });

    const planned = await plan(trial, PLAYED_SOURCE);

    expect(planned).not.toHaveProperty("incomplete");
  });

  it("replays the present incarnation only", async () => {
    const trial = await playStack();
    await trial.yard.publish({ stackId: "pr-1", event: "REMOVE_STACK", force: true, reason: "again" });
    await trial.yard.publish({ ...opened, id: "e9" });
    await trial.yard.advance(10_000);

    const planned = await plan(trial, PLAYED_SOURCE.replace("NEXT: LIVE", "NEXT: BROKEN"));

    expect(listDifferences(planned)).toEqual(["TASK_COMPLETED: applied LIVE -> applied BROKEN"]);
  });

  it("is undefined for an unknown stack", async () => {
    const trial = createTrial({ source: PLAYED_SOURCE });

    expect(await planOf(trial).planUpgrade({ stackId: "pr-9" })).toBeUndefined();
  });
});

describe("compareEnds", () => {
  it("names what stands otherwise: state, tasks, metadata", () => {
    const before = aStack({ state: "LIVE", tasks: ["app"], metadata: { a: 1, b: 2 } });
    const after = aStack({
      state: "BUILD",
      tasks: [{ name: "app", status: "PENDING", detail: "WAITING" }, "db"],
      metadata: { a: 1, b: "2", c: true },
    });

    expect(compareEnds(before, after)).toEqual([
      { what: "state", before: "LIVE", after: "BUILD" },
      { what: "task app", before: "PENDING", after: "PENDING WAITING" },
      { what: "metadata b", before: 2, after: "2" },
      { what: "task db", before: null, after: "PENDING" },
      { what: "metadata c", before: null, after: true },
    ]);
  });

  it("compares secrets by their references, and shows none", () => {
    const stack = (password: string, version: number) =>
      aStack({ metadata: { password }, secretVersions: { password: version } });

    expect(compareEnds(stack("hunter22", 3), stack("password#3", 3))).toEqual([]);
    expect(compareEnds(stack("hunter22", 3), stack("hunter22", 2))).toEqual([
      { what: "metadata password", before: "***", after: "***" },
    ]);
  });

  it("says that there would be no stack", () => {
    expect(compareEnds(aStack({ state: "LIVE" }), undefined)).toEqual([{ what: "state", before: "LIVE", after: null }]);
  });

  it("names timers that would be due at another time, or are in one of them only", () => {
    const stack = (timers: readonly StackTimer[]) => aStack({ state: "LIVE", timers });
    const at = (ms: number) => new Date(ms).toISOString();
    const expire = { id: "1/after/0", event: "EXPIRE", dueAt: 7_200_000 };
    const present = stack([expire, { id: "1/timeout", event: "TIMEOUT", dueAt: 1_000 }]);
    const replayed = stack([
      { ...expire, dueAt: 3_600_000 },
      { id: "1/after/1", event: "WARN", dueAt: 5_000 },
    ]);

    expect(compareEnds(present, present)).toEqual([]);
    expect(compareEnds(present, replayed)).toEqual([
      { what: "timer EXPIRE", before: at(7_200_000), after: at(3_600_000) },
      { what: "timer TIMEOUT", before: at(1_000), after: null },
      { what: "timer WARN", before: null, after: at(5_000) },
    ]);
  });

  it("takes a retry that chance has drawn for the same within its bounds", () => {
    const retry = (dueAt: number, jitterMs?: number) =>
      aStack({
        timers: [{ id: "1/retry/db", event: "TASK_RETRY_DUE", task: "db", dueAt, ...(jitterMs && { jitterMs }) }],
      });

    expect(compareEnds(retry(7_000), retry(10_000, 5_000))).toEqual([]);
    expect(compareEnds(retry(4_000), retry(10_000, 5_000))).toMatchObject([{ what: "retry db" }]);
  });

  it("does not care where an attempt stands", () => {
    const task = (detail?: "RUNNING") => [{ name: "app", status: "PENDING", ...(detail && { detail }) } as const];

    expect(compareEnds(aStack({ tasks: task() }), aStack({ tasks: task("RUNNING") }))).toEqual([]);
  });
});

const ATTEMPT = "s1/created/1/db/1";

describe("the event of a line", () => {
  it("is the event as it came, with the names of secrets in the place of their values", () => {
    const line = aHistoryEntry("e1", {
      actor: "kim",
      reason: "why",
      at: 5,
      confirmed: true,
      metadata: { password: { $secret: "password#3" }, url: "x", gone: "***" },
    });

    expect(toReplayEvent(line)).toEqual({
      id: "e1",
      stackId: "s1",
      name: "PUSH",
      at: 5,
      origin: "external",
      actor: "kim",
      reason: "why",
      confirm: "s1",
      metadata: { password: "password#3", url: "x", gone: "***" },
    });
  });

  it.each([
    [`result:${ATTEMPT}`, "TASK_COMPLETED", "worker", ATTEMPT],
    [`cancelled:${ATTEMPT}`, "TASK_CANCELLED", "worker", ATTEMPT],
    [`deadline:${ATTEMPT}`, "TASK_TIMED_OUT", "worker", ATTEMPT],
    [`cancel:${ATTEMPT}`, "TASK_CANCELLED", "worker", ATTEMPT],
  ])("with the id %s, %s, is one of a %s", (eventId, event, origin, dispatchId) => {
    const replayed = toReplayEvent(aHistoryEntry(eventId, { event, internal: true }));

    expect([replayed.origin, replayed.dispatchId]).toEqual([origin, dispatchId]);
  });

  it.each([
    [`result:${ATTEMPT}`, "TASK_COMPLETED"],
    ["from-outside", "TASK_COMPLETED"],
    [`result:${ATTEMPT}`, "PUSH"],
  ])("with the id %s, %s, is one from outside where it came from there", (eventId, event) => {
    const replayed = toReplayEvent(aHistoryEntry(eventId, { event }));

    expect([replayed.origin, replayed.dispatchId]).toEqual(["external", undefined]);
  });

  it("names the attempt that an answer from outside named", () => {
    const line = aHistoryEntry("e1", { event: "TASK_COMPLETED", dispatchId: ATTEMPT });

    expect(toReplayEvent(line)).toMatchObject({ origin: "external", dispatchId: ATTEMPT });
  });

  it("says how a task failed, and what it gave", () => {
    const failure = { event: "TASK_ERROR", code: "QUOTA", description: "no room", retryable: false } as const;
    const outputs = { host: "h", key: { $secret: "tasks.db.outputs.key#1" }, lost: "***" };
    const line = aHistoryEntry(`result:${ATTEMPT}`, { internal: true, ...failure, task: "db", outputs });

    expect(toReplayEvent(line)).toMatchObject({
      name: "TASK_ERROR",
      code: "QUOTA",
      description: "no room",
      retryable: false,
      task: { name: "db" },
      outputs: { host: "h", key: "tasks.db.outputs.key#1", lost: "***" },
      sensitiveOutputs: ["key", "lost"],
    });
    expect(toReplayEvent({ ...line, outcome: "refused" })).not.toHaveProperty("code");
  });

  it("is a timer's, an operator's", () => {
    expect(toReplayEvent(aHistoryEntry("t", { timer: "1/timeout" }))).toMatchObject({
      origin: "timer",
      timerId: "1/timeout",
    });
    expect(toReplayEvent(aHistoryEntry("e", { event: "SETTLE_TASK" })).as).toBe("succeeded");
    expect(toReplayEvent(aHistoryEntry("e", { event: "REMOVE_STACK" })).force).toBe(true);
  });
});

describe("the plan of an upgrade of a stack that people have approved", () => {
  const source = `
version: 2
events: [SHIP]
states:
  INIT: { on: { SHIP: GATE } }
  GATE: { tasks: [sign-off, deploy], on: { NEXT: LIVE } }
  LIVE: {}
tasks:
  sign-off: { executor: approval, config: { from: [managers], count: 2 } }
  deploy: { executor: work, config: {}, needs: [sign-off] }
`;
  const send = async (trial: Trial, id: string, name: string) => {
    const sender = { kind: "person", id: name, name, groups: name === "kim" ? [] : ["managers"] } as const;
    const approval = { event: "APPROVE_TASK", task: { name: "sign-off" } };
    const message = { stackId: "pr-1", machine: "app", ...(id === "e1" ? { event: "SHIP" } : approval) };
    const queued = { id, stackId: "pr-1", origin: "external", receivedAt: 0, message, actor: name, sender } as const;
    await trial.yard.store.enqueue([queued]);
    await trial.yard.settle();
  };

  it("takes what was approved as the history has it, without the groups of the senders", async () => {
    const trial = createTrial({ source });
    const events = [
      ["e1", "eve"],
      ["e2", "kim"],
      ["e3", "ada"],
      ["e4", "ada"],
      ["e5", "ben"],
    ] as const;
    for (const [id, name] of events) await send(trial, id, name);
    expect((await trial.yard.findStack("pr-1"))?.state).toBe("LIVE");

    const same = await plan(trial, source.replace("version: 2", "version: 2\ndescription: newer"));
    const stricter = await plan(trial, source.replace("count: 2", "count: 3"));

    expect([same.differences, same.end]).toEqual([[], []]);
    expect(listDifferences(stricter)).toEqual([
      "APPROVE_TASK: applied GATE deploy -> applied GATE",
      "TASK_COMPLETED: applied LIVE -> ignored RESULT_STALE GATE",
    ]);
  });
});
