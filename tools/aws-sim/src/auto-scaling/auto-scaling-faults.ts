import { queryFaults } from "../query-faults.ts";
import { SimFault } from "../sim-fault.ts";

/** Errors of Auto Scaling, named as its client names them. Source: Auto Scaling API reference, the Errors of each operation. */
export const autoScalingFaults = {
  ...queryFaults,
  exists: (message: string) => new SimFault("AlreadyExistsFault", 400, message),
  limit: (message: string) => new SimFault("LimitExceededFault", 400, message),
  inUse: (message: string) => new SimFault("ResourceInUseFault", 400, message),
  active: () =>
    new SimFault(
      "ScalingActivityInProgressFault",
      400,
      "You cannot delete an AutoScalingGroup while there are scaling activities in progress for that group.",
    ),
  token: () => new SimFault("InvalidNextToken", 400, "The token is not valid."),
  query: (message: string) => new SimFault("InvalidQueryParameter", 400, message),
  unsupported: (message: string) => new SimFault("UnsupportedOperation", 400, message),
  noGroup: (name: string) =>
    queryFaults.invalid(`AutoScalingGroup name not found - AutoScalingGroup '${name}' not found`),
  /** How Smithy services word a constraint of one field. */
  constraint: (field: string, value: unknown, rule: string) =>
    queryFaults.invalid(
      `1 validation error detected: Value '${value}' at '${field}' failed to satisfy constraint: Member must ${rule}`,
    ),
};
