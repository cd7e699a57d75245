import { describe, expect, it } from "vitest";
import { aMachineV2, anEvent, play, toApplied } from "../../testing/builders.ts";
import type { StackEvent } from "../event-message.ts";
import type { Stack } from "../stack.ts";
import { evaluateHealth } from "../stack-health.ts";
import { decide } from "./decide.ts";
import { findNotedLeft } from "./left-behind.ts";
import { DEFAULT_LIMITS } from "./work.ts";

const machine = aMachineV2({
  INIT: { on: { OPENED: ["LIVE"] } },
  LIVE: { on: { CLOSED: ["GONE"], DROPPED: ["EMPTY"] } },
  GONE: { terminal: true, tasks: ["off"] },
  EMPTY: { terminal: true },
});
const LEFT = ["web/pr-12/local/app (2 resources)", "web/pr-12/local/net (1 resource)"];

const doneOf = ({ runs }: Stack): StackEvent => {
  const { attemptId: dispatchId = "", task: name = "" } = runs[0] ?? {};
  return anEvent("TASK_COMPLETED", { origin: "worker", dispatchId, task: { name } });
};

const closing = play(machine, anEvent("OPENED"), anEvent("CLOSED"));

describe("the removal of a stack of which something is left", () => {
  it("is refused at its end, with the names of what is left, until nothing is", () => {
    const refused = toApplied(decide(machine, closing, doneOf(closing), DEFAULT_LIMITS, LEFT));

    expect(refused.removed).toBe(false);
    expect(refused.stack.stalled).toMatchObject({
      code: "LEFT_BEHIND",
      reason: expect.stringContaining(LEFT.join(", ")),
    });
    expect(evaluateHealth(refused.stack)).toMatchObject({ main: "stalled", needsPerson: true });
    expect(findNotedLeft(refused.notes)).toEqual([LEFT.join(", ")]);
    expect(toApplied(decide(machine, closing, doneOf(closing))).removed).toBe(true);
  });

  it("does the tasks of the state again with a retry", () => {
    const refused = toApplied(decide(machine, closing, doneOf(closing), DEFAULT_LIMITS, LEFT)).stack;
    const again = toApplied(decide(machine, refused, anEvent("RETRY_FAILED_TASKS"), DEFAULT_LIMITS, LEFT));

    expect(again.dispatches.map(({ task }) => task)).toEqual(["off"]);
    expect(again.stack).not.toHaveProperty("stalled");
    expect(toApplied(decide(machine, again.stack, doneOf(again.stack))).removed).toBe(true);
  });

  it("is refused where the state has no tasks, and asked again with a retry", () => {
    const live = play(machine, anEvent("OPENED"));
    const refused = toApplied(decide(machine, live, anEvent("DROPPED"), DEFAULT_LIMITS, LEFT));
    const retried = toApplied(decide(machine, refused.stack, anEvent("RETRY_FAILED_TASKS"), DEFAULT_LIMITS, LEFT));

    expect(refused).toMatchObject({ removed: false, stack: { state: "EMPTY", stalled: { code: "LEFT_BEHIND" } } });
    expect(retried).toMatchObject({ removed: false, stack: { stalled: { code: "LEFT_BEHIND" } } });
    expect(toApplied(decide(machine, refused.stack, anEvent("RETRY_FAILED_TASKS"))).removed).toBe(true);
  });

  it("is never refused by force, which notes what is left", () => {
    const forced = anEvent("REMOVE_STACK", { force: true, reason: "known" });
    const { removed, notes } = toApplied(decide(machine, closing, forced, DEFAULT_LIMITS, LEFT));

    expect(removed).toBe(true);
    expect(notes).toContain(`Left behind, because these are not empty: ${LEFT.join(", ")}.`);
    expect(findNotedLeft(notes)).toEqual([]);
    expect(toApplied(decide(machine, closing, forced)).notes.join()).not.toContain("not empty");
  });
});
