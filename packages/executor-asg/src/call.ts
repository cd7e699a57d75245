import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { S3Client } from "@aws-sdk/client-s3";
import { toPartition } from "@stackyard/aws";
import { defined, type ExecutorContext, type Random, type Succeeded } from "@stackyard/core";
import type { ReleaseOperation } from "@stackyard/sdk/releases";
import type { AsgConfig, AsgProgress, Place } from "./definition.ts";
import { createBucketMemory, createYardLockFiles, createYardMemory } from "./deploy/memory.ts";
import type { Release } from "./document/release.ts";
import type { StrongLock } from "./locks/lock-files.ts";
import { createDynamoLock, createS3LockFiles } from "./locks/lock-stores.ts";
import type { UserLockDeps } from "./locks/release-locks.ts";
import { toReleaseId } from "./plan/names.ts";
import { hashUserData } from "./plan/user-data.ts";
import type { ReleasePosition, ReleaseStateName } from "./release-machine.ts";
import {
  type HaltOrder,
  PRESETS,
  type ReleaseConstants,
  type ReleaseDeps,
  type ReleaseError,
  type ReleaseFailureCode,
  type ReleaseKey,
  type ReleaseMemory,
  type ReleaseState,
  type StateError,
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

/** Progress of a release between two polls. JSON. */
export interface ReleaseProgress {
  readonly op: "deploy";
  /** The requested operation: a rollback may become a normal release. */
  readonly operation: ReleaseOperation;
  readonly release: Release;
  readonly state: ReleaseState;
  readonly position: ReleasePosition;
  /** When the current state was entered. Epoch ms. */
  readonly since: number;
  /** When its work, or the next state, is due. Epoch ms. */
  readonly dueAt: number;
  readonly path: readonly { readonly state: ReleaseStateName; readonly at: number }[];
  readonly lines: readonly { readonly at: number; readonly text: string }[];
  /** Set when the run was cancelled. */
  readonly halt?: Extract<HaltOrder, { kind: "release" }>;
  /** Set while it waits for another release's locks. */
  readonly mayQueue: boolean;
  /** The first error's code and state, which decide the end. */
  readonly failure?: { readonly code: ReleaseFailureCode; readonly state: ReleaseStateName };
  /** Since when it waits for another release. */
  readonly queuedSince?: number;
}

/** Path and lines of the report. */
const MAX_PATH = 200;
const MAX_LINES = 50;

/** Moves the progress to the start of a state. */
export function enter(
  progress: ReleaseProgress,
  { position, now, pauseMs }: { readonly position: ReleasePosition; readonly now: number; readonly pauseMs: number },
): ReleaseProgress {
  const { queuedSince: _, ...rest } = progress;
  const path = [...progress.path, { state: position.state, at: now }].slice(-MAX_PATH);
  return { ...rest, position, since: now, dueAt: now + pauseMs, path };
}

/** Adds the lines reported since the last poll. */
export function withLines(progress: ReleaseProgress, lines: ReleaseProgress["lines"]): ReleaseProgress {
  return { ...progress, lines: [...progress.lines, ...lines].slice(-MAX_LINES) };
}

/** Restores the progress stored by this package. */
export function parseReleaseProgress(progress: AsgProgress): ReleaseProgress {
  return progress as unknown as ReleaseProgress;
}

/** Returns the fields that identify documents, locks and groups of a project and config. */
export function toProjectConfig({ account, region, project, config }: Place): Omit<ReleaseKey, "release_id"> & {
  readonly aws_region: string;
} {
  return { aws_account_id: account, aws_region: region, project_name: project, config_name: config };
}

const MAX_LATER = 20;

/** Adds an error: the first one stays the release's, others are appended to `later_errors`. */
export function rememberError(state: ReleaseState, error: ReleaseError): ReleaseState {
  const told: StateError = { Error: error.errorClass, Cause: error.message };
  if (state.error === undefined) return { ...state, error: told };
  return { ...state, later_errors: [...(state.later_errors ?? []), told].slice(-MAX_LATER) };
}

/** Values for the keys that documents in machines lack, because no client writes them. */
interface FillInput {
  readonly config: AsgConfig;
  readonly constants: ReleaseConstants;
  readonly target: { readonly account: string; readonly region: string } | undefined;
  readonly now: number;
  /** Seven letters for the release id. */
  readonly letters: string;
}

/**
 * Returns the document of a task: a client's document unchanged; a machine's with a new id, the current time, the
 * task's target and the hash of the user data. A `null` value counts as missing.
 */
export function fillDocument({
  config,
  constants,
  target,
  now,
  letters,
}: FillInput): Readonly<Record<string, unknown>> {
  const document = config.release ?? {};
  const given = Object.fromEntries(Object.entries(document).filter(([, value]) => value !== null));
  return {
    release_id: toReleaseId(now, letters),
    created_at: `${new Date(now).toISOString().slice(0, -5)}Z`,
    ...(target && { aws_account_id: target.account, aws_region: target.region }),
    ...(constants.generation === "odin" && { user_data_sha256: hashUserData(config.userData ?? "") }),
    ...(config.memory && { bucket: config.memory.bucket }),
    ...given,
  };
}

/** Returns a follow-up run that deletes the kept groups after the rollback window. */
export function toFollowUp({ config }: AsgCall, { release, state }: ReleaseProgress): Pick<Succeeded, "followUp"> {
  if (release.rollback_window === 0) return {};
  const { preset, constants, memory, actor, revision } = config;
  const given = { preset, constants, memory, actor, revision };
  const next: AsgConfig = {
    op: "retire",
    at: {
      account: release.aws_account_id,
      region: release.aws_region,
      project: release.project_name,
      config: release.config_name,
    },
    // The complete document is in the memory.
    releaseId: release.release_id,
    uuid: state.uuid,
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
  };
  return { followUp: { inMs: release.rollback_window * 1_000, config: next } };
}
