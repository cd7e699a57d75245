import type { ExecutorContext, Records } from "@stackyard/core";
import { attemptIdOf } from "@stackyard/core/machine";
import { createExecutorContext, createMemoryRecords, createRandom } from "@stackyard/core/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type QuotaRecord, sumWeights } from "./decide-quota.ts";
import { createQuotaExecutor } from "./quota.ts";

const CAPACITY = 4;
const KEYS = ["a", "b"];
const executor = createQuotaExecutor({ quotas: { "*": CAPACITY } });

class Died extends Error {}

/** A view of the records for one process, which waits a little before each call and may die before or after it. */
function createView(records: Records, { random, crashRate }: { random: () => number; crashRate: number }): Records {
  let isDead = false;
  const call = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    for (let left = Math.floor(random() * 4); left > 0; left -= 1) await Promise.resolve();
    const fate = random();
    isDead ||= fate < crashRate / 2;
    if (isDead) throw new Died();
    const result = await work();
    isDead ||= fate < crashRate;
    if (isDead) throw new Died();
    return result;
  };
  return {
    get: (...input) => call(() => records.get(...input)),
    put: (input) => call(() => records.put(input)),
    remove: (...input) => call(() => records.remove(...input)),
    list: (...input) => call(() => records.list(...input)),
  };
}

/** Records that look at each quota that is written. */
function createWatched(): { readonly records: Records; readonly faults: string[] } {
  const records = createMemoryRecords();
  const faults: string[] = [];
  const put: Records["put"] = async (input) => {
    const { key, holders, waiting } = input.value as QuotaRecord;
    const owners = holders.map(({ stack, incarnation }) => `${stack} ${incarnation}`);
    const line = waiting.map(({ stack, incarnation }) => `${stack} ${incarnation}`);
    if (sumWeights(holders) > CAPACITY) faults.push(`${key}: ${sumWeights(holders)} are held.`);
    if (new Set(owners).size < owners.length) faults.push(`${key}: a stack holds twice.`);
    if (new Set(line).size < line.length) faults.push(`${key}: a stack waits twice.`);
    return records.put(input);
  };
  return { records: { ...records, put }, faults };
}

const Move = fc.record({
  stack: fc.integer({ min: 0, max: 4 }),
  move: fc.constantFrom("take", "take", "take", "cancel", "release"),
  weights: fc.array(fc.record({ key: fc.constantFrom(...KEYS), weight: fc.integer({ min: 0, max: CAPACITY }) }), {
    minLength: 1,
    maxLength: 2,
  }),
});

/** Each stack is in one attempt, which a dead process leaves behind and another one continues. */
function createContext(records: Records, stack: number): ExecutorContext {
  const parts = { stackId: `s${stack}`, incarnation: "i1", entry: 1, task: "slot", attempt: 1 };
  const attempt = { id: attemptIdOf(parts), number: 1, token: 1 };
  return createExecutorContext({ records, stackId: parts.stackId, task: parts.task, attempt });
}

interface Waiting {
  readonly stack: number;
  readonly weights: readonly [number, number];
}

async function take(records: Records, { stack, weights: [a, b] }: Waiting) {
  const holds = KEYS.map((key, index) => ({ key, weight: [a, b][index] }));
  return executor.start(createContext(records, stack), { holds } as never);
}

async function release(records: Records, stack: number) {
  await executor.start(createContext(records, stack), { release: true } as never);
}

describe("quotas", () => {
  it("are never exceeded, in any order of calls and wherever processes die; and finally all are served", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(Move, { maxLength: 24 }), fc.integer(), async (moves, seed) => {
        const random = createRandom(seed);
        const { records, faults } = createWatched();
        const play = async ({ stack, move, weights }: (typeof moves)[number]) => {
          const ctx = createContext(createView(records, { random, crashRate: 0.1 }), stack);
          const config = { holds: weights.filter(({ key }, i) => weights.findIndex((w) => w.key === key) === i) };
          const argument = (move === "release" ? { release: true } : config) as never;
          if (move === "cancel") await executor.cancel?.(ctx, argument, undefined as never);
          else await executor.start(ctx, argument);
        };
        // A stack does one thing after the other; stacks do not wait for each other.
        const lanes = Map.groupBy(moves, ({ stack }) => stack);
        await Promise.all(
          [...lanes.values()].map(async (lane) => {
            for (const move of lane) {
              await play(move).catch((error: unknown) => {
                if (!(error instanceof Died)) throw error;
              });
            }
          }),
        );
        expect(faults).toEqual([]);

        // Each stack ends: nothing remains.
        for (const stack of lanes.keys()) await release(records, stack);
        expect((await records.list("quotas/", { limit: 10, now: 0 })).items).toEqual([]);
      }),
      { numRuns: 150 },
    );
  });

  it("serve every stack that waits, once those before it have returned theirs", async () => {
    const weight = fc.integer({ min: 1, max: CAPACITY });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(weight, weight), { minLength: 1, maxLength: 6 }), async (stacks) => {
        const { records, faults } = createWatched();
        /** One poll of each; those that are served return theirs before the next round. */
        const serve = async (present: readonly Waiting[]): Promise<readonly Waiting[]> => {
          const steps = new Map<Waiting, string>();
          for (const each of present) steps.set(each, (await take(records, each)).kind);
          const [served = [], still = []] = [true, false].map((is) =>
            present.filter((each) => (steps.get(each) === "succeeded") === is),
          );
          for (const { stack } of served) await release(records, stack);
          return still;
        };
        let waiting: readonly Waiting[] = stacks.map((weights, stack) => ({ stack, weights }));

        for (const _ of stacks) waiting = await serve(waiting);

        expect([waiting, faults]).toEqual([[], []]);
      }),
      { numRuns: 100 },
    );
  });
});
