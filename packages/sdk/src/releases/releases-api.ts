import { defined, keepEnd, listPages, StackyardError } from "@stackyard/core";
import type { JobState, ReleasePlace } from "@stackyard/core/api";
import type * as op from "@stackyard/core/api/operations";
import { callPage } from "../call.ts";
import {
  type CallOptions,
  createHttpClient,
  type HttpClient,
  type Page,
  type PageOptions,
  type StackyardOptions,
  sleep,
} from "../http-client.ts";
import {
  createJobsApi,
  type JobOperationOptions,
  type JobsApi,
  lookUnless,
  type NewJob,
  type WaitForJobOptions,
} from "../jobs/jobs-api.ts";
import type { ListStacksOptions } from "../stacks-api.ts";
import { type ProjectConfig, RELEASE_EXECUTOR, type Release, toRelease } from "./release.ts";

/** Creates a client for a yard's releases, for programs, pipelines and pages; imports nothing from Node. */
export function createReleasesClient(options: StackyardOptions): ReleasesApi {
  const http = createHttpClient(options);
  return createReleasesApi(createJobsApi(http), http);
}

/** Which releases to list; omitted fields match everything. */
export interface ReleaseFilter extends Partial<ProjectConfig> {
  readonly standing?: JobState;
}

/** The options of a wait for a release. */
export interface WaitForReleaseOptions extends Omit<WaitForJobOptions, "onLook" | "after"> {
  /** Called with the release after each poll, and awaited. */
  readonly onLook?: (release: Release) => void | Promise<void>;
}

/** Releases: the jobs of a yard's executor `asg`. */
export interface ReleasesApi {
  /**
   * Starts a release and returns it immediately. Safe to repeat: the same `release_id` is the same release. Throws
   * `CONFIG_INVALID` for an invalid document. Does not check whether another one runs (see `findRunning`); the lock
   * decides.
   */
  deploy(release: NewRelease, options?: CallOptions): Promise<Release>;
  /** Rolls back one step: to the groups that are kept, else to the previous document. */
  rollback(care: ReleaseCare & { readonly releaseId?: string }, options?: CallOptions): Promise<Release>;
  /** Finds resources that no release owns any more; deletes them only with `remove`. */
  repair(
    care: ReleaseCare & {
      readonly remove?: boolean;
      /** True to also remove the lock of a dead release. */
      readonly force?: boolean;
      /** Id of the release to keep, when several have groups and traffic does not show which one serves. */
      readonly keep?: string;
    },
    options?: CallOptions,
  ): Promise<Release>;
  /** Blocks deployments until it is removed; running releases continue. */
  lock(care: ReleaseCare & { readonly reason: string }, options?: CallOptions): Promise<Release>;
  /** Removes that lock; with `root` also the lock of a release that has died. */
  unlock(care: ReleaseCare & { readonly root?: boolean }, options?: CallOptions): Promise<Release>;
  /** Stops a release and removes what it created. Does nothing when it has ended. */
  halt(jobId: string, options?: JobOperationOptions): Promise<Release>;
  /** Returns a release with its report. Throws `NOT_FOUND`. */
  get(jobId: string, options?: CallOptions): Promise<Release>;
  /** Returns releases without reports, sorted as jobs; a page may be empty and still have a next one. */
  list(filter?: ReleaseFilter, page?: ListStacksOptions): Promise<Page<Release>>;
  /** Returns the release that is being deployed or rolled back in exactly this place now. */
  findRunning(at: ProjectConfig, options?: CallOptions): Promise<Release | undefined>;
  /** Returns running and locked releases by account, region, project and config, as the executor recorded them. */
  places(page?: PageOptions): Promise<Page<ReleasePlace>>;
  /** Yields each change, from the current state to the end. */
  watch(jobId: string, options?: WatchReleaseOptions): AsyncGenerator<Release, void>;
  /** Resolves when it has ended, however it did. Throws `TIMED_OUT`, `INTERRUPTED`. */
  wait(jobId: string, options?: WaitForReleaseOptions): Promise<Release>;
}

/** Releases over the jobs of a yard. */
function createReleasesApi(jobs: JobsApi, http: HttpClient): ReleasesApi {
  const get: ReleasesApi["get"] = async (jobId, options) => {
    const job = await jobs.get(jobId, options);
    for await (const page of jobs.report(jobId, { ...options, limit: 1 })) return toRelease(job, page);
    return toRelease(job);
  };
  const list: ReleasesApi["list"] = async ({ standing, ...where } = {}, page) => {
    const state = defined({ state: standing });
    const { items, cursor } = await jobs.list({ executor: RELEASE_EXECUTOR, ...state }, page);
    const releases = items.map((job) => toRelease(job)).filter((release) => isAt(release, where));
    return { items: releases, ...defined({ cursor }) };
  };
  const care = async (op: CareOperation, given: ReleaseCare, more: object, options?: CallOptions) =>
    toRelease(await jobs.start(toCareJob(op, given, { ...more }), options));
  return {
    deploy: async (release, options) => toRelease(await jobs.start(toDeployJob(release), options)),
    rollback: ({ releaseId, ...given }, options) => care("rollback", given, { releaseId }, options),
    repair: ({ remove, force, keep, ...given }, options) =>
      care("repair", given, { confirm: remove, force, releaseId: keep }, options),
    lock: (given, options) => care("lock", given, {}, options),
    unlock: ({ root, ...given }, options) => care("unlock", given, { root }, options),
    halt: async (jobId, options) => toRelease(await jobs.cancel(jobId, options)),
    get,
    list,
    findRunning: (at, options) => findRunning(list, at, options),
    places: (page) => callPage<typeof op.listReleasePlaces>(http, "GET /v1/releases/places", {}, page),
    watch: (jobId, options) => watchRelease((call) => get(jobId, call), options),
    async wait(jobId, { onLook, ...options } = {}) {
      const call = options.signal && { signal: options.signal };
      const look = onLook && (async () => onLook(await get(jobId, call)));
      await jobs.wait(jobId, { ...options, ...(look && { onLook: look }) });
      return get(jobId, call);
    },
  };
}

