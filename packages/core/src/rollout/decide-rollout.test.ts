import { describe, expect, it } from "vitest";
import { advanceWave } from "./advance-wave.ts";
import { decideRollout, type Limits, type RolloutState } from "./decide-rollout.ts";
import { type Row, type RowState, toTallies } from "./tally.ts";

const DONE = { state: "done" } as const;
const FAILED = { state: "failed", code: "BROKEN" } as const;
const SENT = { state: "sent" } as const;

function rows(count: number, given: Partial<Row> = {}): readonly Row[] {
  return Array.from({ length: count }, () => ({ wave: 0, state: "waiting", ...given }));
}

function decide(given: readonly Row[], limits: Partial<Limits> = {}, state: Partial<RolloutState> = {}, now = 0) {
  return decideRollout({ wave: 0, sending: [], tallies: [toTallies(given)], ...state }, aLimit(limits), now);
}

function aLimit(limits: Partial<Limits>): Limits {
  return { concurrency: 10, maxFailures: [], pausesMs: [], ...limits };
}

describe("decideRollout", () => {
  it("sends as many as may be on their way", () => {
    expect(decide([...rows(15), ...rows(4, SENT)])).toEqual({ kind: "send", most: 6 });
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

  it("counts each wave by itself", () => {
    const given = [...rows(1, FAILED), ...rows(1, { ...FAILED, wave: 1 }), ...rows(3, { wave: 1 })];

    expect(decide(given, { maxFailures: [1, 1] }, { wave: 1 })).toMatchObject({ kind: "send" });
    expect(decide(given, { maxFailures: [1] }, { wave: 1 })).toMatchObject({ kind: "drop" });
  });

  it("lets failures pass in every wave without limits for them", () => {
    const given = [...rows(9, FAILED), ...rows(9, { ...FAILED, wave: 1 }), ...rows(2, { wave: 1 })];
    const state = { wave: 1, waveEndedAt: 0, sending: [], tallies: [toTallies(given)] };

    expect(decideRollout(state, { concurrency: 10 }, 0)).toEqual({ kind: "send", most: 10 });
  });

  it("stops for the reason that it was given", () => {
    const stop = { code: "ALARM", message: "The alarm is on.", retryable: true };

    expect(decide(rows(1), {}, { stop })).toEqual({ kind: "drop", stop });
    expect(decide(rows(1, SENT), {}, { stop })).toEqual({ kind: "wait" });
    expect(decide(rows(1, DONE), {}, { stop })).toEqual({ kind: "settle" });
  });
});

describe("a rollout in waves", () => {
  const limits = aLimit({ pausesMs: [1_000, 0] });

  function advance(given: readonly Row[], state: Partial<RolloutState> = {}, now = 0): Partial<RolloutState> {
    const { wave, waveEndedAt } = advanceWave(
      { wave: 0, sending: [], tallies: [toTallies(given)], ...state },
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
    expect(decide(inThree("waiting", "waiting"))).toEqual({ kind: "send", most: 10 });
    expect(advance(begun)).toEqual({ wave: 0, waveEndedAt: undefined });
    expect(decide(begun)).toEqual({ kind: "wait" });

    const ended = inThree("done", "waiting");
    const paused = advance(ended, {}, 500);
    expect(paused).toEqual({ wave: 0, waveEndedAt: 500 });
    expect(decide(ended, limits, paused, 500)).toEqual({ kind: "wait", until: 1_500 });
    expect(advance(ended, paused, 1_499)).toEqual(paused);

    const next = advance(ended, paused, 1_500);
    expect(next).toEqual({ wave: 1, waveEndedAt: undefined });
    expect(decide(ended, limits, next, 1_500)).toEqual({ kind: "send", most: 10 });
    expect(decide(inThree("done", "sent"), limits, next, 1_500)).toEqual({ kind: "wait" });
  });

  it("skips waves without a pause, or in which nothing was done", () => {
    expect(advance(inThree("skipped", "done"))).toEqual({ wave: 2, waveEndedAt: undefined });
    expect(advance(rows(1, { wave: 2 }))).toEqual({ wave: 2, waveEndedAt: undefined });
  });

  it("has no pause after the last wave", () => {
    expect(advance(rows(1, DONE), {}, 5)).toEqual({ wave: 0, waveEndedAt: undefined });
    expect(decide(rows(1, DONE), { pausesMs: [1_000] })).toEqual({ kind: "settle" });
  });
});
