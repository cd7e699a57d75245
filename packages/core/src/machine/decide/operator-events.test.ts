import { describe, expect, it } from "vitest";
import { aMachine, aMachineV2, anEvent, aStack, play, toApplied } from "../../testing/builders.ts";
import { parseEventMessage, type StackEvent } from "../event-message.ts";
import type { Stack } from "../stack.ts";
import { decide } from "./decide.ts";

const machine = aMachine({
  INIT: { on: { OPENED: ["BUILD"] } },
  BUILD: { tasks: ["network", "db"], on: { NEXT: ["LIVE"], AGAIN: ["BUILD"] } },
  LIVE: {},
});
const opened = play(machine, anEvent("OPENED"));

const idOf = (task: string, attempt = 1) => `pr-12/event-1/1/${task}/${attempt}`;
const failed = (task: string) => anEvent("TASK_ERROR", { task: { name: task }, description: "no" });
const done = (task: string) => anEvent("TASK_COMPLETED", { task: { name: task } });
const decideOn = (stack: Stack, event: StackEvent) => toApplied(decide(machine, stack, event));
const statusesOf = ({ tasks }: Stack) => tasks.map(({ status }) => status);
const bothFailed = [failed("network"), failed("db")].reduce((stack, event) => decideOn(stack, event).stack, opened);
const notCurrent = { kind: "rejected", code: "TASK_NOT_CURRENT", reason: '"BUILD" has no task "other".' };
const other = { task: { name: "other" } };

describe("RETRY_FAILED_TASKS", () => {
  it("makes a new attempt of each failed task, whose messages still show the failures and have the new metadata", () => {
    const event = anEvent("RETRY_FAILED_TASKS", { at: 5_000, metadata: { size: 2 } });

    const { stack, dispatches } = decideOn(bothFailed, event);

    expect(bothFailed.failed).toBe(true);
    expect([statusesOf(stack), stack.failed, stack.attempts]).toEqual([
      ["PENDING", "PENDING"],
      undefined,
      { network: 2, db: 2 },
    ]);
    expect(stack.tasks[0]).toEqual({ name: "network", status: "PENDING" });
    expect(stack.runs.map(({ attemptId }) => attemptId)).toEqual([idOf("network", 2), idOf("db", 2)]);
    expect(dispatches.map(({ attemptId, again, message }) => [attemptId, again, message.stack])).toEqual(
      [idOf("network", 2), idOf("db", 2)].map((attemptId) => [
        attemptId,
        false,
        {
          id: "pr-12",
          previousState: "INIT",
          machine: "review-app",
          _state: "BUILD",
          tasks: [
            { name: "network", status: "ERROR", errorMessage: "no" },
            { name: "db", status: "ERROR", errorMessage: "no" },
          ],
          metadata: { size: 2 },
        },
      ]),
    );
  });

  it("retries only the task that it names", () => {
    const { stack, dispatches } = decideOn(bothFailed, anEvent("RETRY_FAILED_TASKS", { task: { name: "db" } }));

    expect(statusesOf(stack)).toEqual(["ERROR", "PENDING"]);
    expect(dispatches.map(({ task }) => task)).toEqual(["db"]);
  });

  it("stores its metadata and changes nothing else when no task has failed", () => {
    const stalled = { ...opened, stalled: { code: "EVENT_NOT_HANDLED", reason: "…" } };

    const { stack, dispatches } = decideOn(stalled, anEvent("RETRY_FAILED_TASKS", { at: 5_000, metadata: { k: 1 } }));

    const deeds = { "event-1": { event: "OPENED", at: 1_000, restedAt: 5_000, keys: {} } };
    expect(stack).toEqual({ ...stalled, metadata: { k: 1 }, deeds, updatedAt: 5_000 });
    expect(dispatches).toEqual([]);
  });

  it("is refused for a task that the state does not have", () => {
    expect(decide(machine, bothFailed, anEvent("RETRY_FAILED_TASKS", other))).toEqual(notCurrent);
  });

  it("is refused when the revision has none of the tasks", () => {
    const changed = { ...machine, tasks: new Map([...machine.tasks].filter(([name]) => name !== "db")) };
    const only = anEvent("RETRY_FAILED_TASKS", { task: { name: "db" } });

    expect(decide(changed, bothFailed, only)).toMatchObject({ kind: "rejected", code: "TASK_NOT_CURRENT" });
  });

  it("leaves a task failed that the revision does not have", () => {
    const changed = { ...machine, tasks: new Map([...machine.tasks].filter(([name]) => name !== "db")) };

    const { stack, notes } = toApplied(decide(changed, bothFailed, anEvent("RETRY_FAILED_TASKS")));

    expect(statusesOf(stack)).toEqual(["PENDING", "ERROR"]);
    expect(notes).toEqual(['Task "db" is not in the machine any more, so it was not sent.']);
  });

  it("creates the stack when the event names a machine", () => {
    const { stack } = toApplied(decide(machine, undefined, anEvent("RETRY_FAILED_TASKS", { machine: "review-app" })));

    expect([stack.state, stack.previousState, stack.tasks]).toEqual(["INIT", null, []]);
  });
});

