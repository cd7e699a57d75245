import { claimAttempt, closeAttempt, settleAttempt, suspendAttempt } from "@stackyard/core/attempt";
import { describe, expect, it } from "vitest";
import { createAttemptRow, send, toClaimed, toMovedRow } from "./attempt-moves.ts";
import { ATTEMPTS, type AttemptRow } from "./attempt-row.ts";
import { aDispatch, anEvent, HOUR, MINUTE, T0 } from "./testing/store-work.ts";

const row: AttemptRow = createAttemptRow(aDispatch("a1"), { sequence: 3, now: T0, claimWindowMs: HOUR, sentBy: 2 });
const claim = { attemptId: "a1", owner: "w1", leaseMs: MINUTE, exclusiveKeys: [], now: T0 + 1, claimWindowMs: HOUR };
const grant = { attemptId: "a1", owner: "w1", token: 1 };

function claimed(holders: ReadonlyMap<string, string> = new Map()): AttemptRow {
  const move = claimAttempt(row, { ...claim, exclusiveKeys: [...holders.keys()] }, holders);
  if (move.kind !== "granted" && move.kind !== "queued") throw new Error(move.kind);
  return toClaimed(move.attempt, claim.now);
}

function ended(from: AttemptRow): AttemptRow {
  const move = closeAttempt(from, T0);
  if (move === undefined) throw new Error("The attempt has ended already.");
  return toMovedRow(move, T0);
}

describe("send", () => {
  it("keeps one message in the queue", () => {
    expect(send(row, T0 + HOUR)).toBe(row);
    expect(send(claimed(), T0 + HOUR).sent).toEqual({ no: 2, dueAt: T0 + HOUR, visibleAt: 0, deliveries: 0 });
  });
});

describe("toMovedRow", () => {
  it("keeps the events and keys that follow from an end as the outbox", () => {
    const event = anEvent("r1");
    const move = settleAttempt({ ...claimed(), keys: ["k"] }, grant, { outcome: "succeeded", event, now: T0 });

    expect(move && toMovedRow(move, T0).outbox).toEqual({ events: [{ event }], keys: ["k"], at: T0 });
    expect(ended(claimed()).outbox).toBeUndefined();
  });
});

describe("ATTEMPTS", () => {
  const keysOf = (each: AttemptRow) => {
    const { workKey, sweepKey, workAt, sweepAt } = ATTEMPTS.toIndex(each);
    return [workKey, workAt, sweepKey, sweepAt];
  };

  it("is in the indexes under what is due of it", () => {
    const running = claimed();
    const suspended = suspendAttempt(running, grant, { progress: {}, dueAt: T0 + HOUR, now: T0 }) ?? row;

    expect(keysOf(row)[0]).toBe("task");
    expect(keysOf(running)).toEqual(["lapsedLease", T0 + 1 + MINUTE, "deadline", T0 + 1 + HOUR]);
    expect(keysOf(suspended)).toEqual(["poll", T0 + HOUR, "deadline", T0 + 1 + HOUR]);
    expect(keysOf({ ...suspended, hidden: { at: T0 + HOUR, until: T0 + 2 * HOUR } })[1]).toBe(T0 + 2 * HOUR);
  });

  it("is swept while it is queued or its end is unfinished, and kept for a while afterwards", () => {
    const queued = claimed(new Map([["k", "a2"]]));

    expect(keysOf(queued)).toEqual([undefined, undefined, "queued", T0 + 1 + MINUTE]);
    expect(keysOf(ended({ ...claimed(), keys: ["k"] })).slice(2)).toEqual(["ended", T0 + 10_000]);
    expect(keysOf(ended(claimed()))).toEqual([undefined, undefined, "settled", T0]);
  });
});
