import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { S3Client } from "@aws-sdk/client-s3";
import { toPartition } from "@stackyard/aws";
import { defined, type ExecutorContext, type Random } from "@stackyard/core";
import type { AsgConfig, Place } from "./definition.ts";
import { createBucketMemory, createYardLockFiles, createYardMemory } from "./deploy/memory.ts";
import { isSafe } from "./document/release-rules.ts";
import type { StrongLock } from "./locks/lock-files.ts";
import { createDynamoLock, createS3LockFiles } from "./locks/lock-stores.ts";
import type { UserLockDeps } from "./locks/release-locks.ts";
import {
  PRESETS,
  type ReleaseConstants,
  type ReleaseDeps,
  ReleaseError,
  type ReleaseKey,
  type ReleaseMemory,
} from "./release-state.ts";

/** One call of the executor, with the dependencies of all its operations. */
export interface AsgCall {
  readonly ctx: ExecutorContext;
  readonly config: AsgConfig;
  readonly constants: ReleaseConstants;
  readonly at: { readonly account: string; readonly region: string };
  readonly deps: ReleaseDeps;
  /** Lines of progress reported during this call. */
  readonly lines: readonly { readonly at: number; readonly text: string }[];
}

/** Input of `openCall`. */
interface AsgCallInput extends Pick<AsgCall, "ctx" | "config" | "at"> {
  readonly random: Random;
}

/** Creates the dependencies of a call. Makes no AWS calls. */
export function openCall({ ctx, config, at, random }: AsgCallInput): AsgCall {
  const { preset = "stackyard", actor, revision } = config;
  const constants: ReleaseConstants = { ...PRESETS[preset], ...config.constants };
  const lines: { at: number; text: string }[] = [];
  const { clock, logger, signal } = ctx;
  const deps: ReleaseDeps = {
    constants,
    clock,
    logger,
    signal,
    random,
    target: { ...at, partition: ctx.target?.partition ?? toPartition(at.region), client: (type) => ctx.aws(type) },
    memory: openMemory({ ctx, config, at, constants }),
    actor: defined({ name: actor, revision }),
    report(line) {
      lines.push({ at: clock.now(), text: line });
      ctx.report(line);
    },
  };
  return { ctx, config, constants, at, deps, lines };
}

function openMemory({
  ctx,
  config,
  at,
  constants,
}: Pick<AsgCall, "ctx" | "config" | "at" | "constants">): ReleaseMemory {
  const { generation } = constants;
  const { clock, records, stackId } = ctx;
  const by = config.actor === undefined ? stackId : `${config.actor}, ${stackId}`;
  if (config.memory === undefined) return createYardMemory({ records, clock, generation, at, by });
  const { bucket, lockTable, secondChannel = true } = config.memory;
  const table = lockTable === undefined ? {} : { table: { client: ctx.aws(DynamoDBClient), name: lockTable } };
  const memory = createBucketMemory({ s3: ctx.aws(S3Client), bucket, clock, generation, by, ...table });
  return { ...memory, isSecondChannel: secondChannel };
}

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
