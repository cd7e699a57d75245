import { describe, expect, it } from "vitest";
import { createPlanner } from "../engine/plans/planner.ts";
import type { Random } from "../ports/clock.ts";
import { failed, running, type Step, succeeded } from "../ports/executor.ts";
import { countingIds, createRandom } from "../testing/fake-clock.ts";
import { createScriptedExecutor } from "../testing/run-executor.ts";
import { pick } from "../testing/simulation/chance.ts";
import { EVENTS, pickMachineV2, TASKS } from "../testing/simulation/pick-plan.ts";
import { createTrial } from "../testing/trial.ts";

const RUNS = process.env["LONG_TESTS"] ? 300 : 15;
/** Among them is 97, in which an event is given up while another one waits for the same state. */
const FIRST = 90;
const STEPS = 25;

function pickStep(random: Random): Step {
  const kind = random();
  if (kind < 0.5) return succeeded({ n: Math.floor(random() * 9), key: "hunter22" }, { sensitive: ["key"] });
  if (kind < 0.8)
    return failed({ code: pick(random, ["WORK_FAILED", "OTHER"]), message: "no", retryable: random() < 0.8 });
  return running({ progress: {}, pollAfterMs: pick(random, [1_000, 30_000, 600_000]), message: "works" });
}

function pickMessage(random: Random, id: string): object {
  const kind = random();
  const event = { id, stackId: "s", machine: "app" };
  if (kind < 0.6) {
    const metadata = random() < 0.4 ? { password: pick(random, ["hunter21", "hunter22", null]), n: 1 } : {};
    return { ...event, event: pick(random, EVENTS), metadata };
  }
  const task = { name: pick(random, TASKS) };
  if (kind < 0.7) return { ...event, event: "RETRY_FAILED_TASKS", ...(random() < 0.5 ? { task } : {}) };
  if (kind < 0.75) return { ...event, event: "RETRY_PENDING_TASKS" };
  if (kind < 0.85) return { ...event, event: "CANCEL_TASK", task };
  if (kind < 0.95) return { ...event, event: "SETTLE_TASK", task, as: "succeeded", reason: "by hand" };
  return { ...event, event: pick(random, ["TASK_COMPLETED", "TASK_ERROR"]), task };
}

/** A stack's incarnation under chance, and its plan for a revision that does the same. */
async function planDrawn(seed: number) {
  const random = createRandom(seed);
  const drawn = pickMachineV2(random);
  const secret = { type: "string", sensitive: true, pattern: "^hunter" };
  const document = { ...drawn, revision: "pin", metadata: { ...drawn.metadata, password: secret } };
  const executors = ["work", "solo"].map((name) => createScriptedExecutor(name, () => pickStep(random)).executor);
  const trial = createTrial({ source: JSON.stringify(document), executors, seed });
  const { yard } = trial;
  await yard.publish({ id: "begin", stackId: "s", event: "GO", machine: "app", metadata: { password: "hunter22" } });
  for (let step = 0; step < STEPS; step += 1) {
    await yard.advance(pick(random, [0, 500, 3_000, 20_000, 200_000]));
    await yard.publish(pickMessage(random, `e${step}`));
  }
  await yard.settle();
  trial.locator.write("app", JSON.stringify({ ...document, description: "the same" }));
  const { locator, executors: registry } = trial;
  const deps = { store: yard.store, clock: yard.clock, ids: countingIds(), locator, executors: registry };
  return createPlanner(deps).planUpgrade({ stackId: "s" });
}

describe("a replay on a revision that does the same", () => {
  it("finds no difference, whatever the machine and whatever has happened", { timeout: 120_000 }, async () => {
    let replayed = 0;
    for (let seed = FIRST; seed < FIRST + RUNS; seed += 1) {
      const plan = await planDrawn(seed);
      // The stack may have come to its end.
      if (plan === undefined) continue;
      replayed += plan.replayed;

      expect({ seed, differences: plan.differences, end: plan.end }).toEqual({ seed, differences: [], end: [] });
      expect(JSON.stringify(plan)).not.toContain("hunter2");
    }
    expect(replayed).toBeGreaterThan(RUNS * 5);
  });

  it("decides the events of a stack in their order, and none that was parked before it existed", async () => {
    const source = {
      version: 2,
      events: ["GO", "STAY"],
      states: {
        INIT: { on: { GO: "ONE" } },
        ONE: { on: { GO: "TWO" } },
        TWO: { on: { STAY: "THREE" } },
        THREE: { on: { GO: "ONE" } },
      },
      tasks: {},
    };
    const { yard, locator } = createTrial({ source: JSON.stringify(source), executors: [], seed: 1 });
    const publish = (id: string, event: string) => yard.publish({ id, stackId: "s", event, machine: "app" });
    await publish("early", "STAY");
    await publish("begin", "GO");
    await publish("late", "STAY");
    await publish("accept", "GO");
    await yard.settle();
    locator.write("app", JSON.stringify({ ...source, description: "the same" }));
    const planner = createPlanner({
      store: yard.store,
      clock: yard.clock,
      ids: countingIds(),
      locator,
      executors: new Map(),
    });

    const plan = await planner.planUpgrade({ stackId: "s" });

    expect(plan).toMatchObject({ outcome: "applied", replayed: 5, differences: [], end: [] });
  });
});
