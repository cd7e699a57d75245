import { describe, expect, it } from "vitest";
import { aMachine, anEvent, aStack } from "../../testing/builders.ts";
import { play, toApplied } from "../../testing/play.ts";
import type { Machine } from "../machine.ts";
import type { Stack } from "../stack.ts";
import { decide } from "./decide.ts";

const done = (task: string) => anEvent("TASK_COMPLETED", { task: { name: task } });
const failed = (task: string) => anEvent("TASK_ERROR", { task: { name: task }, description: "no" });
const decideOn = (machine: Machine, stack: Stack, ...events: Parameters<typeof anEvent>) => {
  return toApplied(decide(machine, stack, anEvent(...events)));
};

describe("advancing", () => {
  const machine = aMachine({
    INIT: { tasks: ["tidy"], on: { GO: ["A"], JUMP: ["A", "B"], NOTHING: [], AGAIN: ["INIT"] } },
    A: { tasks: ["one"], on: { NEXT: ["B"] } },
    B: { tasks: ["two", "three"], on: { NEXT: [] } },
  });

  it("through several states leaves only the last one's tasks, and counts every entry", () => {
    const stack = play(machine, anEvent("JUMP"));

    expect([stack.state, stack.previousState, stack.entry]).toEqual(["B", "A", 2]);
    expect(stack.runs.map(({ attemptId }) => attemptId)).toEqual(["pr-12/event-1/2/two/1", "pr-12/event-1/2/three/1"]);
  });

  it("to the same state sends its tasks again and leaves the earlier runs open", () => {
    const first = play(machine, anEvent("AGAIN"));

    const { stack, dispatches } = decideOn(machine, first, "AGAIN", { at: 5_000 });

    expect([stack.state, stack.previousState, stack.entry, stack.enteredAt]).toEqual(["INIT", "INIT", 2, 5_000]);
    expect(dispatches.map(({ attemptId, again }) => [attemptId, again])).toEqual([["pr-12/event-1/2/tidy/1", false]]);
    expect(stack.runs.map(({ entry }) => entry)).toEqual([1, 2]);
  });

  it("does not happen on an empty reaction, and INIT's tasks are not created with the stack", () => {
    const stack = play(machine, anEvent("NOTHING", { metadata: { k: 1 } }));

    expect(stack).toEqual(
      aStack({ life: "event-1", createdAt: 1_000, updatedAt: 1_000, enteredAt: 1_000, metadata: { k: 1 } }),
    );
  });

  it("enters a state that the machine does not have without tasks", () => {
    const broken = aMachine({ INIT: { on: { GO: ["GONE"] } } });

    expect(play(broken, anEvent("GO")).tasks).toEqual([]);
  });

  it("leaves out a task that the revision does not have, and says so", () => {
    const broken = { ...machine, tasks: new Map([...machine.tasks].filter(([name]) => name !== "two")) };

    const { stack, dispatches, notes } = decideOn(broken, aStack(), "JUMP");

    expect(dispatches.map(({ task }) => task)).toEqual(["three"]);
    expect(stack.tasks.map(({ name }) => name)).toEqual(["two", "three"]);
    expect(notes).toEqual(['Task "two" is not in the machine any more, so it was not sent.']);
  });

  it("sends a task without executor with the definition that it has", () => {
    const { executor, ...bare } = { ...machine.tasks.get("one"), definition: {} };
    const odd = { ...machine, tasks: new Map([["one", bare]]) } as unknown as Machine;

    const { dispatches, stack } = decideOn(odd, aStack(), "GO");

    expect(dispatches.map(({ message }) => message.task)).toEqual([{ name: "one" }]);
    expect([...dispatches, ...stack.runs].map((sent) => "executor" in sent)).toEqual([false, false]);
  });
});

