import { describe, expect, it } from "vitest";
import {
  aMachine,
  aMachineV2,
  anEvent,
  anExpression,
  aStack,
  play,
  type StateSketch,
  someRules,
  toApplied,
} from "../../testing/builders.ts";
import { attemptIdOf } from "../attempt-id.ts";
import { defined } from "../json.ts";
import { decide } from "./decide.ts";
import { attemptsOf, closeRun, readAttemptSecrets } from "./runs.ts";
import { dueTimers, spendTimer } from "./timers.ts";
import { toFindSecret, toScope } from "./to-scope.ts";

const machine = aMachine({ INIT: { on: { GO: ["A"] } }, A: { tasks: ["one", "two"] } });
const stack = play(machine, anEvent("GO"));

describe("closeRun", () => {
  it("takes the open attempt out and leaves all else", () => {
    expect(closeRun(stack, "pr-12/event-1/1/one/1")).toEqual({ ...stack, runs: stack.runs.slice(1) });
  });

  it("gives the same stack when the attempt is not open", () => {
    expect(closeRun(stack, "other")).toBe(stack);
  });
});

describe("attemptsOf", () => {
  it("counts from nothing, also for names of built-ins", () => {
    const counted = aStack({ attempts: { one: 2 } });

    expect(["one", "two", "constructor", "__proto__"].map((task) => attemptsOf(counted, task))).toEqual([2, 0, 0, 0]);
  });
});

