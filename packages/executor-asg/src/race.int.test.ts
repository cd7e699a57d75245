import type { Executor, ExecutorContext, Step } from "@stackyard/core";
import { createRandom, settlePromises } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { createAsgExecutor } from "./asg.ts";
import { createScheduler, guardContext, type Scheduler } from "./testing/fakes.ts";
import { type AsgYard, addServingGroup, aTaskConfig, createAsgYard, watchTraffic } from "./testing/yards.ts";

const RACES = 20;
const SECOND_MS = 1_000;

/** Two whole releases of one project-config at once, their calls in an order that the seed decides. */
async function race(
  seed: number,
): Promise<{ readonly yard: AsgYard; readonly steps: readonly Step[]; readonly faults: readonly string[] }> {
  const random = createRandom(seed);
  const scheduler = createScheduler(random, settlePromises);
  const yard = createAsgYard();
  await addServingGroup(yard);
  const watch = watchTraffic(yard, 2);
  const steps: Step[] = [];
  const deploy = async (name: string) => {
    const executor = createAsgExecutor({ random });
    const context = guardContext(guardContext(yard.context({ stackId: name }), watch), {
      async around(_, call) {
        await scheduler.turn();
        return call();
      },
    });
    // Each has a document of its own client.
    const created_at = `2026-01-01T00:00:0${steps.length + (name === "a" ? 1 : 2)}Z`;
    steps.push(
      await drive(executor, context, { config: aTaskConfig({ created_at, release_id: name }), scheduler, yard }),
    );
  };
  await scheduler.run([deploy("a"), deploy("b")]);
  return { yard, steps, faults: watch.faults };
}

interface Driven {
  readonly config: object;
  readonly scheduler: Scheduler;
  readonly yard: AsgYard;
}

/** Polls when due; time passes while it is its turn. */
async function drive(executor: Executor, context: ExecutorContext, { config, scheduler, yard }: Driven): Promise<Step> {
  let step = await executor.start(context, config as never);
  while (step.kind === "running") {
    const dueAt = yard.world.clock.now() + step.pollAfterMs;
    do {
      await scheduler.turn();
      if (yard.world.clock.now() < dueAt) await yard.world.clock.advance(5 * SECOND_MS);
    } while (yard.world.clock.now() < dueAt);
    step = (await executor.poll?.(context, config as never, step.progress as never)) ?? step;
  }
  return step;
}

describe("two releases of one project-config at once", () => {
  it(`have one winner at a time, in ${RACES} orders of their calls`, async () => {
    const winners = new Set<number>();
    for (let seed = 1; seed <= RACES; seed += 1) {
      const { yard, steps, faults } = await race(seed);
      const won = steps.filter(({ kind }) => kind === "succeeded").length;
      winners.add(won);

      expect(faults, `seed ${seed}`).toEqual([]);
      expect(won, `seed ${seed}: ${JSON.stringify(steps)}`).toBeGreaterThanOrEqual(1);
      for (const step of steps) if (step.kind === "failed") expect(step.code).toBe("LOCK_EXISTS");
      expect((await yard.standing()).groups, `seed ${seed}`).toHaveLength(1);
    }

    expect(winners.has(1)).toBe(true);
  });
});
