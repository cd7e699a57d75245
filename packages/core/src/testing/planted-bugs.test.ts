import { Type } from "typebox";
import { describe, expect, it } from "vitest";
import type { Grant } from "../ports/attempt-store.ts";
import { defineExecutor } from "../ports/define-executor.ts";
import { succeeded } from "../ports/steps.ts";
import type { Store } from "../ports/store.ts";
import { aMachine } from "./builders.ts";
import { createRandom } from "./fake-clock.ts";
import { createSimulator } from "./simulator.ts";
import { createTrial } from "./trial.ts";

const SEEDS = Array.from({ length: 12 }, (_, index) => index + 1);
const STACKS = ["pr-1", "pr-2", "pr-3"];

/** Answers to old tokens as to the newest one. */
function withoutFencing(store: Store): Store {
  async function toNewest(grant: Grant): Promise<Grant> {
    const attempt = await store.findAttempt(grant.attemptId);
    return { ...grant, token: attempt?.token ?? grant.token };
  }
  return {
    ...store,
    renew: async (grant, input) => store.renew(await toNewest(grant), input),
    suspend: async (grant, input) => store.suspend(await toNewest(grant), input),
    settle: async (grant, input) => store.settle(await toNewest(grant), input),
  };
}

/** Forgets which events were applied. */
function withoutDeduplication(store: Store): Store {
  return { ...store, commit: (changes) => store.commit(changes.map((change) => ({ ...change, appliedIds: [] }))) };
}

/** Writes over whatever stands there. */
function withoutVersions(store: Store): Store {
  return {
    ...store,
    async commit(changes) {
      const loaded = await store.load(changes.map(({ stackId }) => stackId));
      const present = new Map(loaded.map(({ stackId, version }) => [stackId, version]));
      return store.commit(changes.map((change) => ({ ...change, expectedVersion: present.get(change.stackId) ?? 0 })));
    },
  };
}

/** Loses a dispatch now and then, as a queue beside the store would when a process dies between the two. */
function withoutOutbox(store: Store): Store {
  let count = 0;
  return {
    ...store,
    commit: (changes) =>
      store.commit(
        changes.map((change) => {
          count += 1;
          return count % 5 === 0 ? { ...change, dispatches: [] } : change;
        }),
      ),
  };
}

/** Hands a lease that is live to whoever asks. */
function withoutLeases(store: Store): Store {
  return { ...store, claim: (input) => store.claim({ ...input, now: input.now + 1_000_000_000 }) };
}

/** Renewals that come too late, as those of a process that stands still: leases lapse while their owners work on. */
function withLateRenewals(store: Store, seed: number): Store {
  const random = createRandom(seed);
  const late = new Set<string>();
  return {
    ...store,
    renew(grant, input) {
      const key = `${grant.attemptId}/${grant.token}`;
      if (!late.has(key) && random() < 0.5) return store.renew(grant, input);
      late.add(key);
      return Promise.reject(new Error("late"));
    },
  };
}

/** Work that takes longer than a lease, unless it is renewed. */
const slowWork = defineExecutor({
  name: "work",
  config: Type.Object({}),
  async start({ clock, signal, task }) {
    if (task === "db") await clock.sleep(70_000, signal);
    return succeeded({});
  },
});

/** Drives stacks with repeated messages, late workers, dying processes and events that two engines have at once. */
async function driveSlowWork(seed: number, plant: (store: Store) => Store): Promise<readonly string[]> {
  const { yard } = createTrial({
    seed,
    crashRate: 0.03,
    duplicateRate: 0.3,
    leaseMs: 30_000,
    executors: [slowWork],
    wrapStore: (store) => withLateRenewals(plant(store), seed),
  });
  for (const [round, event] of ["OPENED", "PUSHED", "PUSHED", "MERGED"].entries()) {
    for (const stackId of STACKS) {
      const message = { id: `${stackId}-${round}`, stackId, event, machine: "app" };
      await yard.publish(message, message);
    }
    await yard.advance(10_000);
    for (const stackId of STACKS) {
      await yard.publish({ id: `${stackId}-0`, stackId, event: "OPENED", machine: "app" });
      await yard.publish({ stackId, event: "RETRY_PENDING_TASKS" });
    }
    await yard.advance(170_000);
  }
  return yard.findViolations();
}

const ticking = aMachine({
  INIT: { on: { LAUNCH: ["TICK"] } },
  TICK: { on: { SWING: ["TOCK"], KEEP: [] }, after: [{ inMs: 1_000, event: "SWING" }] },
  TOCK: { on: { SWING: ["TICK"], KEEP: [] }, after: [{ inMs: 1_000, event: "SWING" }] },
});

/** Stacks whose timers fire in the very moment in which events come for them. */
async function driveTimers(seed: number, plant: (store: Store) => Store): Promise<readonly string[]> {
  const machines = [{ machine: ticking, source: "ticking" }];
  const yard = createSimulator({ machines, executors: [], seed, crashRate: 0.03, wrapStore: plant });
  for (const stackId of STACKS) await yard.publish({ stackId, event: "LAUNCH", machine: ticking.name });
  await yard.settle();
  for (let second = 0; second < 20; second += 1) {
    await yard.clock.advance(1_000);
    for (const stackId of STACKS) await yard.publish({ id: `${stackId}-${second}`, stackId, event: "KEEP" });
    await yard.settle();
  }
  return yard.findViolations();
}

async function findViolations(plant: (store: Store) => Store): Promise<string> {
  const runs = SEEDS.flatMap((seed) => [driveSlowWork(seed, plant), driveTimers(seed, plant)]);
  return (await Promise.all(runs)).flat().join("\n");
}

describe("the simulator's invariants", () => {
  it("hold over the store as it is", async () => {
    expect(await findViolations((store) => store)).toBe("");
  });

  it.each([
    ["fencing", withoutFencing, /was (settled|suspended|renewed) with token 1; the newest is [23]\./],
    ["de-duplication", withoutDeduplication, /pr-\d-0 was applied twice\./],
    ["the check of versions", withoutVersions, /was applied to TICK, and the stack was in TOCK\./],
    ["the outbox", withoutOutbox, /The dispatch of .* was lost\./],
    ["leases", withoutLeases, /was granted while a lease on it was live\./],
  ] as const)("catch a store without %s", async (_what, plant, sentence) => {
    expect(await findViolations(plant)).toMatch(sentence);
  });
});
