import { describe, expect, it } from "vitest";
import {
  type Attempt,
  beginAttempt,
  cancelAttempt,
  claimAttempt,
  closeAttempt,
  grantKey,
  renewAttempt,
  settleAttempt,
  suspendAttempt,
  toAttemptDue,
  toClaimWithinMs,
} from "./attempt.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const NOBODY = new Map<string, string>();

function anAttempt(overrides: Partial<Attempt> = {}): Attempt {
  const named = { attemptId: "a1", stackId: "s1", task: "plan", timeoutMs: HOUR, claimWithinMs: 24 * HOUR };
  return { ...beginAttempt(named, 0), ...overrides };
}

const aClaim = { attemptId: "a1", owner: "w1", leaseMs: MINUTE, exclusiveKeys: [], now: 0 };
const aGrant = { attemptId: "a1", owner: "w1", token: 1 };
const aCancel = { why: "requested", withinMs: 5 * MINUTE, unclaimedAtOnce: true } as const;
const anEvent = { id: "r1", stackId: "s1", origin: "worker", message: {}, receivedAt: 0 } as const;

function granted(attempt = anAttempt(), input: Partial<typeof aClaim> = {}): Attempt {
  const move = claimAttempt(attempt, { ...aClaim, ...input }, NOBODY);
  if (move.kind !== "granted") throw new Error(`Expected a grant, got ${move.kind}.`);
  return move.attempt;
}

describe("toClaimWithinMs", () => {
  it("is at least a day where every runner claims", () => {
    expect([toClaimWithinMs(HOUR, true), toClaimWithinMs(48 * HOUR, true), toClaimWithinMs(HOUR, false)]).toEqual([
      24 * HOUR,
      48 * HOUR,
      HOUR,
    ]);
  });
});

describe("claimAttempt", () => {
  it("grants a higher token each time and keeps the deadline of the first grant", () => {
    const first = granted();
    const second = granted(first, { owner: "w2", now: MINUTE });

    expect([first.token, second.token, second.owner]).toEqual([1, 2, "w2"]);
    expect([first.deadlineAt, second.deadlineAt]).toEqual([HOUR, HOUR]);
  });

  it("is held while a lease lives or a suspension lasts, and gone after the end", () => {
    const running = granted();
    const suspended = suspendAttempt(running, aGrant, { progress: {}, dueAt: HOUR, now: 0 });

    expect(claimAttempt(running, { ...aClaim, now: MINUTE - 1 }, NOBODY)).toEqual({ kind: "held", by: "w1" });
    expect(claimAttempt(suspended, { ...aClaim, now: HOUR - 1 }, NOBODY)).toEqual({ kind: "held", by: "w1" });
    expect(claimAttempt(closeAttempt(running, 0)?.attempt, aClaim, NOBODY)).toEqual({ kind: "gone" });
    expect(claimAttempt(undefined, aClaim, NOBODY)).toEqual({ kind: "gone" });
  });

  it("takes keys in sorted order, queues at the first that another attempt holds, and keeps those before it", () => {
    const move = claimAttempt(anAttempt(), { ...aClaim, exclusiveKeys: ["c", "b", "a"] }, new Map([["b", "a2"]]));

    expect(move).toMatchObject({ kind: "queued", key: "b", takes: ["a"] });
    expect(move.kind === "queued" && move.attempt).toMatchObject({ status: "queued", heldKeys: ["a"], queuedFor: "b" });
  });

  it("leaves the queue of a key that it no longer wants", () => {
    const queued = anAttempt({ status: "queued", queuedFor: "a" });

    expect(claimAttempt(queued, { ...aClaim, exclusiveKeys: ["b"] }, NOBODY)).toMatchObject({
      kind: "granted",
      takes: ["b"],
      leaves: "a",
    });
  });
});

describe("the clock of a queued attempt", () => {
  it("stops until the key is granted", () => {
    const running = granted();
    const move = claimAttempt(running, { ...aClaim, exclusiveKeys: ["k"], now: MINUTE }, new Map([["k", "a2"]]));
    const queued = move.kind === "queued" ? move.attempt : running;

    const woken = grantKey(queued, "k", 9 * HOUR);

    expect([queued.remainingMs, toAttemptDue(queued)]).toEqual([HOUR - MINUTE, {}]);
    expect(woken.attempt).toMatchObject({ status: "unclaimed", heldKeys: ["k"], deadlineAt: 10 * HOUR - MINUTE });
    expect(woken.effects).toEqual([{ kind: "send" }]);
  });
});