describe("RETRY_PENDING_TASKS", () => {
  it("sends the same attempt of each pending task again and makes none", () => {
    const half = decideOn(opened, failed("network")).stack;

    const { stack, dispatches } = decideOn(half, anEvent("RETRY_PENDING_TASKS", { at: 5_000 }));

    expect(stack).toEqual({ ...half, updatedAt: 5_000 });
    expect(dispatches).toEqual([
      {
        attemptId: idOf("db"),
        stackId: "pr-12",
        incarnation: "event-1",
        entry: 1,
        task: "db",
        attempt: 1,
        executor: "lambda",
        timeoutMs: 86_400_000,
        cancelWithinMs: 300_000,
        again: true,
        message: {
          task: { executor: "lambda", config: { name: "db" }, name: "db" },
          stack: {
            id: "pr-12",
            previousState: "INIT",
            machine: "review-app",
            _state: "BUILD",
            tasks: half.tasks,
            metadata: {},
          },
          dispatch: { id: idOf("db"), attempt: 1, deadline: "1970-01-02T00:00:05.000Z" },
        },
      },
    ]);
  });

  it("sends only the task that it names", () => {
    const { dispatches } = decideOn(opened, anEvent("RETRY_PENDING_TASKS", { task: { name: "db" } }));

    expect(dispatches.map(({ task }) => task)).toEqual(["db"]);
    expect(decide(machine, opened, anEvent("RETRY_PENDING_TASKS", other))).toEqual(notCurrent);
  });

  it("makes the first attempt of a stack that was taken over", () => {
    const taken = aStack({ state: "BUILD", incarnation: "0", tasks: ["network"] });

    const { stack, dispatches } = decideOn(taken, anEvent("RETRY_PENDING_TASKS"));

    expect(dispatches.map(({ attemptId, again }) => [attemptId, again])).toEqual([["pr-12/0/0/network/1", false]]);
    expect(stack.attempts).toEqual({ network: 1 });
  });

  it("ends the mark of a stalled stack only when it sends something", () => {
    const stalled = { code: "LOOP_LIMIT", reason: "…" };
    const settled = { ...bothFailed, stalled };

    expect(decideOn({ ...opened, stalled }, anEvent("RETRY_PENDING_TASKS")).stack.stalled).toBeUndefined();
    expect(decideOn(settled, anEvent("RETRY_PENDING_TASKS")).stack).toEqual(settled);
  });

  it("sends a task that the revision does not have as it was sent first, and nothing of one without an attempt", () => {
    const changed = { ...machine, tasks: new Map([...machine.tasks].filter(([name]) => name !== "db")) };

    const { dispatches, resends, notes } = toApplied(decide(changed, opened, anEvent("RETRY_PENDING_TASKS")));

    expect(dispatches.map(({ task }) => task)).toEqual(["network"]);
    expect([resends, notes]).toEqual([[{ attemptId: idOf("db"), task: "db" }], []]);
    const without = toApplied(decide(changed, { ...opened, runs: [] }, anEvent("RETRY_PENDING_TASKS")));
    expect(without.resends).toBeUndefined();
    expect(without.notes).toEqual(['Task "db" is not in the machine any more, so it was not sent.']);
  });
});

