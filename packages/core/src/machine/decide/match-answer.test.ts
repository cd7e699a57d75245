import { describe, expect, it } from "vitest";
import { aMachine, aMachineV2, anEvent, retrying, type StateSketch } from "../../testing/builders.ts";
import { anExpression } from "../../testing/expressions.ts";
import { play, toApplied } from "../../testing/play.ts";
import type { Machine } from "../machine.ts";
import type { Stack } from "../stack.ts";
import { decide } from "./decide.ts";

const states: Readonly<Record<string, StateSketch>> = {
  INIT: { on: { GO: ["BUILD"] } },
  BUILD: { leaving: "abandon", tasks: ["a", "b", "c"], on: { NEXT: [], AGAIN: ["BUILD"] } },
};
const machine = aMachineV2(states, {
  tasks: { a: retrying(3), b: { needs: ["a"] }, c: { when: anExpression(() => false) } },
});
const named = (name: string, task: string) => anEvent(name, { task: { name: task }, origin: "worker" });
const done = (task: string) => named("TASK_COMPLETED", task);
const failed = (task: string) => named("TASK_ERROR", task);
const cancel = (task: string) => anEvent("CANCEL_TASK", { task: { name: task } });
const stale = (reason: string, closes?: string) => {
  return { kind: "ignored", code: "RESULT_STALE", reason, ...(closes === undefined ? {} : { closes }) };
};
const detailsOf = ({ tasks }: Stack) => tasks.map(({ name, status, detail }) => `${name} ${detail ?? status}`);

describe("a result by name for a task without an open run", () => {
  const entered = play(machine, anEvent("GO"));
  const waiting = { kind: "rejected", code: "TASK_NOT_RUNNING", reason: 'Task "b" is WAITING.' };

  it("is refused while the task waits", () => {
    expect([decide(machine, entered, done("b")), decide(machine, entered, failed("b"))]).toEqual([waiting, waiting]);
  });

  it("is ignored when the task was skipped", () => {
    const skipped = stale('Task "c" is SKIPPED.');

    expect([decide(machine, entered, done("c")), decide(machine, entered, failed("c"))]).toEqual([skipped, skipped]);
  });

  it("is ignored when the task was cancelled", () => {
    const stack = play(machine, anEvent("GO"), cancel("a"), named("TASK_CANCELLED", "a"));

    const cancelled = stale('Task "a" is CANCELLED.');
    expect([decide(machine, stack, done("a")), decide(machine, stack, failed("a"))]).toEqual([cancelled, cancelled]);
  });

  it("counts as a success while the task waits for its next attempt, as a failure not", () => {
    const stack = play(machine, anEvent("GO"), failed("a"));

    expect(detailsOf(toApplied(decide(machine, stack, done("a"))).stack)).toEqual([
      "a SATISFIED",
      "b RUNNING",
      "c SKIPPED",
    ]);
    expect(decide(machine, stack, failed("a"))).toEqual(stale('Task "a" is RETRYING.'));
    expect(decide(machine, stack, named("TASK_CANCELLED", "a"))).toEqual(stale('Task "a" is RETRYING.'));
  });

  it("makes a failed task succeed, and a succeeded one fail for good", () => {
    const once = aMachineV2(states);
    const one = play(once, anEvent("GO"), failed("a"), done("a"), done("b"), failed("b"));

    expect(detailsOf(one)).toEqual(["a SATISFIED", "b ERROR", "c RUNNING"]);
  });
});

describe("an answer of a cancelled task's attempt that was still to end", () => {
  it("ends the attempt and changes nothing", () => {
    const attempt = { dispatchId: "pr-12/event-1/1/a/1", origin: "worker" } as const;
    const late = play(machine, anEvent("GO"), anEvent("TASK_TIMED_OUT", attempt), cancel("a"));

    expect(detailsOf(late)).toEqual(["a CANCELLED", "b WAITING", "c SKIPPED"]);
    expect(decide(machine, late, anEvent("TASK_COMPLETED", attempt))).toEqual(
      stale('Task "a" is CANCELLED.', attempt.dispatchId),
    );
  });
});

describe("a failure after a cancel was asked for", () => {
  const asked = (on: Machine) => play(on, anEvent("GO"), cancel("a"), { ...failed("a"), description: "killed" });

  it("is the end of the cancel", () => {
    expect(asked(machine).tasks[0]).toEqual({
      name: "a",
      status: "ERROR",
      detail: "CANCELLED",
      errorMessage: "cancelled",
      errorCode: "TASK_CANCELLED",
    });
  });

  it("is a failure like any other in the first version", () => {
    expect(asked(aMachine(states)).tasks[0]).toEqual({ name: "a", status: "ERROR", errorMessage: "killed" });
  });
});

describe("a result by name beside abandoned runs of that name", () => {
  const again = play(machine, anEvent("GO"), anEvent("AGAIN"));
  const idOf = (entry: number) => `pr-12/event-1/${entry}/a/1`;

  it("goes to the run of the present entry", () => {
    expect(toApplied(decide(machine, again, done("a"))).closes).toEqual([idOf(2)]);
  });

  it("goes to the oldest abandoned one while the present task cannot take it", () => {
    const left = 'Task "a" was left before this answer came.';
    const stack = play(machine, anEvent("GO"), anEvent("AGAIN"), failed("a"));

    expect(decide(machine, stack, done("a"))).toEqual(stale(left, idOf(1)));
  });

  it("counts for the present task, as in the first version, when that has ended", () => {
    const once = aMachineV2(states);
    const stack = play(once, anEvent("GO"), anEvent("AGAIN"), done("a"), failed("a"));

    expect(detailsOf(stack)).toEqual(["a ERROR", "b RUNNING", "c RUNNING"]);
    expect(detailsOf(play(aMachine(states), anEvent("GO"), anEvent("AGAIN"), done("a"), failed("a")))).toEqual([
      "a ERROR",
      "b PENDING",
      "c PENDING",
    ]);
  });
});
