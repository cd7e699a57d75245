import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Applied, Decision, Rejected } from "../machine/decide/decision.ts";
import type { Stack, StackTimer } from "../machine/stack.ts";
import type { QueuedEvent } from "../ports/stack-store.ts";
import { anEvent, aStack } from "../testing/builders.ts";
import { countingIds } from "../testing/fake-clock.ts";
import { aDispatch, aParkedEvent, aQueuedEvent } from "../testing/store-conformance/store-builders.ts";
import {
  beginRound,
  DEFAULT_PARKING,
  isEmpty,
  nextTryAt,
  park,
  parkAgain,
  pickJitter,
  postponeTimer,
  type RefuseDeps,
  type Round,
  refuse,
  resumeTimers,
  takeDecision,
  toChange,
  toQueuedTimer,
  toTimerEvent,
  unpark,
} from "./round.ts";

const stack = aStack({ state: "UP", entry: 1 });
const none: ReadonlySet<string> = new Set();

function aRound(loaded: Stack | null = stack, parked = [aParkedEvent("p1")]) {
  const version = loaded === null ? 0 : 7;
  return beginRound({ stackId: "pr-12", version, parked, ...(loaded && { stack: loaded }) }, 1_000, none);
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
    expect(change).toEqual({
      stackId: "pr-12",
      expectedVersion: 7,
      write: { kind: "keep" },
      appliedIds: [],
      park: [],
      unpark: [],
      deadLetters: [],
      history: [],
      dispatches: [],
      cancels: [],
      endedAttempts: [],
      receipts: [],
      now: 1_000,
    });
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

  it("spends the timer of a refused event", () => {
    const timer = { id: "1/after/0", event: "PUSH", dueAt: 5 };
    const round = aRound({ ...stack, timers: [timer] });

    take(round, { kind: "rejected", code: "EVENT_NOT_HANDLED", reason: "no", spends: timer.id });

    expect(toChange(round).write).toMatchObject({ kind: "put", stack: { timers: [] } });
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

const event: QueuedEvent = { id: "e1", stackId: "s", origin: "external", message: {}, receivedAt: 0 };
const why = { event, code: "EVENT_NOT_HANDLED", reason: "no" };

describe("nextTryAt", () => {
  it("comes after 30 s, 1, 2, 4, 8 and then every 15 minutes", () => {
    const minutes: number[] = [];
    for (let now = 0; minutes.length < 7; now = nextTryAt(0, now)) minutes.push(nextTryAt(0, now) / 60_000);

    expect(minutes).toEqual([0.5, 1.5, 3.5, 7.5, 15.5, 30.5, 45.5]);
  });

  it("is always later than now, and never by more than 15 minutes", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e9 }), fc.integer({ min: 0, max: 1e10 }), (parkedAt, age) => {
        const at = nextTryAt(parkedAt, parkedAt + age);

        expect(at).toBeGreaterThan(parkedAt + age);
        expect(at - parkedAt - age).toBeLessThanOrEqual(900_000);
      }),
    );
  });
});

describe("parkAgain", () => {
  it("parks a refused event for the first time", () => {
    expect(parkAgain({ ...why, before: undefined, now: 1_000 }, DEFAULT_PARKING)).toEqual({
      kind: "park",
      parked: { ...why, parkedAt: 1_000, tries: 1, nextTryAt: 31_000 },
    });
  });

  it("gives an event up after 50 tries", () => {
    const before = { ...why, parkedAt: 0, tries: 49, nextTryAt: 0 };

    expect(parkAgain({ ...why, before, now: 10 }, DEFAULT_PARKING)).toMatchObject({
      kind: "give-up",
      parked: { tries: 50 },
    });
  });

  it("gives an event up after an hour, whatever the tries", () => {
    const before = { ...why, parkedAt: 0, tries: 1, nextTryAt: 0 };

    expect(parkAgain({ ...why, before, now: 3_599_999 }, DEFAULT_PARKING).kind).toBe("park");
    expect(parkAgain({ ...why, before, now: 3_600_000 }, DEFAULT_PARKING).kind).toBe("give-up");
  });

  it("tries an event for the last time when its hour has ended", () => {
    const before = { ...why, parkedAt: 0, tries: 5, nextTryAt: 0 };

    expect(parkAgain({ ...why, before, now: 3_000_000 }, DEFAULT_PARKING).parked.nextTryAt).toBe(3_600_000);
  });
});

interface Case {
  readonly code?: Rejected["code"];
  readonly name?: string;
  readonly origin?: "external" | "worker";
  readonly mode?: RefuseDeps["refusedEvents"];
  /** The event is parked already. */
  readonly parked?: boolean;
  readonly masked?: readonly string[];
  /** Now; the parked event is due at 30,000. */
  readonly at?: number;
}