describe("timers", () => {
  const machine = aMachine({
    INIT: { on: { OPENED: ["LIVE"] }, after: [{ inMs: 10_000, event: "OPENED" }] },
    LIVE: {
      on: { CLOSE: ["ENDED"], KEEP: ["LIVE"], LOOK: [] },
      after: [
        { inMs: 5_000, event: "CLOSE" },
        { inMs: 5_000, event: "LOOK" },
        { inMs: 1_000, event: "LOOK" },
      ],
    },
    ENDED: {},
  });

  const live = play(machine, anEvent("OPENED"));

  const stale = (id: string) => ({
    kind: "ignored",
    code: "TIMER_STALE",
    reason: `The timer "${id}" is not armed and due.`,
  });

  describe("timers of a state", () => {
    it("are armed when a stack is created, although INIT's tasks are not", () => {
      const created = play(machine, anEvent("RETRY_PENDING_TASKS"));

      expect(created.timers).toEqual([{ id: "0/after/0", event: "OPENED", dueAt: 11_000 }]);
    });

    it("are armed on every entry and dropped with the state, also when it is entered again", () => {
      const kept = play(machine, anEvent("OPENED"), anEvent("KEEP", { at: 3_000 }));

      expect(live.timers).toEqual([
        { id: "1/after/0", event: "CLOSE", dueAt: 6_000 },
        { id: "1/after/1", event: "LOOK", dueAt: 6_000 },
        { id: "1/after/2", event: "LOOK", dueAt: 2_000 },
      ]);
      expect(kept.timers.map(({ id, dueAt }) => `${id} ${dueAt}`)).toEqual([
        "2/after/0 8000",
        "2/after/1 8000",
        "2/after/2 4000",
      ]);
    });

    it("stay armed when an event changes no state", () => {
      expect(play(machine, anEvent("OPENED"), anEvent("LOOK", { at: 2_000 })).timers).toEqual(live.timers);
    });

    it("fire once, and count as automatic", () => {
      const look = anEvent("LOOK", { at: 2_000, origin: "timer", timerId: "1/after/2" });
      const close = anEvent("CLOSE", { at: 6_000, origin: "timer", timerId: "1/after/0" });

      const looked = toApplied(decide(machine, live, look)).stack;
      const closed = toApplied(decide(machine, live, close)).stack;

      expect(looked.timers.map(({ id }) => id)).toEqual(["1/after/0", "1/after/1"]);
      expect(decide(machine, looked, look)).toEqual(stale("1/after/2"));
      expect([closed.state, closed.timers, closed.automaticEntries]).toEqual(["ENDED", [], [6_000]]);
      expect(decide(machine, closed, close)).toEqual(stale("1/after/0"));
    });

    it.each([
      ["before it is due", { at: 1_999, timerId: "1/after/2" }],
      ["of another event", { at: 9_000, timerId: "1/after/0" }],
      ["that was never armed", { at: 9_000, timerId: "7/after/0" }],
    ])("do nothing for an event %s", (_, event) => {
      const decision = decide(machine, live, anEvent("LOOK", { origin: "timer", ...event }));

      expect(decision).toEqual(stale(event.timerId));
    });

    it("says so when the event names no timer", () => {
      expect(decide(machine, live, anEvent("LOOK", { origin: "timer" }))).toEqual(stale(""));
    });

    it("are refused as any event is", () => {
      const { LIVE, ...others } = Object.fromEntries(machine.states);
      const changed = { ...machine, states: new Map(Object.entries({ ...others, LIVE: { ...LIVE, on: new Map() } })) };
      const lost = { ...machine, states: new Map(Object.entries(others)) };
      const event = anEvent("LOOK", { at: 2_000, origin: "timer", timerId: "1/after/2" });

      expect(decide(changed as typeof machine, live, event)).toEqual({
        kind: "rejected",
        code: "EVENT_NOT_HANDLED",
        reason: '"LIVE" has no "LOOK".',
      });
      expect(decide(lost, live, event)).toEqual({
        kind: "rejected",
        code: "STATE_UNKNOWN",
        reason: 'Machine "review-app" has no state "LIVE".',
      });
    });
  });

  describe("dueTimers", () => {
    it("gives what is due in the order of instants, then as declared", () => {
      expect(dueTimers(live, 1_999)).toEqual([]);
      expect(dueTimers(live, 6_000).map(({ id }) => id)).toEqual(["1/after/2", "1/after/0", "1/after/1"]);
    });
  });

  describe("spendTimer", () => {
    it("drops one timer, and nothing when it is not armed", () => {
      expect(spendTimer(live, "1/after/1", 0).timers.map(({ id }) => id)).toEqual(["1/after/0", "1/after/2"]);
      expect(spendTimer(live, "other", 0)).toBe(live);
    });

    it("has nothing to drop in a stack without timers", () => {
      expect(aStack().timers).toEqual([]);
    });
  });

  describe("timers that are due at the same instant", () => {
    const at = (id: string, event: string, dueAt: number, task?: string) => ({
      id,
      event,
      dueAt,
      ...defined({ task }),
    });

    it("fire retries first, in the order of the tasks, then the timeout, then what is declared, as declared", () => {
      const stack = aStack({
        tasks: ["network", "db"],
        timers: [
          at("1/after/0", "SLEEP", 2_000),
          at("1/after/1", "LOOK", 2_000),
          at("1/timeout", "TIMEOUT", 2_000),
          at("1/retry/db", "TASK_RETRY_DUE", 2_000, "db"),
          at("1/retry/network", "TASK_RETRY_DUE", 2_000, "network"),
          at("1/after/2", "EARLY", 1_000),
          at("1/after/3", "LATE", 3_000),
        ],
      });

      expect(dueTimers(stack, 2_000).map(({ id }) => id)).toEqual([
        "1/after/2",
        "1/retry/network",
        "1/retry/db",
        "1/timeout",
        "1/after/0",
        "1/after/1",
      ]);
    });
  });

  describe("a state's timeout", () => {
    const timed = (on: StateSketch["on"], state: StateSketch = {}) =>
      aMachineV2({
        INIT: { on: { GO: ["BUILD"] }, timeoutMs: 500 },
        BUILD: { tasks: ["db"], on: { AGAIN: ["BUILD"], ...on }, timeoutMs: 10_000, ...state },
        LATE: {},
      });
    const fired = anEvent("TIMEOUT", { at: 11_000, origin: "timer", timerId: "1/timeout" });
    const play1 = (on: StateSketch["on"]) => play(timed(on), anEvent("GO"));
    const fire = (on: StateSketch["on"]) => toApplied(decide(timed(on), play1(on), fired));

    it("is armed on creation and on every entry, before the other timers", () => {
      const both = timed({}, { after: [{ inMs: 10_000, event: "AGAIN" }] });

      expect(play(both, anEvent("RETRY_PENDING_TASKS")).timers).toEqual([
        { id: "0/timeout", event: "TIMEOUT", dueAt: 1_500 },
      ]);
      expect(dueTimers(play(both, anEvent("GO")), 11_000).map(({ id }) => id)).toEqual(["1/timeout", "1/after/0"]);
      expect(play(both, anEvent("GO"), anEvent("AGAIN", { at: 4_000 })).timers[0]).toEqual({
        id: "2/timeout",
        event: "TIMEOUT",
        dueAt: 14_000,
      });
    });

    it("is handled by the state, counts as automatic, and fires once", () => {
      const { stack } = fire({ TIMEOUT: ["LATE"] });

      expect([stack.state, stack.automaticEntries, stack.overdue]).toEqual(["LATE", [11_000], undefined]);
      expect(decide(timed({ TIMEOUT: ["LATE"] }), stack, fired)).toMatchObject({ code: "TIMER_STALE" });
    });

    it("makes the stack overdue when nothing handles it, until the next entry", () => {
      const { stack, notes } = fire({});

      expect([stack.state, stack.overdue, stack.timers, notes]).toEqual([
        ...["BUILD", true],
        [],
        ['"BUILD" has no "TIMEOUT".'],
      ]);
      expect(toApplied(decide(timed({}), stack, anEvent("AGAIN"))).stack.overdue).toBeUndefined();
    });

    it("is handled by an entry that does nothing", () => {
      expect(fire({ TIMEOUT: [] }).stack.overdue).toBeUndefined();
    });

    it("is never refused, even when its condition fails", () => {
      const broken = anExpression(() => {
        throw new Error("odd");
      }, "odd()");

      const { stack, notes } = fire({ TIMEOUT: [{ when: broken, to: "LATE" }] });

      expect([stack.overdue, notes]).toEqual([true, ['The condition "odd()" of "TIMEOUT" failed: odd']]);
    });

    it("stalls the stack instead of entering states endlessly", () => {
      const on = { TIMEOUT: ["LATE"] };
      const limits = { automaticEntriesPerHour: 0, entriesPerEvent: 50 };

      const { stack } = toApplied(decide(timed(on), play1(on), fired, limits));

      expect([stack.state, stack.overdue, stack.stalled?.code]).toEqual(["BUILD", true, "LOOP_LIMIT"]);
    });

    it("cannot be brought from outside or for another entry", () => {
      const stack = play1({ TIMEOUT: ["LATE"] });

      expect(decide(timed({ TIMEOUT: ["LATE"] }), stack, anEvent("TIMEOUT", { at: 11_000 }))).toMatchObject({
        code: "EVENT_RESERVED",
      });
      expect(decide(timed({ TIMEOUT: ["LATE"] }), stack, { ...fired, timerId: "0/timeout" })).toMatchObject({
        code: "TIMER_STALE",
      });
    });

    it("comes at the last instant that there is, when it is longer than time", () => {
      expect(play(timed({}, { timeoutMs: 9e15 }), anEvent("GO")).timers[0]?.dueAt).toBe(8.64e15);
    });

    it("may lead out of a terminal state", () => {
      const last = aMachineV2({
        INIT: { on: { GO: ["END"] } },
        END: { terminal: true, tasks: ["tidy"], timeoutMs: 10_000, on: { TIMEOUT: ["LATE"] } },
        LATE: {},
      });

      expect(toApplied(decide(last, play(last, anEvent("GO")), fired)).stack.state).toBe("LATE");
    });
  });
});

