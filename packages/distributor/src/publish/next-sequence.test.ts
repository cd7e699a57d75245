import { createMemoryRecords, createRandom } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { T0 } from "../testing/a-cell.ts";
import { createPassingClock } from "../testing/passing-clock.ts";
import { nextSequence } from "./next-sequence.ts";

/** Records of which each call takes five milliseconds. */
function createDeps() {
  const [memory, clock] = [createMemoryRecords(), createPassingClock(T0)];
  const slow =
    <Args extends readonly unknown[], Result>(call: (...args: Args) => Promise<Result>) =>
    async (...args: Args): Promise<Result> => {
      await clock.sleep(5);
      return call(...args);
    };
  const { get, put, remove, list } = memory;
  const records = { get: slow(get), put: slow(put), remove: slow(remove), list: slow(list) };
  return { memory, records, clock, random: createRandom(1) };
}

describe("nextSequence", () => {
  it("gives each number once, in order, also to three hundred at a time", async () => {
    const deps = createDeps();

    const given = await Promise.all(Array.from({ length: 300 }, () => nextSequence(deps)));

    expect(given.toSorted((one, other) => one - other)).toEqual(Array.from({ length: 300 }, (_, index) => index + 1));
    expect(await nextSequence(deps)).toBe(301);
  });

  it("does not begin anew where something else lies", async () => {
    const deps = createDeps();
    await deps.memory.put({ key: "sequence", value: { last: "7" }, expected: "absent", now: T0 });

    await expect(nextSequence(deps)).rejects.toMatchObject({ code: "STORE_CORRUPT" });
  });
});
