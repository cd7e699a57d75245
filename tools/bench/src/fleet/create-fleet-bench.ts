import {
  type AwsSim,
  addFleet,
  createAwsSim,
  createSimPlugin,
  type FleetInput,
  type FleetMember,
} from "@stackyard/aws-sim";
import type { ExecutorContext } from "@stackyard/core";
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
  /** A context of the same run; records are kept from one to the next. */
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
  const plugin = createSimPlugin(sim);
  const aws: ExecutorContext["aws"] = (type) => {
    const client = new type({ region: PLACE.region, credentials } as never);
    Object(client).middlewareStack.use(plugin);
    return client;
  };
  const { records, leases } = createExecutorContext({ clock });
  const about = { machine: "stackyard.run", stackId: "run-bench", target: { ...PLACE, partition: "aws" } };
  return {
    ...{ sim, clock, members },
    context: () =>
      createExecutorContext({ ...{ clock, records, leases, aws, deadlineAt: clock.now() + DAY_MS }, ...about }),
  };
}