function isAt(release: Release, where: Partial<ProjectConfig>): boolean {
  const { account, region, project, config } = where;
  return (
    (account ?? release.account) === release.account &&
    (region ?? release.region) === release.region &&
    (project ?? release.project) === release.project &&
    (config ?? release.config) === release.config
  );
}

async function findRunning(
  list: ReleasesApi["list"],
  at: ProjectConfig,
  { signal }: CallOptions = {},
): Promise<Release | undefined> {
  const [running, waiting] = await Promise.all(
    (["running", "waiting"] as const).map(async (standing) => {
      const found: Release[] = [];
      const options = { limit: 1_000, signal };
      for await (const { items } of listPages((start) => list({ ...at, standing }, { ...options, ...start }))) {
        found.push(...items.filter(({ operation }) => operation === "deploy" || operation === "rollback"));
      }
      return found.toSorted((a, b) => Date.parse(a.startedAt) - Date.parse(b.startedAt));
    }),
  );
  // A waiting one may be queued behind the running one.
  return running?.[0] ?? waiting?.[0];
}

/** Where to record releases for a predecessor's tools. Default: in the yard. */
export interface ReleaseMemoryPlace {
  readonly bucket: string;
  readonly lockTable?: string;
}

/** Options of every request about a release. */
export interface ReleaseRequest {
  /** The installation with the tags and paths: `stackyard` (default), `odin` or `step-asg-deployer`. */
  readonly preset?: string;
  readonly memory?: ReleaseMemoryPlace;
  /** The role and its account. Default: those of the document, with the runner's own role. */
  readonly target?: NewJob["target"];
  /** The requester; recorded in tags and history. */
  readonly actor?: string;
}

/** A release to deploy. */
export interface NewRelease extends ReleaseRequest {
  /** The document, whole: with account, region, `release_id` and `created_at`. */
  readonly document: Readonly<Record<string, unknown>>;
  /** The user data whose hash is `user_data_sha256` of the document. */
  readonly userData?: string;
  /** True to wait for the release that has the lock. Default: fail with `LOCK_EXISTS`. */
  readonly queue?: boolean;
  /** The deployed source, such as a commit; recorded in tags and history. */
  readonly revision?: string;
}

/** Returns the job of a release. A repeat with the same `release_id` finds the same job. */
export function toDeployJob({ document, userData, queue, revision, ...request }: NewRelease): NewJob {
  const { aws_account_id: account, aws_region: region, project_name: project, config_name: config } = document;
  const id = [account, region, project, config, document["release_id"]].map((part) => String(part ?? "")).join("/");
  return {
    executor: RELEASE_EXECUTOR,
    config: {
      op: "deploy",
      release: document,
      ...defined({ userData }),
      ...(queue === true ? { queue } : {}),
      ...defined({ revision }),
      ...toShared(request),
    },
    ...(request.target && { target: request.target }),
    key: toKey(id),
  };
}

/** An operation on the releases of a project-config. */
export interface ReleaseCare extends ReleaseRequest {
  readonly at: ProjectConfig;
  readonly reason?: string;
}

/** The operations on releases, apart from a deployment. */
type CareOperation = "rollback" | "repair" | "lock" | "unlock";

/** Returns the job of an operation on releases. */
export function toCareJob(
  op: CareOperation,
  { at: { account, region, project, config }, reason, ...request }: ReleaseCare,
  more: Readonly<Record<string, unknown>> = {},
): NewJob {
  return {
    executor: RELEASE_EXECUTOR,
    config: {
      op,
      at: { account, region, project, config },
      ...defined({ reason }),
      ...toShared(request),
      ...Object.fromEntries(Object.entries(more).filter(([, value]) => value !== undefined)),
    },
    ...(request.target && { target: request.target }),
  };
}

function toShared({ preset, memory, actor }: ReleaseRequest) {
  return defined({ preset, memory, actor });
}

const MAX_KEY = 255;

/** Returns the key of a job. Shortens a long id at its start, because the release's own id is at its end. */
function toKey(id: string): string {
  const key = `release:${id}`;
  return key.length <= MAX_KEY ? key : `release:…${keepEnd(key, MAX_KEY - "release:…".length)}`;
}

/** The options of watching a release. */
export interface WatchReleaseOptions extends CallOptions {
  /** Between two looks. Default: 2 s. */
  readonly pollMs?: number;
}

const POLL_MS = 2_000;

/** Yields the release whenever it has changed, the last time with its end. Throws `INTERRUPTED`. */
async function* watchRelease(
  look: (call: CallOptions) => Promise<Release>,
  { pollMs = POLL_MS, signal }: WatchReleaseOptions = {},
): AsyncGenerator<Release, void> {
  const end = signal ?? new AbortController().signal;
  let last = "";
  while (!end.aborted) {
    const release = await lookUnless(end, look);
    if (release === undefined) break;
    const seen = JSON.stringify(release);
    if (seen !== last) yield release;
    if (release.endedAt !== undefined) return;
    last = seen;
    await sleep(pollMs, end);
  }
  throw new StackyardError("INTERRUPTED", "Stopped watching the release. It continues.");
}