describe("CANCEL_TASK", () => {
  const cancel = (task: string) => anEvent("CANCEL_TASK", { task: { name: task } });

  it("asks a pending task's run to stop and leaves its status", () => {
    const { stack, cancels, endedAttempts } = decideOn(opened, cancel("db"));

    expect(statusesOf(stack)).toEqual(["PENDING", "PENDING"]);
    expect(stack.runs.map(({ task, cancelling, abandoned }) => [task, cancelling, abandoned])).toEqual([
      ["network", undefined, undefined],
      ["db", "requested", undefined],
    ]);
    expect(cancels).toEqual([{ attemptId: idOf("db"), withinMs: 300_000, why: "requested" }]);
    expect(endedAttempts).toEqual([]);
  });

  it("lets a success that comes first count", () => {
    const { stack } = decideOn(decideOn(opened, cancel("db")).stack, done("db"));

    expect(statusesOf(stack)).toEqual(["PENDING", "SATISFIED"]);
  });

  it("leaves the runs of earlier entries alone", () => {
    const again = decideOn(opened, anEvent("AGAIN")).stack;

    expect(decideOn(again, cancel("db")).cancels.map(({ attemptId }) => attemptId)).toEqual(["pr-12/event-1/2/db/1"]);
  });

  it("fails a task without an open run at once", () => {
    const taken = aStack({ state: "BUILD", incarnation: "0", tasks: ["network"] });

    const { stack, cancels } = decideOn(taken, cancel("network"));

    expect(stack.tasks).toEqual([
      { name: "network", status: "ERROR", errorMessage: "cancelled", errorCode: "TASK_CANCELLED" },
    ]);
    expect([stack.failed, cancels]).toEqual([true, []]);
  });

  it("is refused for tasks that are not there or not pending", () => {
    expect(decide(machine, opened, cancel("other"))).toEqual(notCurrent);
    expect(decide(machine, bothFailed, cancel("db"))).toEqual({
      kind: "rejected",
      code: "TASK_NOT_RUNNING",
      reason: 'Task "db" is ERROR.',
    });
    expect(decide(machine, opened, anEvent("CANCEL_TASK"))).toEqual({
      ...notCurrent,
      reason: '"BUILD" has no task "".',
    });
  });
});

describe("SETTLE_TASK", () => {
  const settle = (task: string) => anEvent("SETTLE_TASK", { task: { name: task }, as: "succeeded", reason: "by hand" });

  it("counts a pending task as succeeded, asks its run to stop and gives it up", () => {
    const { stack, cancels, endedAttempts } = decideOn(opened, settle("db"));

    expect(stack.tasks).toEqual([
      { name: "network", status: "PENDING" },
      { name: "db", status: "SATISFIED" },
    ]);
    expect(stack.runs.map(({ task, cancelling, abandoned }) => [task, cancelling, abandoned])).toEqual([
      ["network", undefined, undefined],
      ["db", "requested", true],
    ]);
    expect([cancels, endedAttempts]).toEqual([[{ attemptId: idOf("db"), withinMs: 300_000, why: "requested" }], []]);
  });

  it("keeps the settled status whatever the run still answers, by attempt or by name", () => {
    const { stack } = decideOn(opened, settle("db"));
    const stale = { kind: "ignored", code: "RESULT_STALE", endedAttempt: idOf("db") };

    expect(decide(machine, stack, failed("db"))).toEqual({
      ...stale,
      reason: 'Task "db" was settled before this answer came.',
    });
    expect(decide(machine, stack, { ...failed("db"), dispatchId: idOf("db") })).toEqual({
      ...stale,
      reason: 'Task "db" was left before this answer came.',
    });
  });

  it("moves the stack on like a completion, but not as an automatic entry", () => {
    const { stack } = decideOn(decideOn(opened, done("network")).stack, settle("db"));

    expect([stack.state, stack.automaticEntries]).toEqual(["LIVE", []]);
  });

  it("settles a failed task, and ends the mark of the stack", () => {
    const { stack } = decideOn(bothFailed, settle("db"));

    expect([statusesOf(stack), stack.failed]).toEqual([["ERROR", "SATISFIED"], true]);
    expect(decideOn(stack, settle("network")).stack.state).toBe("LIVE");
  });

  it("keeps the reason why an attempt that timed out is cancelled", () => {
    const timedOut = anEvent("TASK_TIMED_OUT", { origin: "engine", dispatchId: idOf("db") });

    const { stack, cancels } = decideOn(decideOn(opened, timedOut).stack, settle("db"));

    expect(stack.runs[1]).toEqual({ ...opened.runs[1], cancelling: "timed-out", abandoned: true });
    expect(cancels).toEqual([{ attemptId: idOf("db"), withinMs: 300_000, why: "timed-out" }]);
  });

  it("is refused for tasks that are not there or have succeeded", () => {
    const half = decideOn(opened, done("db")).stack;

    expect(decide(machine, opened, settle("other"))).toEqual(notCurrent);
    expect(decide(machine, half, settle("db"))).toEqual({
      kind: "rejected",
      code: "TASK_NOT_RUNNING",
      reason: 'Task "db" is SATISFIED.',
    });
  });
});