function refuseOne({
  code = "EVENT_NOT_HANDLED",
  name = "PUSH",
  origin = "external",
  mode = "park",
  parked,
  masked,
  at = 1_000,
}: Case): {
  readonly outcome: string;
  readonly round: Round;
} {
  const known = parked === true ? [aParkedEvent("e1", { parkedAt: 0, nextTryAt: 30_000, reason: "no" })] : [];
  const round = beginRound({ stackId: "s1", version: 1, stack: aStack(), parked: known }, at, new Set());
  const outcome = refuse({ ids: countingIds(), parking: DEFAULT_PARKING, refusedEvents: mode }, round, {
    event: anEvent(name, { origin }),
    queued: aQueuedEvent("e1", { origin }),
    decision: { kind: "rejected", code, reason: "no" },
    masked,
  });
  return { outcome, round };
}

describe("a refused event", () => {
  const owner = { machine: "review-app", incarnation: "event-0" };

  it.each<readonly [Case, string]>([
    [{}, "parked"],
    [{ code: "STATE_UNKNOWN" }, "parked"],
    [{ parked: true }, "parked-again"],
    [{ code: "EVENT_UNDECLARED" }, "dead-lettered"],
    [{ code: "EVENT_UNDECLARED", parked: true }, "dead-lettered"],
    [{ code: "EVENT_UNDECLARED", mode: "drop" }, "dead-lettered"],
    [{ mode: "redeliver" }, "redeliver"],
    [{ mode: "redeliver", code: "EVENT_UNDECLARED" }, "redeliver"],
    [{ mode: "redeliver", parked: true }, "parked-again"],
    [{ mode: "redeliver", parked: true, code: "EVENT_UNDECLARED" }, "dead-lettered"],
    [{ mode: "redeliver", origin: "worker", name: "TASK_COMPLETED", code: "MACHINE_UNKNOWN" }, "parked"],
    [{ mode: "drop" }, "refused"],
    [{ mode: "drop", parked: true }, "parked-again"],
    [{ mode: "drop", origin: "worker", name: "TASK_COMPLETED", code: "MACHINE_UNKNOWN" }, "parked"],
    [{ name: "TASK_COMPLETED", code: "MACHINE_INVALID" }, "parked"],
    [{ name: "TASK_COMPLETED", code: "TASK_NOT_CURRENT" }, "refused"],
    [{ name: "TASK_COMPLETED", code: "TASK_NOT_CURRENT", mode: "redeliver" }, "refused"],
    [{ name: "RETRY_FAILED_TASKS", code: "MACHINE_UNKNOWN" }, "refused"],
    [{ name: "REMOVE_STACK", code: "EVENT_INVALID" }, "refused"],
    [{ name: "UPGRADE_STACK", code: "UPGRADE_STATE_MISSING" }, "refused"],
  ])("%j: %s", (input, outcome) => {
    expect(refuseOne(input).outcome).toBe(outcome);
  });

  it("keeps its reason, its first refusal and the number of its tries", () => {
    const { round } = refuseOne({ parked: true, code: "MACHINE_INVALID", at: 30_000 });

    expect(toChange(round).park).toEqual([
      {
        event: aQueuedEvent("e1", owner),
        code: "MACHINE_INVALID",
        reason: "no",
        parkedAt: 0,
        tries: 2,
        nextTryAt: 90_000,
        order: 1,
      },
    ]);
  });

  it("is not written again by a try because of a change that refuses it as before", () => {
    const { outcome, round } = refuseOne({ parked: true });

    expect([outcome, toChange(round).park]).toEqual(["parked-again", []]);
  });

  it("keeps which of its keys must not be shown", () => {
    for (const code of ["EVENT_NOT_HANDLED", "EVENT_UNDECLARED"] as const) {
      const { round } = refuseOne({ code, masked: ["password"] });
      const { park, deadLetters } = toChange(round);

      expect([...park, ...deadLetters].map(({ masked }) => masked)).toEqual([["password"]]);
    }
  });

  it("is listed with its reason when it is dead-lettered", () => {
    const { round } = refuseOne({ code: "EVENT_UNDECLARED" });

    expect(toChange(round).deadLetters).toEqual([
      {
        id: "id-000001",
        event: aQueuedEvent("e1", owner),
        code: "EVENT_UNDECLARED",
        reason: "no",
        deadLetteredAt: 1_000,
      },
    ]);
  });
});

