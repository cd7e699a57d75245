import { describe, expect, it } from "vitest";
import { ALL_INVARIANTS } from "./invariants/all-invariants.ts";
import { runPlan } from "./run-plan.ts";
import { runSeed } from "./run-seed.ts";

async function trace(run: (onStep: (line: string) => void) => Promise<unknown>): Promise<string> {
  const lines: string[] = [];
  await run((line) => lines.push(line));
  return lines.join("\n");
}

describe("runs of seeds", () => {
  it("hold all invariants", async () => {
    const broken: unknown[] = [];
    const counts: Record<string, number> = {};
    for (let seed = 1; seed <= 60; seed += 1) {
      const run = await runSeed(seed);
      for (const violation of run.violations) broken.push({ seed, ...violation });
      for (const [kind, count] of Object.entries(run.counts)) counts[kind] = (counts[kind] ?? 0) + count;
    }

    expect(broken).toEqual([]);
    // Nothing would be proved by runs in which nothing goes wrong.
    expect(Object.keys(counts).sort()).toEqual(["crash", "delay", "fail", "hurry", "lose", "repeat", "yield"]);
  }, 120_000);

  it.each([3, 14, 27])("are the same, step by step, for the same seed (%i)", async (seed) => {
    const [first, second] = [
      await trace((onStep) => runSeed(seed, { onStep })),
      await trace((onStep) => runSeed(seed, { onStep })),
    ];

    expect(first.length).toBeGreaterThan(1_000);
    expect(second).toBe(first);
  });

  it.each([3, 14, 27])("are repeated, step by step, by their plan (%i)", async (seed) => {
    const { plan } = await runSeed(seed);

    // As it is when it was printed and pasted.
    const pasted = JSON.parse(JSON.stringify(plan));

    expect(await trace((onStep) => runPlan(pasted, { onStep }))).toBe(
      await trace((onStep) => runSeed(seed, { onStep })),
    );
  });

  it("differ from seed to seed", async () => {
    const [first, second] = [await runSeed(1), await runSeed(2)];

    expect(first.plan).not.toEqual({ ...second.plan, seed: 1 });
  });

  it("say how much was looked at", async () => {
    const { checks, lastedMs, steps } = await runSeed(3);

    expect(Object.keys(checks).sort()).toEqual(ALL_INVARIANTS.map(({ name }) => name).sort());
    expect([lastedMs > 0, steps > 0]).toEqual([true, true]);
  });
});
