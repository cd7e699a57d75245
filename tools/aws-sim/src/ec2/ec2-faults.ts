import type { ServiceFaults } from "../sim-call.ts";
import { SimFault } from "../sim-fault.ts";

/** Errors with their statuses. Source: EC2 API reference, "Error codes for the Amazon EC2 API". */
export const ec2Faults = {
  unknownKey: () => new SimFault("AuthFailure", 401, "AWS was not able to validate the provided access credentials"),
  expired: () => new SimFault("RequestExpired", 400, "Request has expired."),
  denied: (who: string, action: string) =>
    new SimFault(
      "UnauthorizedOperation",
      403,
      `You are not authorized to perform this operation. User: ${who} is not authorized to perform: ${action}`,
    ),
  throttled: () => new SimFault("RequestLimitExceeded", 503, "Request limit exceeded."),
  /** `code` names the kind of the resource, such as `InvalidSubnetID.NotFound`. */
  named: (code: string, message: string) => new SimFault(code, 400, message),
  malformed: (id: string) => new SimFault("InvalidInstanceID.Malformed", 400, `Invalid id: "${id}"`),
  missing: (ids: readonly string[]) =>
    new SimFault(
      "InvalidInstanceID.NotFound",
      400,
      ids.length === 1
        ? `The instance ID '${ids[0]}' does not exist`
        : `The instance IDs '${ids.join(", ")}' do not exist`,
    ),
  combined: (message: string) => new SimFault("InvalidParameterCombination", 400, message),
  invalid: (message: string) => new SimFault("InvalidParameterValue", 400, message),
} satisfies ServiceFaults & Record<string, (...texts: never[]) => SimFault>;