describe("NEXT", () => {
  const machine = aMachine({
    INIT: { on: { GO: ["GATE"], BUSY: ["BUSY"] } },
    GATE: { tasks: ["one"], on: { NEXT: [] } },
    BUSY: { tasks: ["one"] },
  });

  it("is handled by an empty reaction: the tasks stay, succeeded", () => {
    const stack = toApplied(decide(machine, play(machine, anEvent("GO")), done("one"))).stack;

    expect([stack.state, stack.tasks, stack.stalled]).toEqual([
      "GATE",
      [{ name: "one", status: "SATISFIED" }],
      undefined,
    ]);
  });

  it("that is not handled stalls the stack and keeps the completion", () => {
    const { stack, notes } = toApplied(decide(machine, play(machine, anEvent("BUSY")), done("one")));

    expect(stack.tasks).toEqual([{ name: "one", status: "SATISFIED" }]);
    expect(stack.stalled).toEqual({ code: "EVENT_NOT_HANDLED", reason: '"BUSY" has no "NEXT".' });
    expect(notes).toEqual(['"BUSY" has no "NEXT".']);
  });

  it("does not fire on the entry of a state without tasks", () => {
    const idle = aMachine({ INIT: { on: { GO: ["IDLE"] } }, IDLE: { on: { NEXT: ["INIT"] } } });

    expect(play(idle, anEvent("GO")).state).toBe("IDLE");
  });

  it("runs again on a second completion by name", () => {
    const stalled = play(machine, anEvent("BUSY"), done("one"));
    const mended = aMachine({ INIT: {}, BUSY: { tasks: ["one"], on: { NEXT: ["INIT"] } } });

    const { stack } = toApplied(decide(mended, stalled, done("one")));

    expect([stack.state, stack.stalled]).toEqual(["INIT", undefined]);
  });

  it("never fires in a terminal state, which is removed instead", () => {
    const last = aMachine({
      INIT: { on: { GO: ["LAST"] } },
      LAST: { terminal: true, tasks: ["one"], on: { NEXT: ["INIT"] } },
    });

    const decision = toApplied(decide(last, play(last, anEvent("GO")), done("one")));

    expect([decision.removed, decision.stack.state, decision.notes]).toEqual([true, "LAST", []]);
  });

  it("may come from outside where the receiver lets it", () => {
    const idle = aMachine({ INIT: { on: { GO: ["IDLE"] } }, IDLE: { on: { NEXT: ["INIT"] } } });

    expect(play(idle, anEvent("GO"), anEvent("NEXT")).state).toBe("INIT");
  });
});

describe("FAILED", () => {
  const machine = aMachine({
    INIT: { on: { GO: ["BUILD"], CALM: ["CALM"], PLAIN: ["PLAIN"], LAST: ["LAST"] } },
    BUILD: { tasks: ["one", "two"], on: { NEXT: ["INIT"], FAILED: ["BROKEN"] } },
    CALM: { tasks: ["one", "two"], on: { NEXT: ["INIT"], FAILED: [] } },
    PLAIN: { tasks: ["one", "two"], on: { NEXT: [] } },
    LAST: { terminal: true, tasks: ["one"], on: { FAILED: ["BROKEN"] } },
    BROKEN: {},
  });

  it("fires when no task runs any more and one has failed", () => {
    const half = play(machine, anEvent("GO"), failed("one"));
    const whole = play(machine, anEvent("GO"), failed("one"), done("two"));

    expect([half.state, half.failed]).toEqual(["BUILD", undefined]);
    expect([whole.state, whole.previousState, whole.failed]).toEqual(["BROKEN", "BUILD", undefined]);
  });

  it("works in a terminal state too", () => {
    expect(play(machine, anEvent("LAST"), failed("one")).state).toBe("BROKEN");
  });

  it("handled by nothing leaves no mark", () => {
    const stack = play(machine, anEvent("CALM"), failed("one"), failed("two"));

    expect([stack.state, stack.failed]).toEqual(["CALM", undefined]);
  });

  it("that is not handled marks the stack", () => {
    const stack = play(machine, anEvent("PLAIN"), failed("one"), done("two"));

    expect([stack.state, stack.failed, stack.stalled]).toEqual(["PLAIN", true, undefined]);
  });

  it("does not fire again for a change that makes no difference", () => {
    const mended = aMachine({ INIT: {}, PLAIN: { tasks: ["one", "two"], on: { FAILED: ["INIT"] } } });
    const stack = play(machine, anEvent("PLAIN"), failed("one"), failed("two"));

    expect(toApplied(decide(mended, stack, done("two"))).stack.state).toBe("PLAIN");
  });

  it("ends its mark when the tasks succeed late", () => {
    const stack = play(machine, anEvent("PLAIN"), failed("one"), done("two"), done("one"));

    expect([stack.state, stack.failed, stack.tasks.map(({ status }) => status)]).toEqual([
      "PLAIN",
      undefined,
      ["SATISFIED", "SATISFIED"],
    ]);
  });

  it("is an event from outside only in a machine that declares it", () => {
    const declaring = { ...machine, events: new Set([...machine.events, "FAILED"]) };
    const stack = play(declaring, anEvent("GO"), failed("one"), failed("two"));

    expect([stack.state, stack.failed]).toEqual(["BUILD", true]);
    expect(decideOn(declaring, stack, "FAILED").stack.state).toBe("BROKEN");
  });
});

