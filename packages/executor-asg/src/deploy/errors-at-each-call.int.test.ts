import { SimFault } from "@stackyard/aws-sim";
import { describe, expect, it } from "vitest";
import { ReleaseError } from "../release-errors.ts";
import type { ReleaseDeps, ReleaseTask } from "../release-state.ts";
import { anAlarmPolicy, anAutoscaling } from "../testing/builders.ts";
import { createDeath, guardDeps } from "../testing/fakes.ts";
import { createSwitch, findOrphans, type Switch, type SwitchInput } from "../testing/release-world.ts";
import { cleanUpFailure, cleanUpSuccess, detachForFailure, detachForSuccess } from "./detach.ts";

/** No state makes so many calls. */
const MAX_CALLS = 60;

const service = { autoscaling: anAutoscaling({ min_size: 2, max_size: 4, spread: 0.5, policies: [anAlarmPolicy()] }) };

interface Way {
  readonly task: ReleaseTask;
  readonly input?: SwitchInput;
  prepare?(world: Switch): Promise<void>;
  check(world: Switch): Promise<void>;
}

const detached = async (world: Switch): Promise<void> => {
  await world.run(detachForSuccess).catch(() => undefined);
  await world.pass(305);
  await world.run(detachForSuccess);
};

const WAYS: Readonly<Record<string, Way>> = {
  detachForSuccess: {
    task: detachForSuccess,
    prepare: async (world) => {
      await world.run(detachForSuccess).catch(() => undefined);
      await world.pass(305);
    },
    check: async ({ standing, oldGroup, newGroup }) => {
      expect(standing()).toEqual([oldGroup, newGroup].toSorted());
    },
  },
  detachForFailure: {
    task: detachForFailure,
    check: async ({ inputs, newGroup }) => {
      const names = inputs("AutoScaling.DetachLoadBalancerTargetGroups").map((each) => each["AutoScalingGroupName"]);
      expect([...new Set(names)]).toEqual([newGroup]);
    },
  },
  cleanUpSuccess: {
    task: cleanUpSuccess,
    prepare: detached,
    check: async (world) => {
      expect(world.standing()).toEqual([world.newGroup]);
      await world.pass(60);
      expect(await findOrphans(world)).toEqual([]);
    },
  },
  "cleanUpSuccess with a window": {
    task: cleanUpSuccess,
    input: { release: { rollback_window: 3_600 } },
    prepare: detached,
    check: async (world) => {
      expect(world.standing()).toEqual([world.oldGroup, world.newGroup].toSorted());
      expect(await findOrphans(world)).toEqual([]);
    },
  },
  cleanUpFailure: {
    task: cleanUpFailure,
    input: { isHealthy: false },
    check: async (world) => {
      expect(world.standing()).toEqual([world.oldGroup]);
      await world.pass(60);
      expect(await findOrphans(world)).toEqual([]);
    },
  },
};

async function createWay({ input, prepare }: Way): Promise<Switch> {
  const world = await createSwitch({ service, ...input });
  await world.memory.locks.acquire(world.now.release, world.now.state.uuid);
  await prepare?.(world);
  return world;
}

/** Meets each call of a way once, in a world of its own; gives how many there are. */
async function meetEach(way: Way, meet: (world: Switch, number: number) => Promise<boolean>): Promise<number> {
  for (let number = 1; number <= MAX_CALLS; number += 1) {
    const world = await createWay(way);
    if (!(await meet(world, number))) return number - 1;
    await way.check(world);
  }
  throw new Error(`There are more than ${MAX_CALLS} calls.`);
}

function withDeps(deps: ReleaseDeps, task: ReleaseTask): ReleaseTask {
  return (_, work) => task(deps, work);
}

describe.each(Object.entries(WAYS))("%s", (_, way) => {
  // Before a call is after the one before it.
  it("is done by the next process when one dies after any call", async () => {
    const calls = await meetEach(way, async (world, number) => {
      const death = createDeath(number, "after");
      const first = world.run(withDeps(guardDeps(world.deps, death), way.task));
      await first.catch(() => undefined);
      if (!death.isDead()) return false;
      await world.run(way.task);
      return true;
    });

    expect(calls).toBeGreaterThan(2);
  });

  it("fails with its own class, or continues, when any call is throttled, and succeeds when repeated", async () => {
    await meetEach(way, async (world, number) => {
      let calls = 0;
      const around = <Result>(_name: string, call: () => Promise<Result>): Promise<Result> => {
        calls += 1;
        return calls === number ? Promise.reject(new SimFault("Throttling", 400, "Rate exceeded")) : call();
      };
      const error = await world.run(withDeps(guardDeps(world.deps, { around }), way.task)).catch((thrown) => thrown);
      if (error instanceof Error) {
        expect(error).toBeInstanceOf(ReleaseError);
        expect(["DetachError", "CleanUpError"]).toContain((error as ReleaseError).errorClass);
      }
      await world.run(way.task);
      return calls >= number;
    });
  });
});
