import { describe, expect, it } from "vitest";
import { aMachine, anEvent, aStack } from "../../testing/builders.ts";
import { play } from "../../testing/play.ts";
import { decide, followDecision } from "./decide.ts";

const machine = aMachine({
  INIT: { on: { GO: ["BUILD"] } },
  BUILD: { tasks: ["db"], on: { LEAVE: ["REST"], END: ["ENDED"] }, after: [{ inMs: 1_000, event: "SLEEP" }] },
  REST: {},
  ENDED: { terminal: true },
});
const built = play(machine, anEvent("GO"));

describe("followDecision", () => {
  it("gives the stack that was decided, and none when it was removed", () => {
    const decision = decide(machine, built, anEvent("LEAVE"));

    expect(followDecision(built, decision)?.state).toBe("REST");
    expect(followDecision(built, decide(machine, built, anEvent("END")))).toBeUndefined();
  });

  it("ends the run that an answer without effect closes", () => {
    const left = play(machine, anEvent("GO"), anEvent("LEAVE"));
    const late = anEvent("TASK_COMPLETED", { dispatchId: left.runs[0]?.attemptId ?? "", origin: "worker" });

    const decision = decide(machine, left, late);

    expect([decision.kind, left.runs.length, followDecision(left, decision)?.runs]).toEqual(["ignored", 1, []]);
  });

  it("spends the timer whose event is refused", () => {
    const event = anEvent("SLEEP", { at: 9_000, origin: "timer", timerId: "1/after/0" });

    const decision = decide(machine, built, event);

    expect([decision.kind, built.timers.length, followDecision(built, decision)?.timers]).toEqual(["rejected", 1, []]);
  });

  it("leaves the stack as it is otherwise, and where there is none", () => {
    const refused = decide(machine, built, anEvent("NEXT"));

    expect(followDecision(built, refused)).toBe(built);
    expect(followDecision(undefined, refused)).toBeUndefined();
    expect(followDecision(aStack(), { kind: "ignored", code: "DUPLICATE", reason: "" })).toEqual(aStack());
  });
});
