import { describe, expect, it } from "vitest";
import { aMachineV2, anEvent, retrying } from "../../testing/builders.ts";
import { anExpression } from "../../testing/expressions.ts";
import { play, toApplied } from "../../testing/play.ts";
import type { StackEvent } from "../event-message.ts";
import type { Task } from "../machine.ts";
import type { Stack } from "../stack.ts";
import { decide } from "./decide.ts";

const build = (tasks: Readonly<Record<string, Partial<Task>>>) =>
  aMachineV2(
    {
      INIT: { on: { GO: ["BUILD"] } },
      BUILD: { tasks: Object.keys(tasks), on: { NEXT: ["LIVE"], FAILED: ["BROKEN"] } },
      LIVE: {},
      BROKEN: { leaving: "abandon" },
    },
    { tasks },
  );
const machine = build({ db: retrying(3), app: { needs: ["db"] } });
const idOf = (attempt: number, task = "db") => `pr-12/event-1/1/${task}/${attempt}`;
const failed = (attempt: number, event: Partial<StackEvent> = {}) =>
  anEvent("TASK_ERROR", { dispatchId: idOf(attempt), origin: "worker", description: "no", ...event });
const failedByName = anEvent("TASK_ERROR", { task: { name: "db" }, description: "no" });
const due = (at: number) =>
  anEvent("TASK_RETRY_DUE", { at, origin: "timer", timerId: "1/retry/db", task: { name: "db" } });
const timedOut = anEvent("TASK_TIMED_OUT", { origin: "worker", dispatchId: idOf(1), at: 5_000 });
const cancelled = anEvent("TASK_CANCELLED", { origin: "worker", dispatchId: idOf(1), at: 8_000 });
const decideOn = (stack: Stack, event: StackEvent, on = machine) => toApplied(decide(on, stack, event));
const entered = play(machine, anEvent("GO"));
const retrying1 = decideOn(entered, failed(1, { at: 2_000, code: "QUOTA" }));

describe("a failed attempt whose task may try again", () => {
  it("makes the task wait; the wait's upper bound is in a timer, and what went wrong in a note", () => {
    const { stack, closes, dispatches, notes } = retrying1;

    expect(stack.tasks[0]).toEqual({ name: "db", status: "PENDING", detail: "RETRYING" });
    expect(stack.timers).toEqual([
      { id: "1/retry/db", event: "TASK_RETRY_DUE", dueAt: 3_000, jitterMs: 1_000, task: "db" },
    ]);
    expect([stack.failures, closes, dispatches]).toEqual([{ db: 1 }, [idOf(1)], []]);
    expect(notes).toEqual(['Attempt 1 of task "db" failed and is followed by another (QUOTA: no).']);
  });

  it("gets its next attempt when the timer fires, and waits longer after the next failure", () => {
    const second = decideOn(retrying1.stack, due(3_000));
    const { stack } = decideOn(second.stack, failed(2, { at: 4_000 }));

    expect([second.dispatches.map(({ attemptId }) => attemptId), second.stack.timers]).toEqual([[idOf(2)], []]);
    expect(second.stack.tasks[0]).toEqual({ name: "db", status: "PENDING", detail: "RUNNING" });
    expect(stack.timers).toMatchObject([{ dueAt: 6_000, jitterMs: 2_000 }]);
  });

  it("fails for good after the last attempt, and FAILED fires", () => {
    const stack = play(machine, anEvent("GO"), failed(1), due(3_000), failed(2, { at: 4_000 }), due(6_000));

    const { stack: broken } = decideOn(stack, failed(3));

    expect([stack.state, broken.state]).toEqual(["BUILD", "BROKEN"]);
  });

  it.each<[string, Partial<StackEvent>]>([
    ["the executor says that another attempt is no use", { retryable: false }],
    ["the code is never retried", { code: "CONFIG_INVALID" }],
  ])("fails for good at once when %s", (_why, event) => {
    expect(decideOn(entered, failed(1, event)).stack.state).toBe("BROKEN");
  });

  it("fails for good at once when the policy does not list the code", () => {
    const picky = build({ db: retrying(3, ["QUOTA"]) });

    const stateAfter = (event: Partial<StackEvent>) =>
      decideOn(play(picky, anEvent("GO")), failed(1, event), picky).stack.state;

    expect([stateAfter({}), stateAfter({ code: "QUOTA" })]).toEqual(["BROKEN", "BUILD"]);
  });

  it("succeeds by name while it waits, and the wait ends", () => {
    const { stack, dispatches } = decideOn(retrying1.stack, anEvent("TASK_COMPLETED", { task: { name: "db" } }));

    expect([stack.tasks[0], stack.timers]).toEqual([{ name: "db", status: "SATISFIED" }, []]);
    expect(dispatches.map(({ task }) => task)).toEqual(["app"]);
  });

  it("ignores an error by name while it waits", () => {
    expect(decide(machine, retrying1.stack, failedByName)).toEqual({
      kind: "ignored",
      code: "RESULT_STALE",
      reason: 'Task "db" is RETRYING.',
    });
  });

  it("waits for its needs again when one of them has failed late", () => {
    const needing = build({ db: {}, app: { needs: ["db"], ...retrying(2) }, other: {} });
    const error = (task: string) => anEvent("TASK_ERROR", { task: { name: task } });
    const success = anEvent("TASK_COMPLETED", { task: { name: "db" } });
    const stack = play(needing, anEvent("GO"), success, error("app"), error("db"));
    const event = anEvent("TASK_RETRY_DUE", {
      at: 9_000,
      origin: "timer",
      timerId: "1/retry/app",
      task: { name: "app" },
    });

    const { stack: waiting, dispatches } = decideOn(stack, event, needing);

    expect([waiting.tasks[1]?.detail, dispatches]).toEqual(["WAITING", []]);
  });

  it("that cannot be resolved for its next attempt fails for good", () => {
    let calls = 0;
    const exclusive = anExpression(() => {
      calls += 1;
      return calls > 1 ? [] : "key";
    }, "key()");
    const keyed = build({ db: { ...retrying(5), exclusive } });

    const stack = play(keyed, anEvent("GO"), failed(1));

    expect(decideOn(stack, due(9_000), keyed).stack.state).toBe("BROKEN");
  });

  it("drops a timer that comes when the task waits no more", () => {
    const succeeded = decideOn(retrying1.stack, anEvent("TASK_COMPLETED", { task: { name: "db" } })).stack;

    expect(decide(machine, succeeded, due(3_000))).toMatchObject({ kind: "ignored", code: "TIMER_STALE" });
    expect(decide(machine, entered, { ...due(3_000), origin: "worker" })).toMatchObject({
      kind: "ignored",
      code: "TIMER_STALE",
      reason: "The task does not wait for its next attempt.",
    });
  });
});