describe("limits of entries", () => {
  const machine = aMachine({
    INIT: { on: { GO: ["LOOP"], TWICE: ["PAIR"] } },
    LOOP: { tasks: ["one"], on: { NEXT: ["LOOP"], FAILED: ["LOOP"], GO: ["LOOP"], LOOK: [] } },
    PAIR: {
      tasks: ["one"],
      on: { NEXT: ["PAIR", "PAIR"], FAILED: ["PAIR", "PAIR", "PAIR"], GO: ["INIT", "INIT", "INIT"] },
    },
  });
  const limits = { automaticEntriesPerHour: 3, entriesPerEvent: 2 };
  const complete = (stack: Stack, at: number) => {
    return toApplied(decide(machine, stack, { ...done("one"), at }, limits)).stack;
  };
  const full = [10, 20, 30].reduce(complete, play(machine, anEvent("GO", { at: 0 })));
  const loopLimit = { code: "LOOP_LIMIT", reason: "Results and timers caused more than 3 entries within 60 minutes." };

  it("stop a stack that runs in circles: the result is kept, the entry is not made", () => {
    const { stack, dispatches, notes } = toApplied(decide(machine, full, { ...done("one"), at: 40 }, limits));

    expect(full.automaticEntries).toEqual([10, 20, 30]);
    expect([stack.entry, stack.tasks, stack.stalled]).toEqual([4, [{ name: "one", status: "SATISFIED" }], loopLimit]);
    expect([dispatches, notes]).toEqual([[], [loopLimit.reason]]);
  });

  it("forget entries that are an hour old", () => {
    expect(complete(full, 3_600_009).stalled).toEqual(loopLimit);
    expect(complete(full, 3_600_010).automaticEntries).toEqual([20, 30, 3_600_010]);
  });

  it("begin anew after an event from outside that is no result", () => {
    const looked = decideOn(machine, full, "LOOK").stack;

    expect(looked.automaticEntries).toEqual([]);
    expect(complete(looked, 50).stalled).toBeUndefined();
  });

  it("count a timer's entries as they count a result's", () => {
    const timer = { id: "4/after/0", event: "GO", dueAt: 35 };

    const event = anEvent("GO", { at: 40, origin: "timer", timerId: timer.id });
    const { stack } = toApplied(decide(machine, { ...full, timers: [timer] }, event, limits));

    expect([stack.entry, stack.stalled, stack.timers]).toEqual([4, loopLimit, []]);
  });

  it("mark a failed stack as such when the reaction is not made", () => {
    const { stack } = toApplied(decide(machine, full, { ...failed("one"), at: 40 }, limits));

    expect([stack.failed, stack.stalled]).toEqual([true, loopLimit]);
  });

  it("count every entry of a reaction, and make all or none", () => {
    const first = play(machine, anEvent("TWICE", { at: 0 }));
    const once = complete(first, 10);

    expect([once.entry, once.automaticEntries]).toEqual([3, [10, 10]]);
    expect([complete(once, 20).entry, complete(once, 20).automaticEntries]).toEqual([3, [10, 10]]);
  });

  it("stop a reaction of the engine with too many entries, but not one to an event from outside", () => {
    const pair = play(machine, anEvent("TWICE"));

    const stopped = toApplied(decide(machine, pair, failed("one"), limits)).stack;
    const moved = toApplied(decide(machine, pair, anEvent("GO"), limits)).stack;

    expect(stopped.stalled).toEqual({ code: "TRANSITION_LIMIT", reason: "One event may cause at most 2 entries." });
    expect([stopped.entry, stopped.failed]).toEqual([1, true]);
    expect([moved.entry, moved.stalled]).toEqual([4, undefined]);
  });
});