describe("UPGRADE_STACK", () => {
  const upgrade = anEvent("UPGRADE_STACK", { at: 5_000 });

  it("moves the stack to the revision and changes nothing in the present entry", () => {
    const newer = { ...machine, hash: "1".repeat(64) };

    expect(toApplied(decide(newer, opened, upgrade)).stack).toEqual({
      ...opened,
      machineHash: newer.hash,
      updatedAt: 5_000,
    });
  });

  it("is refused when the revision lacks the stack's state", () => {
    const newer = aMachine({ INIT: {} });

    expect(decide(newer, opened, upgrade)).toEqual({
      kind: "rejected",
      code: "UPGRADE_STATE_MISSING",
      reason: 'Machine "review-app" has no state "BUILD".',
    });
  });

  it("is refused when the revision lacks a task that is pending", () => {
    const newer = { ...aMachine({ BUILD: { tasks: ["network"] } }), hash: "next" };

    expect(decide(newer, opened, upgrade)).toEqual({
      kind: "rejected",
      code: "UPGRADE_TASK_UNKNOWN",
      reason: 'Task "db" is running and is not in the new revision.',
    });
    expect(decide(newer, decideOn(opened, done("db")).stack, upgrade).kind).toBe("applied");
  });
});

describe("UPGRADE_STACK of a stack with waiting tasks", () => {
  it("keeps a task waiting for one that has failed, although the revision no longer needs that", () => {
    const states = { INIT: { on: { OPENED: ["BUILD"] } }, BUILD: { tasks: ["network", "db"] } };
    const older = aMachineV2(states, { tasks: { db: { needs: ["network"] } } });
    const before = toApplied(decide(older, play(older, anEvent("OPENED")), failed("network"))).stack;

    const upgraded = decide({ ...aMachineV2(states), hash: "next" }, before, anEvent("UPGRADE_STACK", { at: 5_000 }));

    expect(toApplied(upgraded).dispatches).toEqual([]);
    expect(toApplied(upgraded).stack.tasks).toMatchObject([{ status: "ERROR" }, { name: "db", detail: "WAITING" }]);
  });
});

