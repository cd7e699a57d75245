import { createMemoryStore } from "@stackyard/core/engine";
import { createFakeClock } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { createLonePruner } from "./prune-alone.ts";

const MINUTE_MS = 60_000;
const retention = { historyMs: 1, eventIdMs: 1, eventIdCount: 1, setAsideMs: 1, settledAttemptMs: 1 };

/** Two processes over one store; `more`: what its next prunes answer. */
function createBench(...more: readonly boolean[]) {
  const clock = createFakeClock();
  const memory = createMemoryStore();
  const pruned: string[] = [];
  const answers = [...more];
  const toProcess = (owner: string) => {
    const prune = async () => {
      pruned.push(owner);
      return answers.shift() ?? false;
    };
    return createLonePruner({ store: { records: memory.records, prune }, retention, clock, owner });
  };
  return { clock, pruned, one: toProcess("one"), two: toProcess("two") };
}

describe("pruning", () => {
  it("is done by one process, every ten minutes", async () => {
    const { clock, pruned, one, two } = createBench();

    for (let minute = 0; minute < 12; minute += 1) {
      await one();
      await two();
      await clock.advance(MINUTE_MS);
    }

    expect(pruned).toEqual(["one", "one"]);
  });

  it("goes on at once while more is left", async () => {
    const { pruned, one } = createBench(true, true, false);

    for (let call = 0; call < 5; call += 1) await one();

    expect(pruned).toHaveLength(3);
  });

  it("goes to another process when the first one is gone", async () => {
    const { clock, pruned, one, two } = createBench();
    await one();
    await two();

    await clock.advance(10 * MINUTE_MS);
    await two();

    expect(pruned).toEqual(["one", "two"]);
  });
});
