import { describe, expect, it } from "vitest";
import type { Applied, Decision } from "../machine/decide/decision.ts";
import type { Stack } from "../machine/stack.ts";
import { NO_CHANGE } from "../ports/stack-store.ts";
import { anEvent, aStack } from "../testing/builders.ts";
import { aDispatch, aParkedEvent, aQueuedEvent } from "../testing/store-conformance/store-builders.ts";
import { beginRound, isEmpty, park, takeDecision, toChange, unpark } from "./round.ts";

const stack = aStack({ state: "UP", entry: 1 });
const none: ReadonlySet<string> = new Set();

function aRound(loaded: Stack | null = stack, parked = [aParkedEvent("p1")]) {
  const version = loaded === null ? 0 : 7;
  return beginRound(
    { stackId: "pr-12", version, parked, ...(loaded && { stack: loaded }) },
    { now: 1_000, knownIds: none },
  );
}

function applied(after: Stack, more: Partial<Applied> = {}): Applied {
  return {
    kind: "applied",
    stack: after,
    removed: false,
    dispatches: [],
    cancels: [],
    endedAttempts: [],
    notes: [],
    ...more,
  };
}

function take(round: ReturnType<typeof aRound>, decision: Decision, id = "e1"): boolean {
  return takeDecision(round, anEvent("PUSH", { id }), decision, { everyRunnerClaims: true });
}

describe("a round", () => {
  it("is empty before anything has happened in it", () => {
    const change = toChange(aRound());

    expect(isEmpty(change)).toBe(true);
    expect(change).toEqual({ ...NO_CHANGE, stackId: "pr-12", expectedVersion: 7, now: 1_000 });
  });

  it("gathers what applied events do, in their order", () => {
    const round = aRound();
    const second = { ...stack, state: "DOWN", entry: 3 };

    take(round, applied({ ...stack, entry: 2 }, { dispatches: [aDispatch("a1")], endedAttempts: ["a0"] }), "e1");
    take(round, applied(second, { cancels: [{ attemptId: "a1", withinMs: 5, why: "requested" }] }), "e2");

    expect(toChange(round)).toMatchObject({
      write: { kind: "put", stack: second },
      appliedIds: ["e1", "e2"],
      dispatches: [{ attemptId: "a1" }],
      endedAttempts: ["a0"],
      cancels: [{ attemptId: "a1", withinMs: 5, why: "requested", unclaimedAtOnce: true }],
    });
  });

  it.each([
    ["a new stack", null, applied(stack), true],
    ["the end of the stack", stack, applied(stack, { removed: true }), true],
    ["another entry", stack, applied({ ...stack, entry: 2 }), true],
    ["other metadata", stack, applied({ ...stack, metadata: { a: 1 } }), true],
    ["another revision", stack, applied({ ...stack, machineHash: "f".repeat(64) }), true],
    ["another status of a task", stack, applied({ ...stack, tasks: [{ name: "a", status: "ERROR" }] }), true],
    ["a later instant", stack, applied({ ...stack, updatedAt: 99 }), false],
  ] as const)("says whether parked events get another try: %s", (_what, before, decision, changed) => {
    expect(take(aRound(before), decision)).toBe(changed);
  });

  it("writes a stack that is removed and made anew as one that is written over", () => {
    const round = aRound();
    const next = aStack({ incarnation: "e2" });

    take(round, applied(stack, { removed: true }), "e1");
    const between = toChange(round).write;
    take(round, applied(next), "e2");

    expect([between, toChange(round).write]).toEqual([{ kind: "remove" }, { kind: "put", stack: next }]);
  });

  it("writes nothing of a stack that came and went within it, but remembers the events", () => {
    const round = aRound(null);

    take(round, applied(stack, { removed: true }));

    expect(toChange(round)).toMatchObject({ write: { kind: "keep" }, appliedIds: ["e1"] });
    expect(isEmpty(toChange(round))).toBe(false);
  });

  it("closes the run that a stale result ends", () => {
    const run = { attemptId: "a1", entry: 0, task: "t", attempt: 1, dispatchedAt: 0 };
    const round = aRound({ ...stack, runs: [run] });

    const changed = take(round, { kind: "ignored", code: "RESULT_STALE", reason: "late", endedAttempt: "a1" });

    expect(changed).toBe(false);
    expect(toChange(round)).toMatchObject({
      write: { kind: "put", stack: { runs: [] } },
      endedAttempts: ["a1"],
      appliedIds: [],
    });
  });

  it("parks an event again, and takes it out of parking", () => {
    const round = aRound();
    const again = aParkedEvent("p1", { tries: 2, order: 3 });

    park(round, again);
    const parked = toChange(round);
    unpark(round, aQueuedEvent("p1"));

    expect([parked.park, parked.unpark]).toEqual([[again], []]);
    expect([toChange(round).park, toChange(round).unpark]).toEqual([[], ["p1"]]);
  });

  it("leaves no trace of an event that was parked and applied within it", () => {
    const round = aRound(stack, []);

    park(round, aParkedEvent("p2"));
    unpark(round, aQueuedEvent("p2"));

    expect(isEmpty(toChange(round))).toBe(true);
  });
});
