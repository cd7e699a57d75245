import { createAwsAccess } from "@stackyard/aws";
import {
  type AwsSim,
  addFleet,
  createAwsSim,
  createSimPlugin,
  type FleetInput,
  type FleetMember,
} from "@stackyard/aws-sim";
import {
  createExecutorContext,
  createFakeClock,
  type FakeClock,
  type TestExecutorContext,
} from "@stackyard/core/testing";

/** A fleet in a simulated account, and what the executor needs to reach it. */
export interface FleetBench {
  readonly sim: AwsSim;
  readonly clock: FakeClock;
  readonly members: readonly FleetMember[];
  /** What another process of the yard has for the same run; records are kept from one to the next. */
  context(): TestExecutorContext;
}

const PLACE = { account: "111122223333", region: "eu-west-1" } as const;
/** A fleet that is worked through at one call a second may take its time. */
const DAY_MS = 86_400_000;

/** Makes one, in which nothing has happened yet. */
export function createFleetBench(input: Pick<FleetInput, "count" | "broken">): FleetBench {
  const clock = createFakeClock();
  const sim = createAwsSim({ clock });
  const members = addFleet(sim, { ...PLACE, ...input });
  const credentials = sim.iam.addUser({ account: PLACE.account, name: "runner" });
  const plugins = [createSimPlugin(sim)];
  const own = { clock, credentials, region: PLACE.region, plugins, session: { name: "bench" } };
  const { records, leases } = createExecutorContext({ clock });
  const about = { machine: "stackyard.run", stackId: "run-bench", target: { ...PLACE, partition: "aws" } };
  return {
    sim,
    clock,
    members,
    context() {
      // Each process has a limiter of its own, which learns from being throttled.
      const access = createAwsAccess(own);
      const aws: TestExecutorContext["aws"] = (type) => access.client(type, undefined);
      const deps = { clock, records, leases, aws };
      return createExecutorContext({ ...deps, ...about, deadlineAt: clock.now() + DAY_MS });
    },
  };
}
