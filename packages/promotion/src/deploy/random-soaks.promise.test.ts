import type { Executor, Stack } from "@stackyard/core";
import type { StackMove } from "@stackyard/core/engine";
import { describe, expect, it } from "vitest";
import { plantBug } from "../testing/plant-bug.ts";
import { playRandomSoaks } from "../testing/play-random-soaks.ts";

const SEEDS = process.env["LONG_TESTS"] === "1" ? 500 : 12;

/** What a task sees instead of a stack: `first` is the stack as the task has seen it first. */
type Lie = (stack: Stack | undefined, first: Stack | undefined, release: string) => Stack | undefined;

/** Returns executors that lie to a task of a release about its stacks. */
function lieTo(victim: string, lie: Lie, lieOfMove = (move: StackMove): StackMove => move) {
  const firsts = new Map<string, Stack>();
  return (executor: Executor): Executor =>
    plantBug(executor, ({ task, stackId: release }, yard) => {
      if (task !== victim) return {};
      return {
        yard: {
          findMoves: async (stack, since) => (await yard.findMoves(stack, since)).map(lieOfMove),
          load: async (ids) =>
            (await yard.load(ids)).map((each) => {
              const name = `${release} ${each.stackId}`;
              const { stack: _, ...rest } = each;
              const seen = lie(each.stack, firsts.get(name), release);
              if (each.stack?.releases?.["api"]?.id === release && !firsts.has(name)) firsts.set(name, each.stack);
              return seen === undefined ? rest : { ...rest, stack: seen };
            }),
        },
      };
    });
}

const asHealthy: Lie = (stack) => {
  if (stack?.state !== "BROKEN") return stack;
  const { lastFailure: _failure, deed: _deed, deeds: _deeds, ...healthy } = stack;
  return { ...healthy, state: "LIVE" };
};

const asReleased: Lie = (stack, _, release) => {
  const setBy = stack?.releases?.["api"];
  if (stack === undefined || setBy?.id !== release) return stack;
  return { ...stack, metadata: { ...stack.metadata, api: setBy.value } };
};

const asBefore: Lie = (stack, first) =>
  stack !== undefined && stack.incarnation !== first?.incarnation ? (first ?? stack) : stack;

const asKept: Lie = (stack) => {
  const setBy = stack?.releases?.["api"];
  if (stack === undefined || setBy === undefined) return stack;
  const { deed: _deed, deeds: _deeds, ...kept } = stack;
  return { ...kept, releases: { api: { ...setBy, at: 0 } } };
};

const asThere: Lie = (stack, first) => stack ?? first;

const honest: Lie = (stack) => stack;

/** Trouble looks like a check that ends well. */
function asCheck({ from, to, ...move }: StackMove): StackMove {
  const toName = (state: string) => (state === "BROKEN" ? "CHECKING" : state);
  return { ...move, from: toName(from), to: toName(to), isSuccess: true };
}

/** Courses in which a planted bug is looked for. */
const MOST_COURSES = 60;

describe("a release with a pause and a soak, while monitors, people and freezes act in a random order", () => {
  it(`passes no trouble in ${SEEDS} courses`, { timeout: 3_600_000 }, async () => {
    const seen = new Map<string, number>();
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const course = await playRandomSoaks(seed);
      expect(course.faults, `seed ${seed}`).toEqual([]);
      for (const [name, count] of Object.entries(course.seen)) seen.set(name, (seen.get(name) ?? 0) + count);
    }
    // The courses reach what they are about.
    expect(["second wave", "task ended", "soak opened"].filter((name) => !seen.has(name))).toEqual([]);
  });

  it.each<readonly [string, string, (executor: Executor) => Executor, number]>([
    // The number is of a course that finds it.
    ["a wave after one that is broken", "has begun without .* is broken", lieTo("tenants", asHealthy), 6],
    ["a wave after one that was set by hand", "has begun without .* was set by hand", lieTo("tenants", asReleased), 2],
    ["a wave after one that was made anew", "has begun without .* was made anew", lieTo("tenants", asBefore), 8],
    ["a success with one that is broken", "has succeeded without .* is broken", lieTo("tenants", asHealthy), 6],
    ["a soak with a stack that is broken", "has soaked with .* is broken", lieTo("soak", asHealthy, asCheck), 23],
    ["a soak with a stack that was set by hand", "has soaked with .* was set by hand", lieTo("soak", asReleased), 47],
    ["a soak with a stack that was made anew", "has soaked with .* was made anew", lieTo("soak", asBefore), 67],
    [
      "a soak with a moment of trouble",
      "has soaked with .* was broken for a moment",
      lieTo("soak", honest, asCheck),
      11,
    ],
    [
      "a soak with a moment of another value",
      "has soaked with .* another value for a moment",
      lieTo("soak", asKept),
      5,
    ],
    ["a soak of nothing", "has soaked without a stack", lieTo("soak", asThere), 1],
  ])("finds %s, the planted bug", { timeout: 300_000 }, async (_, fault, plant, first) => {
    const found: string[] = [];
    for (let seed = first; seed < first + MOST_COURSES && found.length === 0; seed += 1) {
      const { faults } = await playRandomSoaks(seed, { plant });
      found.push(...faults.filter((each) => new RegExp(fault).test(each)));
    }
    expect(found.length).toBeGreaterThan(0);
  });
});
