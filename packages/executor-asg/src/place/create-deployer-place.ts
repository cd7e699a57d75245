import { PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { ExecutionStatus, type SFNClient, StartExecutionCommand } from "@aws-sdk/client-sfn";
import { toAwsError } from "@stackyard/aws";
import { type Clock, StackyardError } from "@stackyard/core";
import type { ProjectConfig, Release } from "@stackyard/sdk/releases";
import { createS3LockFiles } from "../lock/s3-lock-files.ts";
import { lockByUser, removeRootLock, unlockByUser } from "../lock/user-lock.ts";
import { createBucketMemory } from "../memory/bucket-memory.ts";
import { toExecutionName, toExecutionPrefix } from "../names/execution-name.ts";
import { toLetters, toReleaseId } from "../names/release-id.ts";
import { toReleasePaths } from "../names/release-paths.ts";
import { type ExecutionsInput, listExecutions, loadDocument, loadExecution } from "./executions.ts";
import type { CareAnswer, DeployOrder, PlaceFilter, PlaceOptions, ReleasePlace } from "./release-place.ts";
import { tellUnlocked } from "./tell-care.ts";
import { toReleaseKey } from "./to-release-key.ts";

/** A deployer under Step Functions, of either generation. */
export interface DeployerPlaceOptions extends PlaceOptions, ExecutionsInput {
  readonly sfn: SFNClient;
  readonly s3: S3Client;
  /** Where it keeps releases. Of a document that names one: that. */
  readonly bucket: string;
  readonly clock: Clock;
  readonly random: () => number;
}

/** Releases as executions of a state machine, with documents and locks in its bucket. */
export function createDeployerPlace(options: DeployerPlaceOptions): ReleasePlace {
  const { machineArn } = options;
  const get = (id: string) => loadExecution(options, id, { history: true });
  return {
    name: `the deployer ${machineArn.split(":").at(-1)}`,
    get,
    findRunning: (at) => findFirst(options, at, { status: ExecutionStatus.RUNNING }),
    deploy: (order) => deploy(options, order),
    halt: (release, order) => halt(options, release, order),
    list: (filter) => list(options, filter),
    rollback: ({ at, releaseId }) => rollback(options, at, releaseId),
    async repair() {
      const hint = "Repair it through a yard: leave --deployer out.";
      throw new StackyardError("USAGE", `A deployer under Step Functions has no repair. ${hint}`);
    },
    async lock({ at, reason, by }) {
      const lock = { user: by, reason };
      const found = await lockByUser(toLockDeps(options), toKey(at), lock);
      const isDone = found === lock;
      const message = isDone ? "Locked." : `It is locked already, by ${found.user}: ${found.reason}`;
      return { isDone, message, facts: { ...at, user: found.user, reason: found.reason } };
    },
    unlock: ({ at, root }) => unlock(options, at, root),
  };
}

async function deploy(options: DeployerPlaceOptions, { document, userData }: DeployOrder): Promise<Release> {
  const { sfn, machineArn, clock, random, signal } = options;
  const key = toReleaseKey(document);
  const stored = { document, ...(userData === undefined ? {} : { userData }) };
  await toMemory(options, document["bucket"]).storeDocument(key, stored);
  const name = toExecutionName(key, clock.now(), toLetters(random));
  const request = { stateMachineArn: machineArn, name, input: JSON.stringify(document) };
  try {
    await sfn.send(new StartExecutionCommand(request), { abortSignal: signal });
  } catch (error) {
    throw toAwsError(error, `The execution "${name}" cannot be started.`);
  }
  return loadExecution(options, name, { history: false });
}

/** The predecessor's file for a deployer of the predecessor, and an order to this release for ours. */
async function halt(
  options: DeployerPlaceOptions,
  release: Release,
  { message, by }: { readonly message: string; readonly by: string },
): Promise<void> {
  const { s3, constants, signal } = options;
  const { Bucket, memory } = await openBucketOf(options, release);
  const key = { ...toKey(release), release_id: release.releaseId };
  const { halt: path } = toReleasePaths(key, constants.generation);
  const put = new PutObjectCommand({ Bucket, Key: path, Body: message });
  try {
    await s3.send(put, { abortSignal: signal });
  } catch (error) {
    throw toAwsError(error, `The halt file s3://${Bucket}/${path} cannot be written.`);
  }
  await memory.orderHalt(key, { message, by });
}

interface Wanted {
  readonly status: ExecutionStatus;
  readonly not?: string;
}

/** Names of executions are ambiguous, so what one was started with decides. */
async function findFirst(
  options: DeployerPlaceOptions,
  at: ProjectConfig,
  { status, not }: Wanted,
): Promise<Release | undefined> {
  const prefix = toExecutionPrefix({ project_name: at.project, config_name: at.config });
  for await (const { name = "" } of listExecutions(options, status)) {
    if (!name.startsWith(prefix)) continue;
    // One that only keeps its groups for a while runs to Step Functions, and hinders nobody.
    const release = await loadExecution(options, name, { history: true });
    const runs = status !== ExecutionStatus.RUNNING || release.endedAt === undefined;
    if (runs && isAt(release, at) && release.releaseId !== not) return release;
  }
  return undefined;
}

function isAt(release: Release, at: Partial<ProjectConfig>): boolean {
  const keys = ["account", "region", "project", "config"] as const;
  return keys.every((key) => at[key] === undefined || at[key] === release[key]);
}

async function list(options: DeployerPlaceOptions, filter: PlaceFilter): Promise<readonly Release[]> {
  const { at = {}, since = 0, failed = false, limit } = filter;
  const found: Release[] = [];
  for await (const { name = "", startDate } of listExecutions(options, failed ? ExecutionStatus.FAILED : undefined)) {
    // They come by their begin.
    if (found.length === limit || (startDate?.getTime() ?? 0) <= since) break;
    const release = await loadExecution(options, name, { history: failed });
    if (isAt(release, at)) found.push(release);
  }
  return found;
}

/** Nothing is kept here that could be taken back into service: the document before is deployed again. */
async function rollback(options: DeployerPlaceOptions, at: ProjectConfig, leave?: string): Promise<Release> {
  const left = leave ?? (await findFirst(options, at, { status: ExecutionStatus.SUCCEEDED }))?.releaseId;
  const before = left && (await findFirst(options, at, { status: ExecutionStatus.SUCCEEDED, not: left }));
  if (!before) {
    throw new StackyardError(
      "NOT_FOUND",
      `No release of ${at.project} ${at.config} is known before the one that runs.`,
    );
  }
  const key = { ...toKey(at), release_id: before.releaseId };
  const { Bucket, memory } = await openBucketOf(options, before);
  const [document, userData] = await Promise.all([memory.loadDocument(key), memory.loadUserData(key)]);
  if (typeof document !== "object" || document === null) {
    throw new StackyardError("NOT_FOUND", `The document of ${before.releaseId} is not in s3://${Bucket}.`);
  }
  const now = options.clock.now();
  const fresh = { release_id: toReleaseId(now, toLetters(options.random)), created_at: new Date(now).toISOString() };
  return deploy(options, { document: { ...document, ...fresh }, ...(userData === undefined ? {} : { userData }) });
}

async function unlock(options: DeployerPlaceOptions, at: ProjectConfig, root: boolean): Promise<CareAnswer> {
  const found = await unlockByUser(toLockDeps(options), toKey(at));
  const hadRoot = root && (await removeRootLock(toLockDeps(options), toKey(at)));
  return tellUnlocked({ lock: found, ...(root ? { root: hadRoot } : {}), facts: { ...at } });
}

function toLockDeps({ s3: client, bucket, constants: { generation } }: DeployerPlaceOptions) {
  return { files: createS3LockFiles({ client, bucket }), generation };
}

/** Where a release is kept: as its document says. */
async function openBucketOf(options: DeployerPlaceOptions, { runId }: Pick<Release, "runId">) {
  const { bucket } = await loadDocument(options, runId);
  const Bucket = typeof bucket === "string" && bucket !== "" ? bucket : options.bucket;
  return { Bucket, memory: toMemory(options, Bucket) };
}

function toMemory({ s3, bucket, clock, constants, by }: DeployerPlaceOptions, named?: unknown) {
  const place = typeof named === "string" && named !== "" ? named : bucket;
  return createBucketMemory({ s3, bucket: place, clock, generation: constants.generation, by });
}

function toKey({ account, project, config }: Omit<ProjectConfig, "region">) {
  return { aws_account_id: account, project_name: project, config_name: config };
}
