import { createFakeClock } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { type Absence, decideAbsence, lookUntilComplete } from "./absence.ts";

const SECOND = 1_000;

/** Returns the kinds of the decisions about absences at these seconds. */
function lookAt(...seconds: readonly number[]): readonly string[] {
  let absence: Absence | undefined;
  return seconds.map((second) => {
    const after = decideAbsence(absence, second * SECOND);
    absence = after.absence;
    return after.kind;
  });
}

describe("decideAbsence", () => {
  it("knows after three looks, 30 s apart, that it does not know", () => {
    expect(lookAt(0, 30, 60)).toEqual(["again", "again", "unknown"]);
  });

  it("does not count looks that are closer", () => {
    expect(lookAt(0, 10, 20, 29, 30, 40, 59, 60)).toEqual([...Array.from({ length: 7 }, () => "again"), "unknown"]);
  });

  it("counts three looks however far apart they are", () => {
    expect(lookAt(0, 7_200, 90_000)).toEqual(["again", "again", "unknown"]);
  });

  it("says when the next look counts, also after a clock that was set back", () => {
    const { absence } = decideAbsence(undefined, 100 * SECOND);

    expect(decideAbsence(absence, 110 * SECOND).afterMs).toBe(20 * SECOND);
    expect(decideAbsence(absence, 10 * SECOND)).toMatchObject({ absence: { looks: 2 }, afterMs: 30 * SECOND });
  });
});

describe("lookUntilComplete", () => {
  const signal = new AbortController().signal;

  it("returns at once what is complete", async () => {
    const clock = createFakeClock();

    expect(await lookUntilComplete({ clock, signal }, async () => "all", Boolean)).toBe("all");
  });

  it.each([
    [["", "all"], "all", 30],
    [["", "", "all"], "all", 60],
    [["", "", "", "all"], "", 60],
  ])("looks again: %j", async (answers, expected, seconds) => {
    const clock = createFakeClock();
    const began = clock.now();
    const left = [...answers];

    const answer = lookUntilComplete({ clock, signal }, async () => left.shift() ?? "", Boolean);
    await clock.advance(90 * SECOND);

    expect(await answer).toBe(expected);
    expect(seconds).toBeLessThanOrEqual((clock.now() - began) / SECOND);
    expect(left).toHaveLength(answers.length - Math.min(answers.length, seconds / 30 + 1));
  });

  it("ends with its signal", async () => {
    const clock = createFakeClock();
    const aborting = new AbortController();

    const answer = lookUntilComplete({ clock, signal: aborting.signal }, async () => "", Boolean);
    aborting.abort(new Error("stopped"));

    await expect(answer).rejects.toThrow("stopped");
  });
});
