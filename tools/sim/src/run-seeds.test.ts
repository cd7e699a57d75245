import { expect, it } from "vitest";
import { parseArguments, type SimArguments } from "./parse-arguments.ts";
import { runSeeds } from "./run-seeds.ts";

interface RunOptions {
  readonly lookMs?: number;
  readonly shrink?: Parameters<typeof runSeeds>[2];
}

interface Told {
  readonly code: number;
  readonly results: readonly string[];
  readonly progress: readonly string[];
}

/** Runs with a clock that stands unless each look at it takes time. */
async function run(args: readonly string[], { lookMs = 0, shrink }: RunOptions = {}): Promise<Told> {
  const input = parseArguments(args, ["outbox-commit"]) as SimArguments;
  const results: string[] = [];
  const progress: string[] = [];
  let now = 0;
  const output = {
    result: (line: string) => results.push(line),
    progress: (line: string) => progress.push(line),
    now: () => {
      now += lookMs;
      return now;
    },
  };
  const code = await runSeeds(input, output, shrink);
  return { code, results, progress };
}

/** Minimizing a plan takes many runs. */
const asItFailed: RunOptions["shrink"] = async (failed) => failed;

it("sums up what was run", async () => {
  const { code, results } = await run(["--seeds", "3", "--from", "5"]);

  expect(code).toBe(0);
  expect(results.join("\n")).toMatch(/^3 seeds, 0 failed: \d+ steps, .*\nfaults: .*\nchecks: .*exactly-once \d+/);
});

it("gives the summary as an object", async () => {
  const { results } = await run(["--seed", "5", "--json"]);

  expect(JSON.parse(results.join())).toMatchObject({ kind: "summary", seeds: 1, failed: 0, seconds: 0 });
});

it("shows each step", async () => {
  const { results } = await run(["--seed", "5", "--trace"]);

  expect(results[0]).toMatch(/^0 action 0 /);
});

it("prints a failing seed as a test", async () => {
  const { code, results } = await run(["--seed", "1", "--bug", "outbox-commit"]);

  expect(code).toBe(1);
  expect(results[0]).toMatch(/^Seed 1 breaks one-commit: .*\n\nimport \{ runPlan \}/);
  expect(results[1]).toMatch(/^1 seeds, 1 failed/);
});

it("stops after five failing seeds", async () => {
  const { code, results } = await run(["--bug", "outbox-commit"], { shrink: asItFailed });

  expect(code).toBe(1);
  expect(results).toHaveLength(6);
  for (const line of results.slice(0, 5)) expect(line).toMatch(/^Seed \d+ breaks one-commit: /);
  expect(results[5]).toMatch(/^\d+ seeds, 5 failed/);
});

it("gives a failing seed as an object", async () => {
  const { results } = await run(["--seed", "1", "--bug", "outbox-commit", "--json"], { shrink: asItFailed });

  expect(JSON.parse(results[0] ?? "")).toMatchObject({ kind: "failure", seed: 1, invariant: "one-commit", plan: {} });
});

it("ends in time and reports its progress", async () => {
  const { results, progress } = await run(["--seconds", "30"], { lookMs: 6_000 });

  expect(results[0]).toMatch(/^\d seeds/);
  expect(progress[0]).toBe("1 of 1000 seeds, 0 failed");
});
