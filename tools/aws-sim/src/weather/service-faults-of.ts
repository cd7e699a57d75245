import { createFakeClock, type Moment } from "@stackyard/core/testing";
import { createAwsSim } from "../aws-sim.ts";
import type { ServiceFaults } from "../sim-call.ts";

const services = createAwsSim({ clock: createFakeClock() });

/** Returns the errors that the service of a call has in its own form. */
export function faultsOf({ operation }: Moment): ServiceFaults {
  return services.faultsOf(operation.split(".")[0] ?? "");
}
