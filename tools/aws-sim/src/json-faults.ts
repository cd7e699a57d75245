import type { ServiceFaults } from "./sim-call.ts";
import { SimFault } from "./sim-fault.ts";

/** The common errors of services that speak JSON ("Common errors" in their API references, for example Secrets Manager's). */
export const jsonFaults = {
  unknownKey: () =>
    new SimFault("UnrecognizedClientException", 400, "The security token included in the request is invalid."),
  expired: () => new SimFault("ExpiredTokenException", 400, "The security token included in the request is expired"),
  denied: (who: string, action: string) =>
    new SimFault("AccessDeniedException", 400, `User: ${who} is not authorized to perform: ${action}`),
  throttled: () => new SimFault("ThrottlingException", 400, "Rate exceeded"),
} satisfies ServiceFaults;