describe("a task that has ended", () => {
  it("takes a late error after its success for good, whatever its policy", () => {
    const slow = build({ db: retrying(3), app: {} });
    const stack = play(slow, anEvent("GO"), anEvent("TASK_COMPLETED", { task: { name: "db" } }));

    expect(decideOn(stack, failedByName, slow).stack.tasks[0]).toEqual({
      name: "db",
      status: "ERROR",
      errorMessage: "no",
    });
  });

  it("changes only its text by an error more", () => {
    const slow = build({ db: {}, app: {} });
    const stack = play(slow, anEvent("GO"), failed(1));

    const again = decideOn(stack, { ...failedByName, description: "worse", code: "X" }, slow).stack;

    expect(again.tasks[0]).toEqual({ name: "db", status: "ERROR", errorMessage: "worse", errorCode: "X" });
  });
});

describe("an attempt whose deadline has passed", () => {
  const late = decideOn(entered, timedOut);

  it("has failed at once, but the wait for the next begins when its cancel has ended", () => {
    const { stack } = decideOn(late.stack, cancelled);

    expect(late.stack.tasks[0]?.detail).toBe("RETRYING");
    expect([late.stack.timers, late.cancels.map(({ why }) => why)]).toEqual([[], ["timed-out"]]);
    expect(late.notes).toEqual([
      'Attempt 1 of task "db" failed and is followed by another (TASK_TIMEOUT: timed out after 1h).',
    ]);
    expect(stack.timers).toMatchObject([{ dueAt: 9_000, jitterMs: 1_000 }]);
    expect([stack.failures, stack.runs]).toEqual([{ db: 1 }, []]);
  });

  it("ends its cancel with a failure too, which counts no second time", () => {
    const { stack } = decideOn(late.stack, failed(1, { at: 8_000 }));

    expect([stack.failures, stack.timers.map(({ dueAt }) => dueAt)]).toEqual([{ db: 1 }, [9_000]]);
  });

  it("may still succeed first", () => {
    const { stack } = decideOn(late.stack, anEvent("TASK_COMPLETED", { origin: "worker", dispatchId: idOf(1) }));

    expect([stack.tasks[0]?.status, stack.timers]).toEqual(["SATISFIED", []]);
  });

  it("fails for good with TASK_TIMEOUT when there is no attempt left", () => {
    const once = build({ db: {}, app: {} });

    expect(decideOn(play(once, anEvent("GO")), timedOut, once).stack.tasks[0]).toEqual({
      name: "db",
      status: "ERROR",
      errorMessage: "timed out after 1h",
      errorCode: "TASK_TIMEOUT",
    });
  });
});

