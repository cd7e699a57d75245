import { describe, expect, it } from "vitest";
import { aMachineV2, anEvent, type StateSketch } from "../../testing/builders.ts";
import { anExpression } from "../../testing/expressions.ts";
import { play, toApplied } from "../../testing/play.ts";
import type { StackEvent } from "../event-message.ts";
import type { Machine, Task } from "../machine.ts";
import type { Stack } from "../stack.ts";
import { decide } from "./decide.ts";

const done = (dispatchId: string, event: Partial<StackEvent> = {}) =>
  anEvent("TASK_COMPLETED", { dispatchId, origin: "worker", ...event });
const failed = (dispatchId: string) => anEvent("TASK_ERROR", { dispatchId, origin: "worker", description: "no" });
const byName = (task: string, name = "TASK_COMPLETED") => anEvent(name, { task: { name: task } });
const idOf = (task: string, entry = 1) => `pr-12/event-1/${entry}/${task}/1`;
const detailsOf = ({ tasks }: Stack) => tasks.map(({ name, status, detail }) => `${name} ${detail ?? status}`);

function build(
  leaving: "abandon" | "wait" | "cancel",
  last: StateSketch = {},
  tasks: Readonly<Record<string, Partial<Task>>> = {},
): Machine {
  return aMachineV2(
    {
      INIT: { on: { GO: ["BUILD"] } },
      BUILD: { tasks: ["a", "b"], on: { LEAVE: ["LAST"], REST: ["REST"] } },
      REST: { on: { LEAVE: ["LAST"] } },
      LAST: { leaving, tasks: ["c"], on: { NEXT: ["REST"], FAILED: ["INIT"], LEAVE: ["LAST"] }, ...last },
    },
    { tasks },
  );
}

describe("entering a state that waits for what was left", () => {
  const machine = build("wait");
  const left = toApplied(decide(machine, play(machine, anEvent("GO")), anEvent("LEAVE")));

  it("sends its tasks only when the last of the left runs has ended", () => {
    const first = toApplied(decide(machine, left.stack, done(idOf("a"))));
    const second = toApplied(decide(machine, first.stack, done(idOf("b"))));

    expect([detailsOf(left.stack), left.dispatches, left.cancels]).toEqual([["c WAITING"], [], []]);
    expect([detailsOf(first.stack), first.dispatches, first.closes]).toEqual([["c WAITING"], [], [idOf("a")]]);
    expect([detailsOf(second.stack), second.closes]).toEqual([["c RUNNING"], [idOf("b")]]);
    expect(second.dispatches.map(({ attemptId }) => attemptId)).toEqual([idOf("c", 2)]);
  });

  it("takes nothing else from an answer of a left run, however it ended", () => {
    const event = done(idOf("a"), { metadata: { url: "x" }, outputs: { url: "x" } });

    const { stack } = toApplied(decide(machine, left.stack, event));

    expect(stack).toEqual({ ...left.stack, runs: left.stack.runs.slice(1) });
    expect(toApplied(decide(machine, left.stack, failed(idOf("a")))).stack).toEqual(stack);
  });

  it("waits for runs that an earlier entry had left, past a state without tasks", () => {
    const rested = play(machine, anEvent("GO"), anEvent("REST"), anEvent("LEAVE"));

    expect(detailsOf(rested)).toEqual(["c WAITING"]);
  });

  it("waits for runs that were settled by hand before", () => {
    const settle = anEvent("SETTLE_TASK", { task: { name: "a" }, as: "succeeded", reason: "done" });
    const stack = play(machine, anEvent("GO"), settle, anEvent("LEAVE"), done(idOf("b")));

    expect([
      detailsOf(stack),
      detailsOf(play(machine, anEvent("GO"), settle, anEvent("LEAVE"), done(idOf("b")), done(idOf("a")))),
    ]).toEqual([["c WAITING"], ["c RUNNING"]]);
  });

  it("begins at once where nothing was left", () => {
    const stack = play(machine, anEvent("GO"), done(idOf("a")), failed(idOf("b")), anEvent("LEAVE"));

    expect(detailsOf(stack)).toEqual(["c RUNNING"]);
  });

  it("waits again for its own runs when it is entered again", () => {
    const again = play(machine, anEvent("GO"), anEvent("LEAVE"), done(idOf("a")), done(idOf("b")), anEvent("LEAVE"));

    expect([again.entry, detailsOf(again), again.runs.map(({ entry }) => entry)]).toEqual([3, ["c WAITING"], [2]]);
  });

  it("gives an answer by name to the oldest left run of that name", () => {
    const { stack, closes } = toApplied(decide(machine, left.stack, byName("a")));

    expect([detailsOf(stack), closes]).toEqual([["c WAITING"], [idOf("a")]]);
  });

  it("refuses an answer by name for a task that waits", () => {
    expect(decide(machine, left.stack, byName("c"))).toEqual({
      kind: "rejected",
      code: "TASK_NOT_RUNNING",
      reason: 'Task "c" is WAITING.',
    });
  });

  it("drops the wait for a next attempt with the state, which then holds nothing", () => {
    const retrying = aMachineV2(
      { INIT: { on: { GO: ["BUILD"] } }, BUILD: { tasks: ["a"], on: { LEAVE: ["LAST"] } }, LAST: { tasks: ["c"] } },
      { tasks: { a: { retry: { attempts: 3, fromMs: 1_000, toMs: 9_000, factor: 2 } } } },
    );

    const stack = play(retrying, anEvent("GO"), failed(idOf("a")), anEvent("LEAVE"));

    expect([detailsOf(stack), stack.timers]).toEqual([["c RUNNING"], []]);
  });

  it("holds NEXT back when all its tasks are skipped", () => {
    const skipping = build("wait", {}, { c: { when: anExpression(() => false) } });
    const waiting = play(skipping, anEvent("GO"), anEvent("LEAVE"));

    expect([waiting.state, detailsOf(waiting)]).toEqual(["LAST", ["c SKIPPED"]]);
    expect(play(skipping, anEvent("GO"), anEvent("LEAVE"), done(idOf("a")), done(idOf("b"))).state).toBe("REST");
  });

  it("holds the removal back in a terminal state, also in one without tasks", () => {
    const ending = build("wait", { terminal: true, tasks: [] });
    const stack = play(ending, anEvent("GO"), anEvent("LEAVE"), done(idOf("a")));

    expect(stack.state).toBe("LAST");
    expect(toApplied(decide(ending, stack, done(idOf("b")))).removed).toBe(true);
  });

  it("lets FAILED fire only after the wait while other tasks still wait", () => {
    const broken = build("wait", { tasks: ["c", "d"] }, { c: { when: anExpression(() => "?") }, d: { needs: ["c"] } });
    const waiting = play(broken, anEvent("GO"), anEvent("LEAVE"), done(idOf("a")));

    expect([waiting.state, detailsOf(waiting)]).toEqual(["LAST", ["c ERROR", "d WAITING"]]);
    expect(toApplied(decide(broken, waiting, done(idOf("b")))).stack.state).toBe("INIT");
  });

  it("ends when a left run's cancel is confirmed after its deadline", () => {
    const one = toApplied(decide(machine, left.stack, done(idOf("a")))).stack;
    const late = toApplied(
      decide(machine, one, anEvent("TASK_TIMED_OUT", { origin: "worker", dispatchId: idOf("b") })),
    );
    const ended = decide(machine, late.stack, anEvent("TASK_CANCELLED", { origin: "worker", dispatchId: idOf("b") }));

    expect([detailsOf(late.stack), late.cancels.map(({ why }) => why)]).toEqual([["c WAITING"], ["timed-out"]]);
    expect(detailsOf(toApplied(ended).stack)).toEqual(["c RUNNING"]);
  });
});

