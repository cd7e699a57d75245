import { describe, expect, it } from "vitest";
import { advanceWave, decideRollout } from "./decide-rollout.ts";
import type { Limits, RolloutState, Row, RowState } from "./rollout.ts";
import { toTallies } from "./tally.ts";

const DONE = { state: "done" } as const;
const FAILED = { state: "failed", code: "BROKEN" } as const;
const SENT = { state: "sent" } as const;

/** Rows of one wave, each with an id of its own in the rollout. */
function rows(count: number, given: Partial<Row> = {}): readonly Row[] {
  const { wave = 0, state = "waiting" } = given;
  return Array.from({ length: count }, (_, at) => ({ id: `${wave}-${state}-${at}`, wave, try: 1, state, ...given }));
}

function decide(given: readonly Row[], limits: Partial<Limits> = {}, state: Partial<RolloutState> = {}, now = 0) {
  const tallies = [toTallies(given)];
  const waiting = given.filter((row) => row.state === "waiting");
  return decideRollout({ wave: 0, next: 1, sending: [], tallies, ...state }, waiting, aLimit(limits), now);
}

function aLimit(limits: Partial<Limits>): Limits {
  return { concurrency: 10, maxFailures: [], uncounted: [], pausesMs: [], ...limits };
}

function idsOf(action: ReturnType<typeof decide>): readonly (readonly string[])[] {
  return action.kind === "send" ? action.batches.map(({ ids }) => ids) : [];
}

describe("decideRollout", () => {
  it("sends as many as may be on their way, in one batch", () => {
    const action = decide([...rows(15), ...rows(4, SENT)]);

    expect(action).toEqual({ kind: "send", batches: [{ n: 1, ids: rows(6).map(({ id }) => id) }] });
  });

  it("waits while all places are taken, and settles when all rows have ended", () => {
    expect(decide([...rows(1), ...rows(10, SENT)])).toEqual({ kind: "wait" });
    expect(decide([...rows(3, DONE), ...rows(1, SENT)])).toEqual({ kind: "wait" });
    expect(decide(rows(3, DONE))).toEqual({ kind: "settle" });
    expect(decide([])).toEqual({ kind: "settle" });
  });

  it("sends nothing while a gate is closed, or before a pause is over", () => {
    expect(decide(rows(3), { concurrency: 0 })).toEqual({ kind: "wait" });
    expect(decide(rows(3), {}, { pausedUntil: 60_000 }, 59_999)).toEqual({ kind: "wait", until: 60_000 });
    expect(decide(rows(3), {}, { pausedUntil: 60_000 }, 60_000)).toMatchObject({ kind: "send" });
  });

  it("does not mix groups, and numbers batches on", () => {
    const mixed = [...rows(2, { group: "a" }), ...rows(1, { group: "b" })];

    const action = decide(mixed, {}, { next: 7 });

    expect(action).toMatchObject({
      batches: [
        { n: 7, ids: { length: 2 }, group: "a" },
        { n: 8, group: "b" },
      ],
    });
  });

  it("stops at one failure more than the limit of a wave, and lets what is sent end", () => {
    const given = [...rows(4), ...rows(2, FAILED), ...rows(1, SENT)];

    expect(decide(given, { maxFailures: [2] })).toMatchObject({ kind: "send" });
    expect(decide(given, { maxFailures: [1] })).toEqual({
      kind: "drop",
      stop: { code: "TOO_MANY_FAILURES", message: "2 failures exceed the limit of 1.", retryable: false },
    });
    const dropped = [...rows(4, { state: "unsent" }), ...rows(2, FAILED)];
    expect(decide([...dropped, ...rows(1, SENT)])).toEqual({ kind: "wait" });
    expect(decide(dropped)).toEqual({ kind: "settle" });
  });

  it("counts each wave by itself, and no code that is uncounted", () => {
    const given = [...rows(1, FAILED), ...rows(1, { ...FAILED, wave: 1 }), ...rows(3, { wave: 1 })];

    expect(decide(given, { maxFailures: [1, 1] }, { wave: 1 })).toMatchObject({ kind: "send" });
    expect(decide(given, { maxFailures: [1] }, { wave: 1 })).toMatchObject({ kind: "drop" });
    expect(decide(given, { uncounted: ["BROKEN"] }, { wave: 1 })).toMatchObject({ kind: "send" });
  });

  it("stops for the reason that it was given, and for a cancel", () => {
    const stop = { code: "ALARM", message: "The alarm is on.", retryable: true };

    expect(decide(rows(1), {}, { stop })).toEqual({ kind: "drop", stop });
    expect(decide(rows(1), {}, { cancelledAt: 1 })).toMatchObject({
      kind: "drop",
      stop: { code: "ROLLOUT_CANCELLED" },
    });
    expect(decide(rows(1, SENT), {}, { cancelledAt: 1 })).toEqual({ kind: "wait" });
    expect(decide(rows(1, DONE), {}, { cancelledAt: 1 })).toEqual({ kind: "settle" });
  });

  it("acts again on batches that may not have been sent, under their numbers, unless it has stopped", () => {
    const sending = [{ n: 3, ids: ["0-waiting-0"] }];
    const stop = { code: "ALARM", message: "The alarm is on.", retryable: true };

    expect(decide(rows(5), {}, { sending, next: 4 })).toEqual({ kind: "send", batches: sending });
    expect(decide(rows(1, SENT), {}, { sending, next: 4 })).toEqual({ kind: "send", batches: sending });
    expect(decide(rows(1, SENT), { concurrency: 0 }, { sending, next: 4 })).toEqual({ kind: "wait" });
    expect(decide(rows(1, SENT), {}, { sending, next: 4, stop })).toEqual({ kind: "wait" });
  });

  it("drops when it stops while batches may not have been sent, also if no row waits: the stop must be stored", () => {
    const sending = [{ n: 3, ids: ["0-sent-0"] }];

    const action = decide([...rows(1, SENT), ...rows(1, FAILED)], {}, { sending, next: 4 });

    expect(action).toMatchObject({ kind: "drop", stop: { code: "TOO_MANY_FAILURES" } });
  });

  it("sends batches of a size, at most so many at once, and a smaller one when places stay free", () => {
    const limits = { concurrency: 100, batch: { size: 3, most: 2, partialAfterMs: 60_000 } };

    expect(idsOf(decide(rows(10), limits)).map(({ length }) => length)).toEqual([3, 3]);
    const nearlyFull = [...rows(10), ...rows(98, SENT)];
    expect(decide(nearlyFull, limits, { lastSentAt: 0 }, 59_999)).toEqual({ kind: "wait", until: 60_000 });
    expect(idsOf(decide(nearlyFull, limits, { lastSentAt: 0 }, 60_000)).map(({ length }) => length)).toEqual([2]);
  });
});

