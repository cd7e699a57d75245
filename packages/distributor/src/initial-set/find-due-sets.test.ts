import { describe, expect, it } from "vitest";
import { registerConsumer } from "../registry/register-consumer.ts";
import { PLACE, T0 } from "../testing/a-cell.ts";
import { decideSet } from "./decide-set.ts";
import { findDueSets } from "./find-due-sets.ts";
import type { SetRecord } from "./set-record.ts";

const HOUR = 3_600_000;
const consumer = registerConsumer(undefined, PLACE, { kind: "registered", at: T0, bucket: "b", capabilities: [] });

function aSet(changes: Partial<SetRecord>): SetRecord {
  const request = { ...PLACE, line: "x", execution: "x", askedAt: T0, since: null, artifact: null };
  const { set } = decideSet({ request, set: undefined, consumer, now: T0 });
  if (set === undefined) throw new Error("Nothing is noted.");
  return { ...set, ...changes };
}
const isDue = (set: SetRecord | undefined, now = T0 + HOUR) =>
  findDueSets([consumer], set === undefined ? [] : [set], now).length === 1;

describe("findDueSets", () => {
  it("finds a consumer whose set nobody has begun, under the same name for an hour", () => {
    const [first, again, later] = [T0, T0 + HOUR - 1, T0 + HOUR].map((now) => findDueSets([consumer], [], now));

    const executionName = `111122223333-eu-west-1-auto-${T0.toString(36)}`;
    expect(first).toEqual([{ ...PLACE, executionName }]);
    expect(again).toEqual(first);
    expect(later).toEqual([{ ...PLACE, executionName: `${executionName}-1` }]);
  });

  it("gives names that Step Functions takes, however long a region is called", () => {
    const region = "abcd-abcdefghijkl-abcdefghijkl-abcdefghijkl-12";
    const names = [0, 30].map((hours) => findDueSets([{ ...consumer, region }], [], T0 + hours * HOUR));

    expect(names.flat().map(({ executionName }) => executionName.length)).toEqual([73, 75]);
  });

  it("finds one that has had only a part", () => {
    expect(isDue(aSet({ phase: "done", endedAt: T0, artifact: "app" }))).toBe(true);
    expect(isDue(aSet({ phase: "done", endedAt: T0, since: T0 }))).toBe(true);
    expect(isDue(aSet({ phase: "done", endedAt: T0, artifact: "app", wholeAt: T0 }))).toBe(false);
    expect(isDue(aSet({ phase: "done", endedAt: T0, artifact: "app", wholeAt: T0 - HOUR }))).toBe(true);
  });

  it("leaves alone what is under way or done", () => {
    expect(isDue(aSet({ aliveAt: T0 + HOUR }))).toBe(false);
    expect(isDue(aSet({ phase: "done", endedAt: T0 }))).toBe(false);
    expect(isDue(aSet({ phase: "done", endedAt: T0, startedAt: T0 - 60_000 }))).toBe(false);
  });

  it("finds one that has died", () => {
    expect(isDue(aSet({ aliveAt: T0 }))).toBe(true);
  });

  it("finds a consumer that has come again since", () => {
    expect(isDue(aSet({ phase: "done", startedAt: T0 - HOUR, endedAt: T0 - HOUR }))).toBe(true);
  });

  it.each([
    [1, 1],
    [2, 2],
    [3, 4],
    [20, 24],
  ])("tries again what has failed %i times after %i hours", (failures, hours) => {
    const set = aSet({ phase: "failed", endedAt: T0, failures });

    expect([isDue(set, T0 + hours * HOUR - 1), isDue(set, T0 + hours * HOUR)]).toEqual([false, true]);
  });

  it("gives another name to another try, of at most 80 characters", () => {
    const names = [1, 2].map((endedAt) =>
      findDueSets([{ ...consumer, region: "ap-southeast-2" }], [], T0).concat(
        findDueSets([consumer], [aSet({ phase: "failed", endedAt, failures: 1 })], T0 + HOUR * 30),
      ),
    );

    expect(new Set(names.flat().map(({ executionName }) => executionName)).size).toBe(3);
    expect(names.flat().every(({ executionName }) => executionName.length <= 80)).toBe(true);
  });
});
