import { hostname } from "node:os";
import { type AwsAccess, createAwsAccess } from "@stackyard/aws";
import { type Clock, defined, type Logger } from "@stackyard/core";

/**
 * Creates this machine's access to AWS: the SDK finds credentials and region (environment, shared files, instance
 * role), and a task with a target gets a session of the target's role under this machine's name. Loads no SDK before a
 * task needs it.
 */
export function createOwnAwsAccess(
  ports: { readonly clock: Clock; readonly logger: Logger; readonly retriesDenials?: boolean },
  region?: string,
): AwsAccess {
  const session = { name: `stackyard-${hostname()}` };
  return createAwsAccess({ ...ports, session, proxies: process.env, ...defined({ region }) });
}