describe("REMOVE_STACK", () => {
  const remove = anEvent("REMOVE_STACK", { at: 5_000, force: true, reason: "stuck" });

  it("removes the stack, cancels every open run and notes what may be left behind", () => {
    const half = decideOn(opened, failed("db")).stack;

    expect(decide(machine, half, remove)).toEqual({
      kind: "applied",
      removed: true,
      stack: {
        ...half,
        updatedAt: 5_000,
        runs: [{ ...opened.runs[0], cancelling: "requested" }],
      },
      dispatches: [],
      cancels: [{ attemptId: idOf("network"), withinMs: 300_000, why: "requested" }],
      endedAttempts: [],
      notes: [
        'Removed by force in state "BUILD": stuck',
        'May be left behind: resources of task "network" (entry 1, attempt 1), which is being stopped.',
        'May be left behind: resources of task "db", ERROR.',
        "Resources of tasks of earlier states may also be left behind.",
      ],
    });
  });

  it("gives runs the time that their executor needs to stop, five minutes where it is not known", () => {
    const [network, db] = opened.runs;
    if (!network || !db) throw new Error("Both tasks have a run.");
    const { cancelWithinMs, ...bare } = network;
    const runs = [bare, { ...db, cancelWithinMs: 1_800_000, cancelling: "timed-out" as const }];

    const { cancels } = decideOn({ ...opened, runs }, remove);

    expect(cancels).toEqual([
      { attemptId: idOf("network"), withinMs: 300_000, why: "requested" },
      { attemptId: idOf("db"), withinMs: 1_800_000, why: "timed-out" },
    ]);
  });

  it.each([{ reason: "stuck" }, { force: false, reason: "stuck" }, { force: true }, { force: true, reason: "" }])(
    "is refused for %j",
    (event) => {
      expect(decide(machine, opened, anEvent("REMOVE_STACK", event))).toEqual({
        kind: "rejected",
        code: "EVENT_INVALID",
        reason: '"REMOVE_STACK" needs "force": true and a "reason".',
      });
    },
  );
});

describe("what a person has seen", () => {
  const { incarnation, entry } = bothFailed;
  const seen = { incarnation, entry, attempt: idOf("db") };
  const settle = (given: object) =>
    anEvent("SETTLE_TASK", { task: { name: "db" }, as: "succeeded", reason: "done by hand", seen: given });
  const retried = decideOn(bothFailed, anEvent("RETRY_FAILED_TASKS", { at: 5_000 })).stack;

  it("is what an operation is about while it is there", () => {
    expect(decide(machine, bothFailed, settle(seen))).toMatchObject({ kind: "applied" });
    expect(decide(machine, bothFailed, settle({}))).toMatchObject({ kind: "applied" });
  });

  it.each([
    ["a newer attempt", retried, settle(seen), 'The newest attempt of "db" is number 2 of this entry now'],
    ["another stack of that name", { ...bothFailed, incarnation: "event-7" }, settle(seen), "another one has its name"],
    ["a later entry", { ...bothFailed, entry: 2 }, settle({ incarnation, entry }), '"BUILD" was entered after'],
    ["a task that was not sent", { ...bothFailed, attempts: {} }, settle(seen), 'attempt of "db" is none now'],
    [
      "another failure",
      bothFailed,
      anEvent("ACKNOWLEDGE_FAILURE", { reason: "known", seen: { failedAt: "2020-01-01T00:00:00.000Z" } }),
      "Another failure came after",
    ],
    [
      "a stack that was created again",
      { ...bothFailed, incarnation: "event-7" },
      anEvent("REMOVE_STACK", { force: true, reason: "old", seen: { incarnation } }),
      "another one has its name",
    ],
    ["a cancel of a newer attempt", retried, anEvent("CANCEL_TASK", { task: { name: "db" }, seen }), "newest attempt"],
    [
      "a retry of a newer one",
      retried,
      anEvent("RETRY_FAILED_TASKS", { task: { name: "db" }, seen }),
      "newest attempt",
    ],
  ])("refuses %s", (_, stack, event, reason) => {
    expect(decide(machine, stack, event)).toMatchObject({
      kind: "rejected",
      code: "STACK_CHANGED",
      reason: expect.stringContaining(reason),
    });
  });

  it("is read from messages of operations, and is no fault of a retry of an older sender", () => {
    const parse = (message: object) => parseEventMessage({ id: "e", stackId: "pr-12", ...message }, { at: 0 });

    expect(parse({ event: "CANCEL_TASK", task: { name: "db" }, seen })).toMatchObject({ event: { seen } });
    expect(parse({ event: "CANCEL_TASK", task: { name: "db" }, seen: { entry: "x" } })).toMatchObject({
      kind: "invalid",
    });
    const old = parse({ event: "RETRY_FAILED_TASKS", seen: { entry: "x" } });
    expect(old).toMatchObject({ kind: "event" });
    expect(old).not.toHaveProperty("event.seen");
  });
});
