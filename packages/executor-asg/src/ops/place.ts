import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { S3Client } from "@aws-sdk/client-s3";
import type { AsgCall } from "../call.ts";
import type { Place } from "../definition.ts";
import { createYardLockFiles } from "../deploy/yard-memory.ts";
import { isSafe } from "../document/release-rules.ts";
import type { StrongLock } from "../locks/lock-files.ts";
import { createDynamoLock, createS3LockFiles } from "../locks/lock-stores.ts";
import type { UserLockDeps } from "../locks/user-locks.ts";
import { ReleaseError } from "../release-errors.ts";
import type { ReleaseKey } from "../release-state.ts";

/** Returns the arguments that people need to find the locks. */
export function openLocks({ ctx, config, at, constants }: AsgCall): UserLockDeps & { readonly strong?: StrongLock } {
  const { clock, records } = ctx;
  const { generation } = constants;
  if (config.memory === undefined) return { files: createYardLockFiles({ records, clock, at }), generation };
  const { bucket, lockTable } = config.memory;
  const files = createS3LockFiles({ client: ctx.aws(S3Client), bucket });
  if (lockTable === undefined) return { files, generation };
  const strong = createDynamoLock({ client: ctx.aws(DynamoDBClient), table: lockTable, clock });
  return { files, generation, strong };
}

/** Returns the fields that identify documents, locks and groups of a project and config. */
export function toProjectConfig({ account, region, project, config }: Place): Omit<ReleaseKey, "release_id"> & {
  readonly aws_region: string;
} {
  return { aws_account_id: account, aws_region: region, project_name: project, config_name: config };
}

/** Returns the project and config that the config names in `at`. Throws `BAD_RELEASE`. */
export function placeOf({ config, ctx }: AsgCall): Place {
  const { at, op } = config;
  if (at === undefined) throw new ReleaseError("BAD_RELEASE", `"${op}" needs "at": account, region, project, config.`);
  checkName("project", at.project);
  checkName("config", at.config);
  const { target } = ctx;
  if (target !== undefined && (target.account !== at.account || target.region !== at.region)) {
    const what = `"at" is ${at.account} in ${at.region}, but the target of the task is ${target.account} in ${target.region}.`;
    throw new ReleaseError("BAD_RELEASE", what);
  }
  return at;
}

// Such names are invalid for releases, and locks are stored under paths with these names.
function checkName(what: "project" | "config", name: string): void {
  if (isSafe(name)) return;
  const why = 'It must not contain control characters, or a part that is empty, "." or "..".';
  throw new ReleaseError("BAD_RELEASE", `${JSON.stringify(name)} is not a valid ${what} name. ${why}`);
}