describe("entering a state that cancels what was left", () => {
  const machine = build("cancel");

  it("asks every live run to stop and then waits", () => {
    const { stack, cancels } = toApplied(decide(machine, play(machine, anEvent("GO")), anEvent("LEAVE")));

    expect(cancels).toEqual([
      { attemptId: idOf("a"), withinMs: 300_000, why: "requested" },
      { attemptId: idOf("b"), withinMs: 300_000, why: "requested" },
    ]);
    expect([detailsOf(stack), stack.runs.map(({ cancelling }) => cancelling)]).toEqual([
      ["c WAITING"],
      ["requested", "requested"],
    ]);
  });
});

describe("a wait for what was left", () => {
  const later = build("abandon");

  it("goes on when a later revision would abandon it, and ends with the last run", () => {
    const waiting = play(build("wait"), anEvent("GO"), anEvent("LEAVE"), done(idOf("a")));

    const { stack } = toApplied(decide(later, waiting, done(idOf("b"))));

    expect([waiting.awaitsRuns, detailsOf(stack), "awaitsRuns" in stack]).toEqual([true, ["c RUNNING"], false]);
  });

  it("ends with the next entry, which says itself what becomes of the runs", () => {
    const waiting = play(build("wait"), anEvent("GO"), anEvent("LEAVE"));

    const { stack } = toApplied(decide(later, waiting, anEvent("LEAVE")));

    expect([detailsOf(stack), "awaitsRuns" in stack]).toEqual([["c RUNNING"], false]);
  });
});

describe("entering such a state again", () => {
  it("asks no run twice, so that none gets more time to stop", () => {
    const machine = build("cancel");

    const { cancels, stack } = toApplied(
      decide(machine, play(machine, anEvent("GO"), anEvent("LEAVE")), anEvent("LEAVE")),
    );

    expect([cancels, stack.runs.length]).toEqual([[], 2]);
  });
});

describe("entering a state that abandons what was left", () => {
  const machine = build("abandon");
  const left = toApplied(decide(machine, play(machine, anEvent("GO")), anEvent("LEAVE"))).stack;

  it("sends its tasks at once", () => {
    expect(detailsOf(left)).toEqual(["c RUNNING"]);
  });

  it("makes answers of left runs stale, by attempt and by name, and ends the runs", () => {
    const stale = { kind: "ignored", code: "RESULT_STALE", reason: 'Task "a" was left before this answer came.' };

    expect(decide(machine, left, done(idOf("a")))).toEqual({ ...stale, closes: idOf("a") });
    expect(decide(machine, left, byName("a"))).toEqual({ ...stale, closes: idOf("a") });
  });

  it("refuses an answer by name where no run of that name is left", () => {
    expect(decide(machine, { ...left, runs: [] }, byName("a"))).toMatchObject({ code: "TASK_NOT_CURRENT" });
  });

  it("removes the stack at once in a terminal state without tasks", () => {
    const ending = build("abandon", { terminal: true, tasks: [] });

    expect(toApplied(decide(ending, play(ending, anEvent("GO")), anEvent("LEAVE"))).removed).toBe(true);
  });

  it("is not changed into waiting by a later revision", () => {
    const { stack } = toApplied(decide(build("wait"), left, byName("c")));

    expect(stack.state).toBe("REST");
  });
});
