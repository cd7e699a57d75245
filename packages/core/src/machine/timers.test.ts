import { describe, expect, it } from "vitest";
import { aMachine, anEvent, aStack } from "../testing/builders.ts";
import { play, toApplied } from "../testing/play.ts";
import { decide } from "./decide.ts";
import { dueTimers, spendTimer } from "./timers.ts";

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

  it("are spent by a refused event, unless the revision is at fault", () => {
    const { LIVE, ...others } = Object.fromEntries(machine.states);
    const changed = { ...machine, states: new Map(Object.entries({ ...others, LIVE: { ...LIVE, on: new Map() } })) };
    const lost = { ...machine, states: new Map(Object.entries(others)) };
    const event = anEvent("LOOK", { at: 2_000, origin: "timer", timerId: "1/after/2" });

    expect(decide(changed as typeof machine, live, event)).toEqual({
      kind: "rejected",
      code: "EVENT_NOT_HANDLED",
      reason: '"LIVE" has no "LOOK".',
      spends: "1/after/2",
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
    expect(spendTimer(live, "1/after/1").timers.map(({ id }) => id)).toEqual(["1/after/0", "1/after/2"]);
    expect(spendTimer(live, "other")).toBe(live);
  });

  it("has nothing to drop in a stack without timers", () => {
    expect(aStack().timers).toEqual([]);
  });
});

describe("timers that are due at the same instant", () => {
  const at = (id: string, event: string, dueAt: number, task?: string) => ({
    ...{ id, event, dueAt },
    ...(task === undefined ? {} : { task }),
  });

  it("fire retries first, in the order of the tasks, then the time-out, then what is declared, as declared", () => {
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
