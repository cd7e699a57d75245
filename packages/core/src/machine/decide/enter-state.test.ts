import { describe, expect, it } from "vitest";
import {
  aMachine,
  aMachineV2,
  anEvent,
  anExpression,
  aStack,
  aTemplate,
  type MachineSketch,
  play,
  readKey,
  readOutput,
  type StateSketch,
  someRules,
  toApplied,
} from "../../testing/builders.ts";
import type { StackEvent } from "../event-message.ts";
import type { ExpressionScope } from "../expression/expression.ts";
import type { Machine, Task } from "../machine.ts";
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

  it("names the tasks of the state that is left which have not succeeded, whatever it is left by", () => {
    const rolling = aMachine({
      INIT: { on: { GO: ["ROLL"] } },
      ROLL: { tasks: ["one", "two"], on: { NEXT: ["LIVE"], FAILED: ["LIVE"], STOP: ["LIVE"] } },
      LIVE: {},
    });
    const begun = play(rolling, anEvent("GO"), done("one"));
    const leftBy = (event: StackEvent) => toApplied(decide(rolling, begun, event)).unfinished;

    expect(leftBy(anEvent("STOP"))).toEqual(["two"]);
    expect(leftBy(failed("two"))).toEqual(["two"]);
    expect(leftBy(done("two"))).toBeUndefined();
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

    const { deed, deeds, ...rest } = stack;
    expect(rest).toEqual(
      aStack({ incarnation: "event-1", createdAt: 1_000, updatedAt: 1_000, enteredAt: 1_000, metadata: { k: 1 } }),
    );
    expect(Object.values(deeds ?? {})).toMatchObject([{ event: "NOTHING", onlyValues: true }]);
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

  it("that waits fires once for an event that settles its state again", () => {
    let fired = 0;
    const never = anExpression(() => {
      fired += 1;
      return false;
    });
    const held = aMachineV2({
      INIT: { on: { GO: ["BUILD"] } },
      BUILD: { tasks: ["one"], on: { NEXT: [{ when: never }] } },
    });
    const again = { ...done("one"), outputs: { out: "x" } };
    const stack = play(held, anEvent("GO"), again);
    fired = 0;

    const decision = toApplied(decide(held, stack, again));

    expect([decision.stack.pending, fired]).toEqual([["NEXT"], 1]);
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
    const mended = aMachine({ INIT: {}, PLAIN: { tasks: ["one", "two"], on: { FAILED: ["INIT"], LOOK: [] } } });
    const stack = play(machine, anEvent("PLAIN"), failed("one"), failed("two"));

    expect(stack.pending).toEqual(["FAILED"]);
    expect(decideOn(mended, stack, "LOOK").stack).toMatchObject({ state: "PLAIN", failed: true, pending: ["FAILED"] });
  });

  it.each([
    ["the revision", "1".repeat(64), anEvent("LOOK")],
    ["the metadata", machine.hash, anEvent("LOOK", { metadata: { k: 1 } })],
    ["a task", machine.hash, done("two")],
  ])("that is not handled fires again after a change of %s, until it is handled", (_what, hash, event) => {
    const states = { INIT: {}, PLAIN: { tasks: ["one", "two"], on: { FAILED: [], LOOK: [] } } };
    const stack = play(machine, anEvent("PLAIN"), failed("one"), failed("two"));

    const handled = toApplied(decide(aMachine(states, { hash }), stack, event)).stack;
    const moving = aMachine({ ...states, PLAIN: { ...states.PLAIN, on: { FAILED: ["INIT"], LOOK: [] } } }, { hash });

    expect([handled.state, handled.failed, handled.pending]).toEqual(["PLAIN", undefined, undefined]);
    expect(decideOn(moving, handled, "LOOK", { metadata: { k: 2 } }).stack.state).toBe("PLAIN");
    expect(toApplied(decide(moving, stack, event)).stack.state).toBe("INIT");
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

  it("begin anew after an event from outside that is not a result", () => {
    const looked = toApplied(decide(machine, full, anEvent("LOOK"), limits)).stack;

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

const isSize = (size: unknown) => anExpression((scope) => readKey(scope, "size") === size, `metadata.size == ${size}`);
const refused = (code: string, reason: string) => ({ kind: "rejected", code, reason });
const go = (metadata: unknown = {}, event: Partial<StackEvent> = {}) => anEvent("GO", { metadata, ...event });

function build(on: StateSketch["on"], sketch: MachineSketch = {}, init: StateSketch = {}) {
  return aMachineV2({ INIT: { on: on ?? {}, ...init }, A: {}, B: {}, END: { terminal: true } }, sketch);
}

describe("a list of reactions", () => {
  const machine = build({
    GO: [{ when: isSize(1), to: "A" }, { when: isSize(2) }, { when: isSize(3), to: "B" }],
  });

  it("does what the first entry says whose condition holds, and only that", () => {
    const both = build({ GO: [{ when: isSize(1), to: "A" }, { to: "B" }] });

    expect([1, 2, 3].map((size) => play(machine, go({ size })).state)).toEqual(["A", "INIT", "B"]);
    expect([1, 2].map((size) => play(both, go({ size })).state)).toEqual(["A", "B"]);
  });

  it("refuses the event when no condition holds", () => {
    expect(decide(machine, aStack(), go({ size: 4 }))).toEqual(
      refused("EVENT_NOT_HANDLED", 'No condition of "GO" in "INIT" is true.'),
    );
  });

  it("refuses the event at the first condition that fails; later ones are not tried", () => {
    expect(decide(machine, aStack(), go())).toEqual(
      refused("EXPRESSION_FAILED", 'The condition "metadata.size == 1" of "GO" failed: No such key: size'),
    );
  });

  it("refuses the event when the result of a condition is not a boolean", () => {
    const odd = build({ GO: [{ when: anExpression(() => 1, "1"), to: "A" }] });

    expect(decide(odd, aStack(), go())).toEqual(
      refused("EXPRESSION_FAILED", 'The condition "1" of "GO" failed: the result is not a boolean'),
    );
  });

  it("reads the stack before the event, with the event's metadata merged into its own", () => {
    let seen: ExpressionScope | undefined;
    const look = anExpression((scope) => {
      seen = scope;
      return true;
    });
    const stack = aStack({ metadata: { size: 1, kept: true }, visits: { INIT: 2 }, createdAt: 5, enteredAt: 6 });

    toApplied(decide(build({ GO: [{ when: look, to: "A" }] }), stack, go({ size: 2 }, { at: 9 })));

    expect(seen).toEqual({
      stack: {
        id: "pr-12",
        machine: "review-app",
        state: "INIT",
        previousState: null,
        createdAt: 5,
        enteredAt: 6,
        visits: { INIT: 2, A: 0, B: 0, END: 0 },
      },
      metadata: { size: 2, kept: true },
      event: { name: "GO", metadata: { size: 2 } },
      tasks: {},
      now: 9,
    });
  });
});

describe("what a reaction sets", () => {
  const add = (amount: number) => aTemplate((scope) => Number(readKey(scope, "size")) + amount);

  it("is stored before the entry, all from the same metadata, over what the event brought", () => {
    const machine = build({ GO: [{ to: "A", set: { size: add(1), double: add(10) } }] });

    const { state, metadata } = play(machine, go({ size: 1 }));

    expect([state, metadata]).toEqual(["A", { size: 2, double: 11 }]);
  });

  it("is named as far as it has changed", () => {
    const states = { GO: [{ to: "A", set: { size: add(1), same: aTemplate(() => "x") } }] };

    const applied = toApplied(decide(build(states), aStack({ metadata: { same: "x" } }), go({ size: 1 })));

    expect(applied.set).toEqual(["size"]);
    expect(toApplied(decide(build({ GO: [{ to: "A" }] }), aStack(), go({ size: 1 }))).set).toBeUndefined();
  });

  it("is stored where nothing is entered, and every scalar keeps its type", () => {
    const set = { a: aTemplate(() => null), b: aTemplate(() => false), c: aTemplate(() => "x") };

    const stack = play(build({ GO: [{ set }] }), go());

    expect([stack.state, stack.metadata]).toEqual(["INIT", { a: null, b: false, c: "x" }]);
  });

  it.each([
    ["a list", []],
    ["a map", {}],
    ["no number", Number.NaN],
  ])("refuses the event for %s", (_what, value) => {
    const machine = build({ GO: [{ to: "A", set: { size: aTemplate(() => value) } }] });

    expect(decide(machine, aStack(), go())).toEqual(
      refused("EXPRESSION_FAILED", 'What "GO" sets in "size" failed: metadata is text, a number, true, false or null'),
    );
  });

  it("refuses the event when an expression fails", () => {
    expect(
      decide(build({ GO: [{ to: "A", set: { x: aTemplate((scope) => readKey(scope, "y")) } }] }), aStack(), go()),
    ).toEqual(refused("EXPRESSION_FAILED", 'What "GO" sets in "x" failed: No such key: y'));
  });

  it("refuses the event when the machine's rules or the size limit are broken", () => {
    const rules = { metadata: someRules({ size: { type: "number" } }) };
    const wrong = build({ GO: [{ set: { size: aTemplate(() => "big") } }] }, rules);
    const large = build({ GO: [{ set: { text: aTemplate(() => "x".repeat(70_000)) } }] });

    expect(decide(wrong, aStack(), go())).toEqual(
      refused("METADATA_INVALID", 'The metadata key "size" must be a number, not a string.'),
    );
    expect(decide(large, aStack(), go())).toMatchObject({ code: "METADATA_TOO_LARGE" });
  });

  it("sees sensitive metadata, which conditions do not", () => {
    const rules = { metadata: someRules({ password: { sensitive: true }, copy: { sensitive: true } }) };
    const hidden = anExpression(
      ({ metadata, event }) => !("password" in metadata || "password" in (event?.metadata ?? {})),
    );
    const copy = aTemplate((scope) => `${readKey(scope, "password")}-${scope.event?.metadata["password"]}`);

    const { metadata } = play(build({ GO: [{ when: hidden, set: { copy } }] }, rules), go({ password: "hunter22" }));

    expect(metadata["copy"]).toBe("hunter22-hunter22");
  });
});

describe("a protected state", () => {
  const machine = build({ GO: ["END"], STAY: [], MOVE: ["A"] }, {}, { protected: true });
  const reason = '"INIT" is protected, and "GO" ends the stack: send it with "confirm": "pr-12".';

  it("asks events that end the stack for its id, and stores nothing without it", () => {
    expect(decide(machine, aStack(), go({ k: 1 }))).toEqual(refused("CONFIRMATION_REQUIRED", reason));
    expect(decide(machine, aStack(), go({}, { confirm: "pr-13" }))).toEqual(refused("CONFIRMATION_REQUIRED", reason));
    expect(toApplied(decide(machine, aStack(), go({}, { confirm: "pr-12" }))).removed).toBe(true);
  });

  it("asks events, too, that end the stack over states that lead to the end by themselves", () => {
    const drained = aMachineV2({
      INIT: { on: { GO: ["DRAINING"], MOVE: ["A"] }, protected: true },
      DRAINING: { tasks: ["drain"], on: { NEXT: ["END"] } },
      A: { tasks: ["work"], on: { NEXT: ["INIT"] } },
      END: { terminal: true },
    });

    expect(decide(drained, aStack(), go())).toEqual(refused("CONFIRMATION_REQUIRED", reason));
    expect(play(drained, go({}, { confirm: "pr-12" })).state).toBe("DRAINING");
    expect(play(drained, anEvent("MOVE")).state).toBe("A");
  });

  it("asks nothing for a state in which the stack rests when its work is done, also where only its end follows", () => {
    const rests = aMachineV2({
      INIT: { on: { GO: ["LIVE"] }, protected: true },
      LIVE: { tasks: ["work"], on: { NEXT: [], STOP: ["END"] } },
      END: { terminal: true },
    });

    expect(play(rests, go()).state).toBe("LIVE");
  });

  it("asks nothing where the chosen entry does not end the stack", () => {
    expect([play(machine, anEvent("STAY")).state, play(machine, anEvent("MOVE")).state]).toEqual(["INIT", "A"]);
  });

  it("asks only events from outside", () => {
    const left = build({ GO: ["END"] }, {}, { protected: true, after: [{ inMs: 10, event: "GO" }] });
    const stack = play(left, anEvent("RETRY_PENDING_TASKS"));
    const event = anEvent("GO", { at: 5_000, origin: "timer", timerId: "0/after/0" });

    expect(toApplied(decide(left, stack, event)).removed).toBe(true);
  });

  it("asks nothing when NEXT ends the stack", () => {
    const built = aMachineV2({
      INIT: { on: { GO: ["BUILD"] } },
      BUILD: { tasks: ["db"], protected: true, on: { NEXT: ["END"] } },
      END: { terminal: true },
    });

    const decision = decide(built, play(built, go()), anEvent("TASK_COMPLETED", { task: { name: "db" } }));

    expect(toApplied(decision).removed).toBe(true);
  });
});

describe("NEXT and FAILED with conditions", () => {
  const machine = (on: NonNullable<StateSketch["on"]>) =>
    aMachineV2({ INIT: { on: { GO: ["BUILD"] } }, BUILD: { tasks: ["db"], on }, LIVE: {} });
  const result = (name: string) => anEvent(name, { task: { name: "db" }, outputs: { url: "x" } });

  it("see what the task gave, and how it ended", () => {
    const seen: unknown[] = [];
    const look = anExpression((scope) => {
      seen.push([readOutput(scope, "db", "url"), scope.tasks?.["db"]?.status, scope.event, scope.stack.state]);
      return true;
    });

    play(machine({ NEXT: [{ when: look, to: "LIVE" }] }), go(), result("TASK_COMPLETED"));
    play(machine({ FAILED: [{ when: look, to: "LIVE" }] }), go(), result("TASK_ERROR"));

    expect(seen).toEqual([
      ["x", "SATISFIED", { name: "NEXT", metadata: {} }, "BUILD"],
      ["x", "ERROR", { name: "FAILED", metadata: {} }, "BUILD"],
    ]);
  });

  it("stall or fail the stack with the reason when they fail, and keep the result", () => {
    const broken = { when: isSize(1), to: "LIVE" };
    const reason = (name: string) => `The condition "metadata.size == 1" of "${name}" failed: No such key: size`;
    const next = machine({ NEXT: [broken] });
    const stalled = toApplied(decide(next, play(next, go()), result("TASK_COMPLETED")));
    const failing = machine({ FAILED: [broken] });
    const failed = toApplied(decide(failing, play(failing, go()), result("TASK_ERROR")));

    expect([stalled.stack.stalled, stalled.notes]).toEqual([
      { code: "EXPRESSION_FAILED", reason: reason("NEXT") },
      [reason("NEXT")],
    ]);
    expect([failed.stack.failed, failed.stack.stalled, failed.notes]).toEqual([true, undefined, [reason("FAILED")]]);
    expect(stalled.stack.tasks).toEqual([{ name: "db", status: "SATISFIED" }]);
  });

  it("stall the stack when what they set is refused, and store nothing of it", () => {
    const sets = machine({ NEXT: [{ to: "LIVE", set: { size: aTemplate(() => []) } }] });

    const { state, stalled, metadata } = play(sets, go(), result("TASK_COMPLETED"));

    expect([state, stalled?.code, metadata]).toEqual(["BUILD", "EXPRESSION_FAILED", {}]);
  });

  it("stall the stack when no condition holds", () => {
    const never = machine({ NEXT: [{ when: anExpression(() => false), to: "LIVE" }] });

    expect(play(never, go(), result("TASK_COMPLETED")).stalled).toEqual({
      code: "EVENT_NOT_HANDLED",
      reason: 'No condition of "NEXT" in "BUILD" is true.',
    });
  });
});

describe("how often states were entered", () => {
  it("counts INIT once at creation, every entry, and shows all states", () => {
    const again = anExpression(({ stack }) => (stack.visits["A"] ?? 0) < 2);
    const machine = aMachineV2({
      INIT: { on: { GO: ["A"] } },
      A: { on: { GO: [{ when: again, to: "A" }, { to: "B" }] } },
      B: {},
    });

    expect(play(machine, go()).visits).toEqual({ INIT: 1, A: 1 });
    expect(play(machine, go(), go(), go())).toMatchObject({ state: "B", visits: { INIT: 1, A: 2, B: 1 } });
  });

  it("begins with the present state where version 1 of the machine did not count", () => {
    const machine = aMachineV2({ INIT: {}, A: { on: { GO: ["A"] } } });

    expect(toApplied(decide(machine, aStack({ state: "A" }), go())).stack.visits).toEqual({ A: 2 });
  });
});

describe("a state that is left", () => {
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
      expect([detailsOf(first.stack), first.dispatches, first.endedAttempts]).toEqual([["c WAITING"], [], [idOf("a")]]);
      expect([detailsOf(second.stack), second.endedAttempts]).toEqual([["c RUNNING"], [idOf("b")]]);
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
      const { stack, endedAttempts } = toApplied(decide(machine, left.stack, byName("a")));

      expect([detailsOf(stack), endedAttempts]).toEqual([["c WAITING"], [idOf("a")]]);
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
      const broken = build(
        "wait",
        { tasks: ["c", "d"] },
        { c: { when: anExpression(() => "?") }, d: { needs: ["c"] } },
      );
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

    it("continues when a later revision would abandon it, and ends with the last run", () => {
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

      expect(decide(machine, left, done(idOf("a")))).toEqual({ ...stale, endedAttempt: idOf("a") });
      expect(decide(machine, left, byName("a"))).toEqual({ ...stale, endedAttempt: idOf("a") });
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
});
