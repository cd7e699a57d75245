import type { LogMasks } from "../machine/log-mask.ts";
import type { ExecutorContext, Target } from "../ports/executor.ts";
import type { Environment } from "./pick-environment.ts";
import { serveCredentials } from "./serve-credentials.ts";

/** The account that a task works in, and the variables of its credentials. */
export interface TargetAccess {
  readonly target: Target;
  readonly credentials: Environment;
}

/** Runs `work` with the credentials of the task's target, which are masked in logs; without a target with none. */
export async function withTargetCredentials<T>(
  ctx: ExecutorContext,
  masks: LogMasks,
  work: (access: TargetAccess | undefined) => Promise<T>,
): Promise<T> {
  const { target, clock } = ctx;
  if (target === undefined) return work(undefined);
  const mask = (secrets: readonly (string | undefined)[]) =>
    masks.add(secrets.filter((secret) => secret !== undefined));
  const load = async () => {
    const given = await ctx.credentials();
    mask([given.accessKeyId, given.secretAccessKey, given.sessionToken]);
    return given;
  };
  const served = await serveCredentials({ load, clock });
  mask([served.environment["AWS_CONTAINER_AUTHORIZATION_TOKEN"]]);
  try {
    return await work({ target, credentials: served.environment });
  } finally {
    await served.close();
  }
}