describe("a rollout in waves", () => {
  const limits = aLimit({ pausesMs: [1_000, 0] });

  function advance(given: readonly Row[], state: Partial<RolloutState> = {}, now = 0): Partial<RolloutState> {
    const { wave, waveEndedAt } = advanceWave(
      { wave: 0, next: 1, sending: [], tallies: [toTallies(given)], ...state },
      limits,
      now,
    );
    return { wave, waveEndedAt };
  }

  const inThree = (first: RowState, second: RowState) => [
    ...rows(1, { state: first }),
    ...rows(1, { state: second, wave: 1 }),
    ...rows(1, { wave: 2 }),
  ];

  it("sends a wave only when the one before has ended and its pause is over", () => {
    const begun = inThree("sent", "waiting");
    expect(idsOf(decide(inThree("waiting", "waiting")))).toEqual([["0-waiting-0"]]);
    expect(advance(begun)).toEqual({ wave: 0, waveEndedAt: undefined });
    expect(decide(begun)).toEqual({ kind: "wait" });

    const ended = inThree("done", "waiting");
    const paused = advance(ended, {}, 500);
    expect(paused).toEqual({ wave: 0, waveEndedAt: 500 });
    expect(decide(ended, limits, paused, 500)).toEqual({ kind: "wait", until: 1_500 });
    expect(advance(ended, paused, 1_499)).toEqual(paused);

    const next = advance(ended, paused, 1_500);
    expect(next).toEqual({ wave: 1, waveEndedAt: undefined });
    expect(idsOf(decide(ended, limits, next, 1_500))).toEqual([["1-waiting-0"]]);
  });

  it("passes over waves without a pause, or in which nothing was done", () => {
    expect(advance(inThree("skipped", "done"))).toEqual({ wave: 2, waveEndedAt: undefined });
    expect(advance(rows(1, { wave: 2 }))).toEqual({ wave: 2, waveEndedAt: undefined });
  });

  it("has no pause after the last wave", () => {
    expect(advance(rows(1, DONE), {}, 5)).toEqual({ wave: 0, waveEndedAt: undefined });
    expect(decide(rows(1, DONE), { pausesMs: [1_000] })).toEqual({ kind: "settle" });
  });

  it("does not end a wave of which a batch may not have been sent", () => {
    const state = { sending: [{ n: 1, ids: ["0-done-0"] }] };

    expect(advance(inThree("done", "waiting"), state, 9_999)).toEqual({ wave: 0, waveEndedAt: undefined });
  });
});