describe("toScope", () => {
  const machine = aMachineV2(
    { INIT: {}, A: { tasks: ["db", "__proto__"] }, "CLEAN-UP": {} },
    { metadata: someRules({ size: {}, password: { sensitive: true }, token: { sensitive: true } }) },
  );

  const stack = aStack({
    state: "A",
    visits: { INIT: 1, A: 3 },
    tasks: [{ name: "db", status: "PENDING", detail: "RETRYING" }, "__proto__"],
    metadata: { password: "hunter22", token: null, extra: true },
    secretVersions: { password: 2, token: 1 },
    outputs: { db: { host: "h", pass: { $secret: "tasks.db.outputs.pass#1" } } },
  });

  const input = { machine, stack, at: 9 };

  describe("what expressions see", () => {
    it("is each declared key, null without a value, and no sensitive value", () => {
      expect(toScope(input).metadata).toEqual({ size: null, token: null, extra: true });
    });

    it("is sensitive metadata where the place allows it", () => {
      const { metadata, event } = toScope(input, {
        sensitive: true,
        event: { name: "GO", metadata: { password: "hunter22" } },
      });

      expect([metadata, event?.metadata]).toEqual([
        { size: null, password: "hunter22", token: null, extra: true },
        { password: "hunter22" },
      ]);
    });

    it("is the event without its sensitive values elsewhere", () => {
      const { event } = toScope(input, { event: { name: "GO", metadata: { password: "hunter22", size: 1 } } });

      expect(event).toEqual({ name: "GO", metadata: { size: 1 } });
    });

    it("counts the entries into every state", () => {
      expect(toScope(input).stack.visits).toEqual({ INIT: 1, A: 3, "CLEAN-UP": 0 });
      expect(toScope({ ...input, stack: aStack({ state: "A" }) }).stack.visits).toMatchObject({ INIT: 0, A: 1 });
    });

    it("is each task with its detail, else its status, and the outputs that may be seen", () => {
      const { tasks } = toScope(input, { tasks: true });

      expect(Object.entries(tasks ?? {})).toEqual([
        ["db", { status: "RETRYING", outputs: { host: "h" } }],
        ["__proto__", { status: "PENDING", outputs: {} }],
      ]);
    });

    it("contains neither event nor tasks where they are not requested", () => {
      expect([Object.keys(toScope(input)).sort(), toScope(input).now]).toEqual([["metadata", "now", "stack"], 9]);
    });
  });

  describe("the reference of a sensitive value", () => {
    const find = toFindSecret(stack);

    it("is found for metadata and for outputs", () => {
      expect(find({ kind: "metadata", key: "password" })).toBe("password#2");
      expect(find({ kind: "output", task: "db", output: "pass" })).toBe("tasks.db.outputs.pass#1");
    });

    it("is undefined for what is not sensitive, null or missing", () => {
      expect(
        [
          find({ kind: "metadata", key: "token" }),
          find({ kind: "metadata", key: "extra" }),
          find({ kind: "output", task: "db", output: "host" }),
          find({ kind: "output", task: "db", output: "toString" }),
          find({ kind: "output", task: "toString", output: "name" }),
        ].filter((ref) => ref !== undefined),
      ).toEqual([]);
    });
  });
});

describe("the secrets of an attempt", () => {
  const stack = aStack({ incarnation: "e1", metadata: { password: "hunter22" }, secretVersions: { password: 1 } });

  const idIn = (incarnation: string) =>
    attemptIdOf({ stackId: stack.id, incarnation, entry: 1, task: "db", attempt: 1 });

  it("are those of its stack", () => {
    expect(readAttemptSecrets(stack, idIn("e1"), ["password#1", "password#2"])).toEqual({ "password#1": "hunter22" });
  });

  it("are empty for another incarnation, without a stack, and for an id without an incarnation", () => {
    expect(readAttemptSecrets(stack, idIn("e0"), ["password#1"])).toEqual({});
    expect(readAttemptSecrets(undefined, idIn("e1"), ["password#1"])).toEqual({});
    expect(readAttemptSecrets(stack, "a1", ["password#1"])).toEqual({});
  });

  it("are found for any incarnation that an event's id may make", () => {
    const odd = { ...stack, incarnation: "half \ud800/%" };

    expect(readAttemptSecrets(odd, idIn(odd.incarnation), ["password#1"])).toEqual({ "password#1": "hunter22" });
  });
});
