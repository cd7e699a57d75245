import { hostname } from "node:os";
import { type AwsAccess, type AwsAccessOptions, createAwsAccess, findUploadEncryption } from "@stackyard/aws";
import { defined } from "@stackyard/core";

/**
 * Creates this machine's access to AWS: the SDK finds credentials and region (environment, shared files, instance
 * role), and a task with a target gets a session of the target's role under this machine's name. Loads no SDK before a
 * task needs it.
 */
export function createOwnAwsAccess(
  ports: Pick<AwsAccessOptions, "clock" | "logger" | "retriesDenials" | "clientConfig">,
  region?: string,
): AwsAccess {
  const session = { name: `stackyard-${hostname()}` };
  const uploads = findUploadEncryption(process.env);
  return createAwsAccess({ ...ports, session, uploads, proxies: process.env, ...defined({ region }) });
}
