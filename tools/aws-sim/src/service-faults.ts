import type { ServiceFaults } from "./sim-call.ts";
import { SimFault } from "./sim-fault.ts";

/**
 * The common errors of services that speak the query protocol ("Common errors" in their API references, for example those of
 * Auto Scaling, Elastic Load Balancing, IAM and STS).
 */
export const queryFaults = {
  unknownKey: () => new SimFault("InvalidClientTokenId", 403, "The security token included in the request is invalid."),
  expired: () => new SimFault("ExpiredToken", 403, "The security token included in the request is expired"),
  denied: (who: string, action: string) =>
    new SimFault("AccessDenied", 403, `User: ${who} is not authorized to perform: ${action}`),
  throttled: () => new SimFault("Throttling", 400, "Rate exceeded"),
  invalid: (message: string) => new SimFault("ValidationError", 400, message),
} satisfies ServiceFaults & Record<string, (...texts: [string, string]) => SimFault>;

/** The common errors of services that speak JSON ("Common errors" in their API references, for example Secrets Manager's). */
export const jsonFaults = {
  unknownKey: () =>
    new SimFault("UnrecognizedClientException", 400, "The security token included in the request is invalid."),
  expired: () => new SimFault("ExpiredTokenException", 400, "The security token included in the request is expired"),
  denied: (who: string, action: string) =>
    new SimFault("AccessDeniedException", 400, `User: ${who} is not authorized to perform: ${action}`),
  throttled: () => new SimFault("ThrottlingException", 400, "Rate exceeded"),
} satisfies ServiceFaults;
