import { queryFaults } from "../query-faults.ts";
import type { ServiceFaults } from "../sim-call.ts";
import { SimFault } from "../sim-fault.ts";

/** Common errors of Elastic Load Balancing; "Request throttling for the Elastic Load Balancing API" has a code of its own. */
export const balancingFaults: ServiceFaults = {
  ...queryFaults,
  throttled: () => new SimFault("ThrottlingException", 400, "Rate exceeded"),
};
