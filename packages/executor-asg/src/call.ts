import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { S3Client } from "@aws-sdk/client-s3";
import { defined, type ExecutorContext, type Random, toPartition } from "@stackyard/core";
import type { AsgConfig } from "./definition.ts";
import { createBucketMemory } from "./deploy/bucket-memory.ts";
import { createYardMemory } from "./deploy/yard-memory.ts";
import { PRESETS, type ReleaseConstants } from "./presets.ts";
import type { ReleaseDeps, ReleaseMemory } from "./release-state.ts";

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
