import { describe, expect, it } from "vitest";
import {
  aMachineV2,
  anEvent,
  aStack,
  type MachineSketch,
  type StateSketch,
  someRules,
} from "../../testing/builders.ts";
import { anExpression, aTemplate, readKey, readOutput } from "../../testing/expressions.ts";
import { play, toApplied } from "../../testing/play.ts";
import type { StackEvent } from "../event-message.ts";
import type { ExpressionScope } from "../expression/expression.ts";
import { decide } from "./decide.ts";

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
      refused("EVENT_NOT_HANDLED", 'No condition that "INIT" has for "GO" holds.'),
    );
  });

  it("refuses the event at the first condition that fails; later ones are not tried", () => {
    expect(decide(machine, aStack(), go())).toEqual(
      refused("EXPRESSION_FAILED", 'The condition "metadata.size == 1" of "GO" failed: No such key: size'),
    );
  });

  it("refuses the event when a condition gives neither true nor false", () => {
    const odd = build({ GO: [{ when: anExpression(() => 1, "1"), to: "A" }] });

    expect(decide(odd, aStack(), go())).toEqual(
      refused("EXPRESSION_FAILED", 'The condition "1" of "GO" failed: it gives neither true nor false'),
    );
  });

  it("looks at the stack before the event, with the event's metadata laid over its own", () => {
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
      reason: 'No condition that "BUILD" has for "NEXT" holds.',
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

  it("begins with the present state where an earlier version did not count", () => {
    const machine = aMachineV2({ INIT: {}, A: { on: { GO: ["A"] } } });

    expect(toApplied(decide(machine, aStack({ state: "A" }), go())).stack.visits).toEqual({ A: 2 });
  });
});
