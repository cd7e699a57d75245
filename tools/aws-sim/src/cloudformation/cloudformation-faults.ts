import type { ServiceFaults } from "../sim-call.ts";
import { SimFault } from "../sim-fault.ts";

const DENIED = (who: string, action: string) =>
  new SimFault("AccessDenied", 403, `User: ${who} is not authorized to perform: ${action}`);

/**
 * Errors with their statuses. Source: CloudFormation API reference, "Common errors" and the errors of each action; most
 * refusals are one `ValidationError`, told apart by their text only.
 */
export const cloudFormationFaults = {
  unknownKey: () => new SimFault("InvalidClientTokenId", 403, "The security token included in the request is invalid."),
  expired: () => new SimFault("ExpiredToken", 403, "The security token included in the request is expired"),
  denied: DENIED,
  throttled: () => new SimFault("Throttling", 400, "Rate exceeded"),
  validation: (message: string) => new SimFault("ValidationError", 400, message),
  stackMissing: (name: string) => new SimFault("ValidationError", 400, `Stack with id ${name} does not exist`),
  changeSetMissing: (name: string) =>
    new SimFault("ChangeSetNotFoundException", 404, `ChangeSet [${name}] does not exist`),
  changeSetStatus: (id: string, status: string) =>
    new SimFault(
      "InvalidChangeSetStatusException",
      400,
      `ChangeSet [${id}] cannot be executed in its current status of [${status}]`,
    ),
  changeSetExists: (name: string) =>
    new SimFault(
      "AlreadyExistsException",
      400,
      `ChangeSet ${name} cannot be created, a change set with that name exists`,
    ),
  capabilities: (needed: string) =>
    new SimFault("InsufficientCapabilitiesException", 400, `Requires capabilities : [${needed}]`),
} satisfies ServiceFaults & Record<string, (...texts: [string, string]) => SimFault>;
