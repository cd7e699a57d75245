import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { aStack } from "../testing/builders.ts";
import { pickJitter } from "./pick-random.ts";

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
