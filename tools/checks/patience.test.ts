import { describe, expect, it, vi } from "vitest";
import { createPatience } from "./patience.ts";
import { findSlowness } from "./slowness.ts";

/** Records what it is called with, alone, by `only` and by `each`. */
function createRecorder() {
  const calls: unknown[][] = [];
  const record = (...args: unknown[]) => void calls.push(args);
  const each = (...table: unknown[]) => {
    calls.push(table);
    return record;
  };
  return { calls, define: createPatience(3).define(Object.assign(record, { only: record, each })) };
}

describe("limits of single tests", () => {
  it("are longer by the factor, whichever way they are given", () => {
    const { calls, define } = createRecorder();
    const run = () => {};

    define("a", run, 100);
    define("b", { timeout: 50, retry: 2 }, run);
    define.only("c", run, Number.POSITIVE_INFINITY);
    define(run, 30_000);
    define.each([1, 2])("d %d", run, 7);

    expect(calls).toEqual([
      ["a", run, 300],
      ["b", { timeout: 150, retry: 2 }, run],
      ["c", run, Number.POSITIVE_INFINITY],
      [run, 90_000],
      [[1, 2]],
      ["d %d", run, 21],
    ]);
  });

  it("of waits are longer too; what is no limit stays", () => {
    const { stretch } = createPatience(3);

    expect([stretch(5), stretch({ timeout: 5, interval: 1 }), stretch({ interval: 1 }), stretch(undefined)]).toEqual([
      15,
      { timeout: 15, interval: 1 },
      { interval: 1 },
      undefined,
    ]);
  });
});

const LIMIT_MS = 12_345;
const here = Math.ceil(LIMIT_MS * findSlowness());

describe("limits of the tests of this repository", { timeout: LIMIT_MS }, () => {
  it("of a group grow with the machine", ({ task }) => expect(task.timeout).toBe(here));

  it.for([1])("of a table grow with it", { timeout: LIMIT_MS }, (_, { task }) => expect(task.timeout).toBe(here));

  it(
    "of a test grow with it, and it can wait",
    async ({ task }) => {
      expect(task.timeout).toBe(here);
      await vi.waitFor(() => expect(vi.isFakeTimers()).toBe(false), 10);
      await expect.poll(() => 1, { timeout: 10 }).toBe(1);
    },
    LIMIT_MS,
  );
});
