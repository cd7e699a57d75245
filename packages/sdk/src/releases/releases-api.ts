import type { Page, PageOptions } from "../history-entry.ts";
import type { CallOptions } from "../http-client.ts";
import type { RunState } from "../runs/run.ts";
import type { RunOperationOptions, RunsApi } from "../runs/runs-api.ts";
import type { WaitForRunOptions } from "../runs/wait-for-run.ts";
import { type NewRelease, type ReleaseCare, toCareRun, toDeployRun } from "./new-release.ts";
import { type ProjectConfig, RELEASE_EXECUTOR, type Release, toRelease } from "./release.ts";
import { type WatchReleaseOptions, watchRelease } from "./watch-release.ts";

/** Which releases are listed; what is left out does not matter. */
export interface ReleaseFilter extends Partial<ProjectConfig> {
  readonly standing?: RunState;
}

/** How to wait for a release. */
export interface WaitForReleaseOptions extends Omit<WaitForRunOptions, "onLook" | "after"> {
  /** Called with the release after each look; what it gives is waited for. */
  readonly onLook?: (release: Release) => void | Promise<void>;
}

/** Releases: what the executor `asg` of a yard does. */
export interface ReleasesApi {
  /**
   * Starts a release and gives it back at once. Safe to repeat: the same `release_id` is the same release.
   * `CONFIG_INVALID` for a document that does not fit. Whether another one runs is `findRunning`'s matter; the lock decides.
   */
  deploy(release: NewRelease, options?: CallOptions): Promise<Release>;
  /** One step back: to the groups that are kept, else to the document before. */
  rollback(care: ReleaseCare & { readonly releaseId?: string }, options?: CallOptions): Promise<Release>;
  /** Finds what no release owns any more; removes it only with `remove`. */
  repair(
    care: ReleaseCare & {
      readonly remove?: boolean;
      /** Also the lock of a dead release. */
      readonly force?: boolean;
      /** Id of the release that stays, where groups of several stand and traffic does not tell which serves. */
      readonly keep?: string;
    },
    options?: CallOptions,
  ): Promise<Release>;
  /** Lets nobody deploy until it is taken away; releases that run go on. */
  lock(care: ReleaseCare & { readonly reason: string }, options?: CallOptions): Promise<Release>;
  /** Takes that lock away; with `root` also the lock of a release that has died. */
  unlock(care: ReleaseCare & { readonly root?: boolean }, options?: CallOptions): Promise<Release>;
  /** Asks a release to stop and to remove what it has made. One that has ended stays as it is. */
  halt(runId: string, options?: RunOperationOptions): Promise<Release>;
  /** With its report. Throws `NOT_FOUND`. */
  get(runId: string, options?: CallOptions): Promise<Release>;
  /** Without reports, in order of their ids; a page may be empty and still have a next one. */
  list(filter?: ReleaseFilter, page?: PageOptions): Promise<Page<Release>>;
  /** The release that is deployed or rolled back there now. Exactly there. */
  findRunning(at: ProjectConfig, options?: CallOptions): Promise<Release | undefined>;
  /** Each change, from how it stands now to its end. */
  watch(runId: string, options?: WatchReleaseOptions): AsyncGenerator<Release, void>;
  /** Resolves when it has ended, however it did. Throws `TIMED_OUT`, `INTERRUPTED`. */
  wait(runId: string, options?: WaitForReleaseOptions): Promise<Release>;
}

/** Releases over the runs of a yard. */
export function createReleasesApi(runs: RunsApi): ReleasesApi {
  const get: ReleasesApi["get"] = async (runId, options) => {
    const run = await runs.get(runId, options);
    for await (const page of runs.report(runId, { ...options, limit: 1 })) return toRelease(run, page);
    return toRelease(run);
  };
  const list: ReleasesApi["list"] = async ({ standing, ...where } = {}, page) => {
    const state = standing === undefined ? {} : { state: standing };
    const { items, cursor } = await runs.list({ executor: RELEASE_EXECUTOR, ...state }, page);
    const releases = items.map((run) => toRelease(run)).filter((release) => isAt(release, where));
    return { items: releases, ...(cursor === undefined ? {} : { cursor }) };
  };
  const care = async (op: Parameters<typeof toCareRun>[0], given: ReleaseCare, more: object, options?: CallOptions) =>
    toRelease(await runs.start(toCareRun(op, given, { ...more }), options));
  return {
    deploy: async (release, options) => toRelease(await runs.start(toDeployRun(release), options)),
    rollback: ({ releaseId, ...given }, options) => care("rollback", given, { releaseId }, options),
    repair: ({ remove, force, keep, ...given }, options) =>
      care("repair", given, { confirm: remove, force, releaseId: keep }, options),
    lock: (given, options) => care("lock", given, {}, options),
    unlock: ({ root, ...given }, options) => care("unlock", given, { root }, options),
    halt: async (runId, options) => toRelease(await runs.cancel(runId, options)),
    get,
    list,
    findRunning: (at, options) => findRunning(list, at, options),
    watch: (runId, options) => watchRelease((call) => get(runId, call), options),
    async wait(runId, { onLook, ...options } = {}) {
      const call = options.signal && { signal: options.signal };
      const look = onLook && (async () => onLook(await get(runId, call)));
      await runs.wait(runId, { ...options, ...(look && { onLook: look }) });
      return get(runId, call);
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
      let cursor: string | undefined;
      do {
        const options = { limit: 1_000, ...(cursor === undefined ? {} : { cursor }), ...(signal && { signal }) };
        const page: Page<Release> = await list({ ...at, standing }, options);
        found.push(...page.items.filter(({ operation }) => operation === "deploy" || operation === "rollback"));
        cursor = page.cursor;
      } while (cursor !== undefined);
      return found.toSorted((a, b) => Date.parse(a.startedAt) - Date.parse(b.startedAt));
    }),
  );
  // One that waits may be queued behind the one that runs.
  return running?.[0] ?? waiting?.[0];
}
