import { createMemoryRecords } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import type { ReleaseDeps } from "../release-state.ts";
import { aRelease, TARGET } from "../testing/builders.ts";
import { createDeath, guardDeps } from "../testing/fakes.ts";
import { createSwitch, findOrphans, type Switch, type SwitchInput } from "../testing/release-world.ts";
import { cleanUpSuccess, detachForFailure, detachForSuccess, retireKept } from "./detach.ts";
import { repairRelease } from "./repair.ts";
import { pollRollback, rollbackRelease } from "./rollback.ts";
import type { RollbackStep } from "./rollback-step.ts";
import { createYardMemory } from "./yard-memory.ts";

/** More calls than any rollback makes. */
const MAX_CALLS = 150;

const { aws_account_id, project_name, config_name } = aRelease();
const at = { aws_account_id, project_name, config_name };
const input = { at, uuid: "rollback-1" };

interface Mortal {
  readonly world: Switch;
  /** Does something, and does it again where the process has died. */
  outlive<Result>(work: (deps: ReleaseDeps) => Promise<Result>): Promise<Result>;
  hasDied(): boolean;
}

/** A world whose deployer, with the locks of a yard, dies after one call. */
async function createMortal(number: number, given: SwitchInput): Promise<Mortal> {
  const world = await createSwitch(given);
  const { clock } = world;
  const memory = createYardMemory({ records: createMemoryRecords(), clock, generation: "odin", at: TARGET });
  const deps = { ...world.deps, memory };
  const death = createDeath(number, "after");
  return {
    world,
    hasDied: death.isDead,
    async outlive(work) {
      if (death.isDead()) return world.until(work(deps));
      const first = await world.until(work(guardDeps(deps, death))).catch((error: unknown) => error);
      return death.isDead() ? world.until(work(deps)) : (first as Awaited<ReturnType<typeof work>>);
    },
  };
}

async function dieEverywhere(given: SwitchInput, run: (mortal: Mortal) => Promise<void>): Promise<number> {
  for (let number = 1; number <= MAX_CALLS; number += 1) {
    const mortal = await createMortal(number, given);
    await run(mortal);
    if (!mortal.hasDied()) return number - 1;
  }
  throw new Error(`There are more than ${MAX_CALLS} calls.`);
}

async function succeed(world: Switch): Promise<void> {
  await world.run(detachForSuccess).catch(() => undefined);
  await world.pass(305);
  await world.run(detachForSuccess);
  await world.run(cleanUpSuccess);
  await world.pass(60);
}

describe("a process that dies after any call", () => {
  it("of a rollback to kept groups has it done by the next one", async () => {
    const deaths = await dieEverywhere({ release: { rollback_window: 3_600 } }, async ({ world, outlive }) => {
      await succeed(world);

      let step: RollbackStep = await outlive((deps) => rollbackRelease(deps, input));
      while (step.kind === "running") {
        const { progress } = step;
        // Longer than any drain, so that there are few polls.
        await world.pass(400);
        step = await outlive((deps) => pollRollback(deps, input, progress));
      }

      expect(step).toEqual({ kind: "succeeded", releaseId: "release-1", groups: [world.oldGroup] });
      expect(world.standing()).toEqual([world.oldGroup]);
      await world.pass(60);
      expect(await findOrphans(world)).toEqual([]);
    });

    expect(deaths).toBeGreaterThan(20);
  });

  it("of a rollback without kept groups has the document given by the next one", async () => {
    const deaths = await dieEverywhere({}, async ({ world, outlive }) => {
      await succeed(world);
      const key = { ...at, release_id: "release-1" };
      const stored = { document: { release_id: "release-1", ami: "ami-1" } };

      await outlive((deps) => deps.memory.storeDocument(key, stored));
      const step = await outlive((deps) => rollbackRelease(deps, input));

      expect(step).toMatchObject({ kind: "redeploy", document: { ami: "ami-1" }, previousReleaseId: "release-1" });
    });

    expect(deaths).toBeGreaterThan(5);
  });

  it("of the end of a rollback window has the groups deleted by the next one", async () => {
    const deaths = await dieEverywhere({ release: { rollback_window: 3_600 } }, async ({ world, outlive }) => {
      await succeed(world);

      await outlive((deps) => retireKept(deps, world.now));

      expect(world.standing()).toEqual([world.newGroup]);
    });

    expect(deaths).toBeGreaterThan(5);
  });

  it("of a repair has it done by the next one", async () => {
    const deaths = await dieEverywhere({ isHealthy: false }, async ({ world, outlive }) => {
      await world.run(detachForFailure);

      await outlive((deps) => repairRelease(deps, { at, uuid: "repair-1", running: [], confirm: true }));

      expect(world.standing()).toEqual([world.oldGroup]);
      await world.pass(60);
      expect(await findOrphans(world)).toEqual([]);
    });

    expect(deaths).toBeGreaterThan(10);
  });
});
