import { describe, expect, it } from "vitest";
import * as moves from "./attempt-moves.ts";
import { ATTEMPTS, type AttemptRow, createAttemptRow, toUnclaimedMs } from "./attempt-row.ts";
import { aDispatch, anEvent, HOUR, MINUTE, T0 } from "./testing/store-work.ts";

const row: AttemptRow = createAttemptRow(aDispatch("a1"), { sequence: 3, now: T0, unclaimedMs: HOUR, sentBy: 2 });
const claim = { attemptId: "a1", owner: "w1", leaseMs: MINUTE, exclusiveKeys: [], now: T0 + 1 };
const running = moves.grant(row, claim, []);
const suspension = { progress: { step: 1 }, dueAt: T0 + HOUR, now: T0 };

describe("grant", () => {
  it("takes the message off, counts the token and begins the time", () => {
    expect(running).toMatchObject({ status: "running", owner: "w1", token: 1, leaseUntil: T0 + 1 + MINUTE });
    expect([running.sent, running.deadlineAt]).toEqual([undefined, T0 + 1 + HOUR]);
  });

  it("keeps the deadline of the first grant", () => {
    expect(moves.grant(running, { ...claim, now: T0 + HOUR }, []).deadlineAt).toBe(running.deadlineAt);
  });
});

describe("suspend", () => {
  it("is polled when its owner says", () => {
    expect(moves.suspend(running, suspension)).toMatchObject({ status: "suspended", pollDueAt: T0 + HOUR });
  });

  it("is polled at once when a cancel came that the owner was not told of", () => {
    const cancel = { attemptId: "a1", withinMs: MINUTE, why: "requested", unclaimedAtOnce: true } as const;
    const cancelled = moves.markCancelled(running, cancel, T0 + 5);

    expect(moves.suspend(cancelled, suspension).pollDueAt).toBe(T0);
    expect(moves.suspend({ ...cancelled, isCancelTold: true }, suspension).pollDueAt).toBe(T0 + HOUR);
    expect(cancelled.cancelAt).toBe(T0 + 5 + MINUTE);
  });
});

describe("queue and promote", () => {
  it("stop the clock and let it go on", () => {
    const queued = moves.queue(running, { key: "k", heldKeys: [], unclaimedMs: HOUR, now: T0 + 1 + MINUTE });
    const woken = moves.promote(queued, "k", T0 + 9 * HOUR);

    expect([queued.status, queued.remainingMs]).toEqual(["queued", HOUR - MINUTE]);
    expect(woken).toMatchObject({ status: "unclaimed", heldKeys: ["k"], deadlineAt: T0 + 10 * HOUR - MINUTE });
    expect(woken.sent).toEqual({ no: 2, dueAt: T0 + 9 * HOUR, visibleAt: 0, deliveries: 0 });
  });
});

describe("end", () => {
  it("writes down which events and keys follow", () => {
    const events = [{ event: anEvent("r1") }];
    const ended = moves.end({ ...running, keys: ["k"], heldKeys: ["k"] }, "succeeded", { now: T0, events });

    expect(ended).toMatchObject({ status: "settled", heldKeys: [], outbox: { events, keys: ["k"], at: T0 } });
    expect(moves.end(running, "closed", { now: T0 }).outbox).toBeUndefined();
  });
});

describe("ATTEMPTS", () => {
  const keysOf = (each: AttemptRow) => {
    const { workKey, sweepKey, workAt, sweepAt } = ATTEMPTS.toIndex(each);
    return [workKey, workAt, sweepKey, sweepAt];
  };

  it("stands in the indexes as what is due of it", () => {
    const suspended = moves.suspend(running, suspension);

    expect(keysOf(row)[0]).toBe("task");
    expect(keysOf(running)).toEqual(["lapsedLease", T0 + 1 + MINUTE, "deadline", T0 + 1 + HOUR]);
    expect(keysOf(suspended)).toEqual(["poll", T0 + HOUR, "deadline", T0 + 1 + HOUR]);
    expect(keysOf({ ...suspended, hidden: { at: T0 + HOUR, until: T0 + 2 * HOUR } })[1]).toBe(T0 + 2 * HOUR);
  });

  it("is looked after while it is queued or has something left to do, and kept for a while when it is over", () => {
    const queued = moves.queue(running, { key: "k", heldKeys: [], unclaimedMs: HOUR, now: T0 });

    expect(keysOf(queued)).toEqual([undefined, undefined, "queued", T0 + MINUTE]);
    expect(keysOf(moves.end({ ...running, keys: ["k"] }, "closed", { now: T0 })).slice(2)).toEqual([
      "ended",
      T0 + 10_000,
    ]);
    expect(keysOf(moves.end(running, "closed", { now: T0 }))).toEqual([undefined, undefined, "settled", T0]);
  });
});

describe("toUnclaimedMs", () => {
  it("is a day at least where all runners have the store", () => {
    expect(toUnclaimedMs(HOUR, true)).toBe(24 * HOUR);
    expect(toUnclaimedMs(48 * HOUR, true)).toBe(48 * HOUR);
    expect(toUnclaimedMs(HOUR, false)).toBe(HOUR);
  });
});
