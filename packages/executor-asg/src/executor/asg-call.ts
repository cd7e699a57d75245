import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { S3Client } from "@aws-sdk/client-s3";
import type { ExecutorContext, Random } from "@stackyard/core";
import type { AsgConfig } from "../definition.ts";
import { createDynamoLock } from "../lock/dynamo-lock.ts";
import type { LockFiles } from "../lock/lock-files.ts";
import { createS3LockFiles } from "../lock/s3-lock-files.ts";
import type { StrongLock } from "../lock/strong-lock.ts";
import { createBucketMemory } from "../memory/bucket-memory.ts";
import { createYardLockFiles, createYardMemory } from "../memory/yard-memory.ts";
import { PRESETS, type ReleaseConstants } from "../release-constants.ts";
import type { ReleaseDeps, ReleaseMemory } from "../release-deps.ts";

/** One call of the executor, with what all its operations need. */
export interface AsgCall {
  readonly ctx: ExecutorContext;
  readonly config: AsgConfig;
  readonly constants: ReleaseConstants;
  readonly at: { readonly account: string; readonly region: string };
  readonly deps: ReleaseDeps;
  /** Lines of progress of this call. */
  readonly lines: readonly { readonly at: number; readonly text: string }[];
}

/** What a call is made of. */
export interface AsgCallInput {
  readonly ctx: ExecutorContext;
  readonly config: AsgConfig;
  readonly at: AsgCall["at"];
  readonly random: Random;
}

/** Opens the ports of a call. Nothing is called yet. */
export function openCall({ ctx, config, at, random }: AsgCallInput): AsgCall {
  const constants = toConstants(config);
  const lines: { at: number; text: string }[] = [];
  const { clock, logger, signal } = ctx;
  const deps: ReleaseDeps = {
    constants,
    clock,
    logger,
    signal,
    random,
    target: { ...at, partition: ctx.target?.partition ?? "aws", client: (type) => ctx.aws(type) },
    memory: openMemory(ctx, config, { at, constants }),
    actor: toActor(config),
    report(line) {
      lines.push({ at: clock.now(), text: line });
      ctx.report(line);
    },
  };
  return { ctx, config, constants, at, deps, lines };
}

/** The preset with what the config has in its place. */
export function toConstants({ preset = "stackyard", constants = {} }: AsgConfig): ReleaseConstants {
  return { ...PRESETS[preset], ...constants };
}

interface MemoryInput {
  readonly at: AsgCall["at"];
  readonly constants: ReleaseConstants;
}

function openMemory(ctx: ExecutorContext, config: AsgConfig, { at, constants }: MemoryInput): ReleaseMemory {
  const { generation } = constants;
  const { clock, records, stackId } = ctx;
  const by = config.actor === undefined ? stackId : `${config.actor}, ${stackId}`;
  if (config.memory === undefined) return createYardMemory({ records, clock, generation, at, by });
  const { bucket, lockTable, secondChannel = true } = config.memory;
  const table = lockTable === undefined ? {} : { table: { client: ctx.aws(DynamoDBClient), name: lockTable } };
  const memory = createBucketMemory({ s3: ctx.aws(S3Client), bucket, clock, generation, by, ...table });
  return { ...memory, isSecondChannel: secondChannel };
}

/** Where the locks are, for what people do with them. */
export function openLocks({ ctx, config, at }: AsgCall): { readonly files: LockFiles; readonly strong?: StrongLock } {
  const { clock, records } = ctx;
  if (config.memory === undefined) return { files: createYardLockFiles({ records, clock, at }) };
  const { bucket, lockTable } = config.memory;
  const files = createS3LockFiles({ client: ctx.aws(S3Client), bucket });
  if (lockTable === undefined) return { files };
  return { files, strong: createDynamoLock({ client: ctx.aws(DynamoDBClient), table: lockTable, clock }) };
}

function toActor({ actor, revision }: AsgConfig): NonNullable<ReleaseDeps["actor"]> {
  return { ...(actor === undefined ? {} : { name: actor }), ...(revision === undefined ? {} : { revision }) };
}
