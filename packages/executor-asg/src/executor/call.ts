import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { S3Client } from "@aws-sdk/client-s3";
import type { ExecutorContext, Random, Succeeded } from "@stackyard/core";
import type { ReleaseOperation } from "@stackyard/sdk/releases";
import type { AsgConfig, AsgProgress, Place } from "../definition.ts";
import { createBucketMemory, createYardLockFiles, createYardMemory } from "../deploy/memory.ts";
import type { Release } from "../document/release.ts";
import type { LockFiles, StrongLock } from "../locks/lock-files.ts";
import { createDynamoLock, createS3LockFiles } from "../locks/lock-stores.ts";
import { toReleaseId } from "../plan/names.ts";
import { hashUserData } from "../plan/user-data.ts";
import type { ReleasePosition, ReleaseStateName } from "../release-machine.ts";
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
} from "../release-state.ts";

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
interface AsgCallInput {
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
function toConstants({ preset = "stackyard", constants = {} }: AsgConfig): ReleaseConstants {
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

/** A release on its way through the states, between two polls. JSON. */
export interface ReleaseProgress {
  readonly op: "deploy";
  /** What it was asked for: a release back may become an ordinary one. */
  readonly operation: ReleaseOperation;
  readonly release: Release;
  readonly state: ReleaseState;
  readonly position: ReleasePosition;
  /** The state of the position was entered. Epoch ms. */
  readonly since: number;
  /** Its work, or the state after it, comes then. Epoch ms. */
  readonly dueAt: number;
  readonly path: readonly { readonly state: ReleaseStateName; readonly at: number }[];
  readonly lines: readonly { readonly at: number; readonly text: string }[];
  /** A cancel of the run. */
  readonly halt?: Extract<HaltOrder, { kind: "release" }>;
  /** It waits for a release that has the locks. */
  readonly mayQueue: boolean;
  /** What decided the end: our code for the first error, and where it was. */
  readonly failure?: { readonly code: ReleaseFailureCode; readonly state: ReleaseStateName };
  /** It waits for another release since then. */
  readonly queuedSince?: number;
}

/** What the report shows of the path and of the lines. */
const MAX_PATH = 200;
const MAX_LINES = 50;

/** At the beginning of a state. */
export function enter(
  progress: ReleaseProgress,
  { position, now, pauseMs }: { readonly position: ReleasePosition; readonly now: number; readonly pauseMs: number },
): ReleaseProgress {
  const { queuedSince: _, ...rest } = progress;
  const path = [...progress.path, { state: position.state, at: now }].slice(-MAX_PATH);
  return { ...rest, position, since: now, dueAt: now + pauseMs, path };
}

/** With what was told since the last poll. */
export function withLines(progress: ReleaseProgress, lines: ReleaseProgress["lines"]): ReleaseProgress {
  return { ...progress, lines: [...progress.lines, ...lines].slice(-MAX_LINES) };
}

/** As the yard keeps it. */
export function toAsgProgress(progress: ReleaseProgress): AsgProgress {
  return { ...progress };
}

/** What this package has kept comes back as it was. */
export function parseReleaseProgress(progress: AsgProgress): ReleaseProgress {
  return progress as unknown as ReleaseProgress;
}

/** A project-config as documents, locks and groups are found by. */
export function toProjectConfig({ account, region, project, config }: Place): Omit<ReleaseKey, "release_id"> & {
  readonly aws_region: string;
} {
  return { aws_account_id: account, aws_region: region, project_name: project, config_name: config };
}

const MAX_LATER = 20;

/** The first error stays the release's; later ones stand beside it. */
export function rememberError(state: ReleaseState, error: ReleaseError): ReleaseState {
  const told: StateError = { Error: error.errorClass, Cause: error.message };
  if (state.error === undefined) return { ...state, error: told };
  return { ...state, later_errors: [...(state.later_errors ?? []), told].slice(-MAX_LATER) };
}

/** What a document lacks that stands in a machine, and is written by no client. */
interface FillInput {
  readonly config: AsgConfig;
  readonly constants: ReleaseConstants;
  readonly target: { readonly account: string; readonly region: string } | undefined;
  readonly now: number;
  /** Seven letters for the release id. */
  readonly letters: string;
}

/**
 * The document of a task: a client's as it is, a machine's with a new id, the present time, the task's target, and the hash of the user
 * data. A key with `null` counts as absent.
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

/** A run that deletes the groups that are kept for the rollback window, when it is over. */
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
    // Its document is in the memory, with all that was filled in.
    releaseId: release.release_id,
    uuid: state.uuid,
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
  };
  return { followUp: { inMs: release.rollback_window * 1_000, config: next } };
}