describe("the late error of an attempt that has timed out", () => {
  const retry = anEvent("RETRY_FAILED_TASKS", { at: 9_000 });

  it.each<[string, Partial<Task>, Partial<StackEvent>]>([
    ["its task has no policy", {}, {}],
    ["its task has no attempt left", retrying(1), {}],
    ["the error is never retried", retrying(2, ["QUOTA"]), { retryable: false }],
  ])("leaves alone the attempt that a person has sent after it, where %s", (_why, db, error) => {
    const slow = build({ db, app: {} });
    const sent = play(slow, anEvent("GO"), timedOut, retry);

    const { stack, closes } = decideOn(sent, failed(1, error), slow);

    expect(sent.tasks[0]).toEqual({ name: "db", status: "PENDING", detail: "RUNNING" });
    expect([stack.tasks, stack.failures, stack.state]).toEqual([sent.tasks, sent.failures, "BUILD"]);
    expect(closes).toEqual([idOf(1)]);
    expect(stack.runs.map(({ attemptId }) => attemptId)).toEqual([idOf(1, "app"), idOf(2)]);
  });
});

describe("a person's retry", () => {
  const retry = anEvent("RETRY_FAILED_TASKS", { at: 9_000 });
  const wide = build({ db: retrying(2), app: {} });
  const broken = play(wide, anEvent("GO"), failed(1), due(3_000), failed(2));

  it("lets the numbers go on and the policy begin its count again", () => {
    const { stack, dispatches } = decideOn(broken, retry, wide);

    expect(broken.failures).toEqual({ db: 2 });
    expect([dispatches.map(({ attemptId }) => attemptId), stack.failures]).toEqual([[idOf(3)], undefined]);
    expect(decideOn(stack, failed(3), wide).stack.tasks[0]?.detail).toBe("RETRYING");
  });

  it("is the next attempt for an older one that fails later", () => {
    const late = play(build({ db: retrying(2), app: {} }), anEvent("GO"), failed(1), due(3_000));
    const timed = decideOn(late, { ...timedOut, dispatchId: idOf(2) }, wide).stack;
    const sent = decideOn(timed, retry, wide).stack;

    expect(decideOn(sent, failed(2), wide).stack.tasks[0]).toEqual({
      name: "db",
      status: "PENDING",
      detail: "RUNNING",
    });
  });
});

describe("the last failure", () => {
  const failure = { task: "db", state: "BUILD", entry: 1, message: "no" };

  it("stays in the record although the stack has moved on, and names the state and the attempt", () => {
    const first = play(machine, anEvent("GO"), failed(1), due(3_000), failed(2, { at: 4_000 }), due(6_000));
    const { stack } = decideOn(first, failed(3, { at: 7_000, code: "QUOTA" }));

    expect([stack.state, stack.tasks]).toEqual(["BROKEN", []]);
    expect(stack.lastFailure).toEqual({ ...failure, attempt: 3, code: "QUOTA", at: 7_000 });
  });

  it("is none while the task may try again", () => {
    expect(retrying1.stack.lastFailure).toBeUndefined();
  });

  it("is kept with the instant at which its task has succeeded since", () => {
    const states = {
      INIT: { on: { GO: ["BUILD"] } },
      BUILD: { tasks: ["db", "app"], on: { NEXT: ["LIVE"] } },
      LIVE: {},
    };
    const held = aMachineV2(states, { tasks: { app: { needs: ["db"] } } });
    const retryAll = anEvent("RETRY_FAILED_TASKS", { at: 8_000 });
    const done = (at: number, attempt: number, task = "db") =>
      anEvent("TASK_COMPLETED", { at, origin: "worker", dispatchId: idOf(attempt, task) });

    const steps = [failed(1, { at: 2_000 }), retryAll, done(9_000, 2), done(9_500, 1, "app")];

    expect(play(held, anEvent("GO"), ...steps).lastFailure).toEqual({
      ...failure,
      attempt: 1,
      at: 2_000,
      resolvedAt: 9_000,
    });
  });

  it("is that of a task whose condition failed, which was never sent", () => {
    const odd = build({ db: { when: anExpression(() => "?") } });

    expect(play(odd, anEvent("GO")).lastFailure).toMatchObject({
      task: "db",
      attempt: 0,
      at: 1_000,
      code: "EXPRESSION_FAILED",
    });
  });

  it("keeps the beginning and the end of what the task said, and never half a character", () => {
    const description = `${"a".repeat(997)}😀${"b".repeat(70_000)}😀${"c".repeat(997)}`;
    const once = build({ db: {} });

    const { lastFailure } = decideOn(play(once, anEvent("GO")), failed(1, { description }), once).stack;

    expect(lastFailure?.message).toBe(`${"a".repeat(997)}\n…\n${"c".repeat(997)}`);
  });
});
