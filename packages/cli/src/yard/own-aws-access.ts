import { hostname } from "node:os";
import { type AwsAccess, createAwsAccess } from "@stackyard/aws";
import type { Clock, Logger } from "@stackyard/core";

/**
 * AWS as this machine reaches it: the SDK finds credentials and region by itself (environment, shared files, instance
 * role), and a task with a target gets a session of the target's role under this machine's name. Nothing of the SDK is
 * loaded before a task needs it.
 */
export function createOwnAwsAccess(deps: { readonly clock: Clock; readonly logger: Logger }): AwsAccess {
  return createAwsAccess({ ...deps, session: { name: `stackyard-${hostname()}` } });
}