describe("a grant that was replaced", () => {
  it("renews, suspends and settles nothing", () => {
    const running = granted(granted(), { now: MINUTE });

    expect(renewAttempt(running, aGrant, { leaseMs: MINUTE, now: MINUTE })).toBeUndefined();
    expect(suspendAttempt(running, aGrant, { progress: {}, dueAt: 0, now: MINUTE })).toBeUndefined();
    expect(settleAttempt(running, aGrant, { outcome: "succeeded", event: anEvent, now: MINUTE })).toBeUndefined();
  });
});

describe("settleAttempt", () => {
  it("withdraws the message, releases the keys and enqueues the result with its follow-ups", () => {
    const running = granted(anAttempt({ heldKeys: ["k"] }));
    const followUps = [{ event: { ...anEvent, id: "f1" }, notBefore: HOUR }];

    const move = settleAttempt(running, aGrant, {
      outcome: "succeeded",
      event: anEvent,
      followUps,
      log: "done",
      now: 7,
    });

    expect(move?.attempt).toMatchObject({
      status: "settled",
      outcome: "succeeded",
      log: "done",
      settledAt: 7,
      heldKeys: [],
    });
    expect(move?.effects).toEqual([
      { kind: "withdraw" },
      { kind: "release", keys: ["k"] },
      { kind: "enqueue", event: anEvent, notBefore: undefined },
      { kind: "enqueue", event: followUps[0]?.event, notBefore: HOUR },
    ]);
  });
});

describe("cancelAttempt", () => {
  it("ends an attempt that no one was granted, with its event", () => {
    const move = cancelAttempt(anAttempt({ status: "queued", queuedFor: "k" }), aCancel, 5);

    expect(move?.attempt).toMatchObject({ status: "settled", outcome: "cancelled", settledAt: 5 });
    expect(move?.effects.map(({ kind }) => kind)).toEqual(["withdraw", "leaveQueue", "enqueue"]);
  });

  it("marks an attempt that was granted before, whatever it waits for", () => {
    const queued = anAttempt({ status: "queued", queuedFor: "k", token: 1 });

    const move = cancelAttempt(queued, aCancel, 5);

    expect(move?.attempt).toMatchObject({ status: "queued", cancel: { why: "requested", withinMs: 5 * MINUTE } });
    expect(toAttemptDue(move?.attempt ?? queued)).toEqual({ deadline: { at: 5 + 5 * MINUTE, why: "cancel" } });
  });

  it("starts the clock of a requested cancel with the first grant where runners may have no store", () => {
    const cancelled = cancelAttempt(anAttempt(), { ...aCancel, unclaimedAtOnce: false }, 0)?.attempt ?? anAttempt();

    expect(toAttemptDue(cancelled).deadline).toEqual({ at: 24 * HOUR, why: "deadline" });
    expect(granted(cancelled, { now: HOUR })).toMatchObject({ cancelAt: HOUR + 5 * MINUTE, isCancelTold: true });
  });

  it("keeps the first reason and the earliest end of several cancels, and polls at once after each", () => {
    const suspended = suspendAttempt(granted(), aGrant, { progress: {}, dueAt: HOUR, now: 0 }) ?? anAttempt();

    const once = cancelAttempt(suspended, { ...aCancel, withinMs: 10 * MINUTE }, SECOND)?.attempt ?? suspended;
    const polled = suspendAttempt(
      granted(once, { now: SECOND }),
      { ...aGrant, token: 2 },
      {
        progress: {},
        dueAt: HOUR,
        now: SECOND,
      },
    );
    const twice = cancelAttempt(polled, { ...aCancel, why: "timed-out" }, MINUTE)?.attempt;

    expect(polled?.pollDueAt).toBe(HOUR);
    expect(twice).toMatchObject({ cancel: { why: "requested" }, cancelAt: 6 * MINUTE, pollDueAt: MINUTE });
  });
});

describe("suspendAttempt", () => {
  it("is polled at once when a cancel came after the grant", () => {
    const cancelled = cancelAttempt(granted(), aCancel, SECOND)?.attempt;

    expect(suspendAttempt(cancelled, aGrant, { progress: {}, dueAt: HOUR, now: 2 * SECOND })?.pollDueAt).toBe(
      2 * SECOND,
    );
  });
});