describe("the timers of a stack", () => {
  const timer = { id: "1/after/0", event: "SLEEP", dueAt: 1_000 };

  const other = { id: "1/after/1", event: "WAKE", dueAt: 9_000 };

  const stack = aStack({ timers: [timer, other] });

  const HOUR_MS = 3_600_000;

  describe("a timer's event", () => {
    it("has an id that names incarnation and timer", () => {
      expect(toTimerEvent(stack, timer, 5)).toEqual({
        id: "timer:event-0:1/after/0",
        stackId: "pr-12",
        name: "SLEEP",
        at: 5,
        origin: "timer",
        timerId: "1/after/0",
      });
    });

    it("counts once for each attempt that its task waits for", () => {
      const retry = { id: "1/retry/db", event: "TASK_RETRY_DUE", task: "db", dueAt: 1_000 };
      const after = (attempts: number) => aStack({ timers: [retry], attempts: { db: attempts } });

      const events = [1, 2].map((attempts) => toTimerEvent(after(attempts), retry, 5));

      expect(events.map(({ id, task }) => [id, task])).toEqual([
        ["timer:event-0:1/retry/db/1", { name: "db" }],
        ["timer:event-0:1/retry/db/2", { name: "db" }],
      ]);
      expect(events.map((event) => toQueuedTimer(event).message)).toEqual([
        { event: "TASK_RETRY_DUE", stackId: "pr-12", task: { name: "db" } },
        { event: "TASK_RETRY_DUE", stackId: "pr-12", task: { name: "db" } },
      ]);
    });

    it("counts once for each instant of a timer that fires again", () => {
      const firing = (instant: number) => ({ id: "1/cron/0", event: "NIGHT", dueAt: instant + 5, instant });

      const ids = [10, 20].map((instant) => toTimerEvent(stack, firing(instant), 99).id);

      expect(ids).toEqual(["timer:event-0:1/cron/0/10", "timer:event-0:1/cron/0/20"]);
    });

    it("is kept as an event of the engine's own, which may be sent again", () => {
      expect(toQueuedTimer(toTimerEvent(stack, timer, 5))).toEqual({
        id: "timer:event-0:1/after/0",
        stackId: "pr-12",
        origin: "worker",
        receivedAt: 5,
        message: { event: "SLEEP", stackId: "pr-12" },
      });
    });
  });

  describe("a timer that waits for its machine", () => {
    it("fires again after 30 seconds, and leaves the others alone", () => {
      expect(postponeTimer(stack, timer, { now: 1_000, keepMs: HOUR_MS })?.timers).toEqual([
        { ...timer, dueAt: 31_000, postponedFrom: 1_000 },
        other,
      ]);
    });

    it("is tried later and later, and for the last time when its hour is over", () => {
      const triedAt: number[] = [];
      for (let now = 0, waiting: Stack | undefined = stack; waiting !== undefined; ) {
        const first: StackTimer | undefined = waiting.timers[0];
        waiting = first && postponeTimer(waiting, first, { now, keepMs: HOUR_MS });
        now = waiting?.timers[0]?.dueAt ?? now;
        if (waiting !== undefined) triedAt.push(now / 60_000);
      }

      expect(triedAt).toEqual([0.5, 1.5, 3.5, 7.5, 15.5, 30.5, 45.5, 60]);
    });

    it("is never due in the past", () => {
      fc.assert(
        fc.property(fc.nat(2 * HOUR_MS), fc.nat(HOUR_MS), (now, postponedFrom) => {
          const waiting = { ...timer, postponedFrom };
          const dueAt = postponeTimer(aStack({ timers: [waiting] }), waiting, { now, keepMs: HOUR_MS })?.timers[0]
            ?.dueAt;

          expect(dueAt ?? Number.POSITIVE_INFINITY).toBeGreaterThan(now);
        }),
      );
    });

    it("is due at once when its machine is back", () => {
      const waiting = postponeTimer(stack, timer, { now: 1_000, keepMs: HOUR_MS }) ?? stack;

      expect(resumeTimers(waiting).timers.map(({ dueAt }) => dueAt)).toEqual([1_000, 9_000]);
      expect(resumeTimers(stack)).toBe(stack);
    });
  });
});

const retry = { id: "1/retry/db", event: "TASK_RETRY_DUE", task: "db", dueAt: 10_000, jitterMs: 8_000 };
const after = { id: "1/after/0", event: "SLEEP", dueAt: 9_000 };

describe("pickJitter", () => {
  it("fixes the instants that are up to chance, and leaves the others alone", () => {
    const { jitterMs: _, ...fixed } = retry;

    expect(pickJitter(aStack({ timers: [retry, after] }), () => 0.25).timers).toEqual([
      { ...fixed, dueAt: 8_000 },
      after,
    ]);
  });

  it("returns a stack without random waits unchanged, and uses no random number", () => {
    const stack = aStack({ timers: [after] });

    const drawn = pickJitter(stack, () => {
      throw new Error("not asked");
    });

    expect(drawn).toBe(stack);
  });

  it("never fires after the latest instant nor before the earliest", () => {
    const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(chance, fc.nat(1e9), (random, jitterMs) => {
        const [timer] = pickJitter(aStack({ timers: [{ ...retry, dueAt: 1e9, jitterMs }] }), () => random).timers;

        expect(timer?.dueAt).toBeLessThanOrEqual(1e9);
        expect(timer?.dueAt).toBeGreaterThanOrEqual(1e9 - jitterMs);
      }),
    );
  });
});
