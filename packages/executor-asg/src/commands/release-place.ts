import { listPages, parseJson, StackyardError } from "@stackyard/core";
import { formatTable, toCell } from "@stackyard/sdk/commands";
import type { ProjectConfig, Release, ReleaseMemoryPlace, ReleasesApi } from "@stackyard/sdk/releases";
import type { ReleaseConstants } from "../presets.ts";
import type { ReleaseKey } from "../release-state.ts";

/** A release that is ready to be deployed. */
export interface DeployOrder {
  readonly document: Readonly<Record<string, unknown>>;
  readonly userData?: string;
  /** Waits for the release that has the lock. */
  readonly queue?: boolean;
  readonly revision?: string;
}

/** Filters of a list of releases; all optional. */
export interface PlaceFilter {
  readonly at?: Partial<ProjectConfig>;
  /** Only releases started later. Epoch ms. */
  readonly since?: number;
  readonly failed?: boolean;
  readonly limit: number;
}

/** Options of operations other than a deploy. */
interface CareOrder {
  readonly at: ProjectConfig;
  readonly reason?: string;
}

/** Result of an operation without a release. */
export interface CareAnswer {
  readonly isDone: boolean;
  /** One or more lines of text. */
  readonly message: string;
  readonly facts: Readonly<Record<string, unknown>>;
}

/** A place that deploys releases: a yard, or a deployer under Step Functions. */
export interface ReleasePlace {
  /** Name for messages. */
  readonly name: string;
  /** Finds the running release of exactly this project and config. */
  findRunning(at: ProjectConfig): Promise<Release | undefined>;
  deploy(order: DeployOrder): Promise<Release>;
  /** Loads a release with its report. Throws `NOT_FOUND`. */
  get(id: string): Promise<Release>;
  halt(release: Release, order: { readonly message: string; readonly by: string }): Promise<void>;
  /** Lists releases, newest first. */
  list(filter: PlaceFilter): Promise<readonly Release[]>;
  rollback(order: CareOrder & { readonly releaseId?: string }): Promise<Release>;
  repair(
    order: CareOrder & { readonly remove: boolean; readonly force?: boolean; readonly keep?: string },
  ): Promise<CareAnswer>;
  lock(order: CareOrder & { readonly reason: string; readonly by: string }): Promise<CareAnswer>;
  unlock(order: CareOrder & { readonly root: boolean; readonly by: string }): Promise<CareAnswer>;
}

/** Common options of all places. */
export interface PlaceOptions {
  readonly preset: string;
  readonly constants: ReleaseConstants;
  /** User of the command. */
  readonly by: string;
  readonly signal: AbortSignal;
}

/** Options of a yard, and how its runner reaches the accounts. */
export interface YardPlaceOptions extends PlaceOptions {
  readonly releases: ReleasesApi;
  /** The predecessor's bucket, if its tools must see the releases. */
  readonly memory?: ReleaseMemoryPlace;
  /** Role in the target account. Default: the runner's own. */
  readonly role?: string;
  readonly externalId?: string;
  /** Stores a release in that bucket before it is started: the second channel. */
  storeDocument?(document: DeployOrder["document"], userData: string | undefined): Promise<void>;
  /** Default: 2 s. */
  readonly pollMs?: number;
}

/** Creates a place whose releases are runs of a yard. */
export function createYardPlace(options: YardPlaceOptions): ReleasePlace {
  const { releases, signal, pollMs, storeDocument } = options;
  const ask = (at: Partial<ProjectConfig>) => toRequest(options, at);
  const settle = async (begun: Promise<Release>) =>
    releases.wait((await begun).jobId, { signal, ...(pollMs ? { pollMs } : {}) });
  return {
    name: "the yard",
    findRunning: (at) => releases.findRunning(at, { signal }),
    async deploy({ document, ...order }) {
      await storeDocument?.(document, order.userData);
      return releases.deploy({ document, ...order, ...ask(toPlace(document)) }, { signal });
    },
    get: (id) => releases.get(id, { signal }),
    async halt({ jobId }, { message }) {
      await releases.halt(jobId, { signal, reason: message });
    },
    list: (filter) => listReleases(releases, filter, signal),
    rollback: ({ at, ...order }) => releases.rollback({ at, ...order, ...ask(at) }, { signal }),
    repair: async ({ at, ...order }) =>
      formatRepair(await settle(releases.repair({ at, ...order, ...ask(at) }, { signal })), order.remove),
    lock: async ({ at, reason, by }) =>
      formatLock(await settle(releases.lock({ at, reason, ...ask(at) }, { signal })), { reason, by }),
    unlock: async ({ at, root }) =>
      formatUnlock(await settle(releases.unlock({ at, root, ...ask(at) }, { signal })), root),
  };
}

function toRequest(options: YardPlaceOptions, { account, region }: Partial<ProjectConfig>) {
  const { preset, memory, by, role, externalId } = options;
  if (!account || !region) {
    if (role === undefined) return { preset, actor: by, ...(memory && { memory }) };
    const places = "in the document, or with --account and --region";
    throw new StackyardError("USAGE", `--role needs the account and the region: ${places}.`);
  }
  const target = { account, region, ...(role && { role }), ...(externalId && { externalId }) };
  return { preset, actor: by, ...(memory && { memory }), target };
}

function toPlace({ aws_account_id, aws_region }: Readonly<Record<string, unknown>>): Partial<ProjectConfig> {
  return {
    ...(typeof aws_account_id === "string" ? { account: aws_account_id } : {}),
    ...(typeof aws_region === "string" ? { region: aws_region } : {}),
  };
}

const PAGE = 1_000;

async function listReleases(
  releases: ReleasesApi,
  { at = {}, since = 0, failed = false, limit }: PlaceFilter,
  signal: AbortSignal,
): Promise<readonly Release[]> {
  const found: Release[] = [];
  const pages = listPages((start) => releases.list(at, { limit: PAGE, signal, ...start }));
  for await (const { items } of pages) found.push(...items);
  return found
    .filter(({ startedAt }) => Date.parse(startedAt) > since)
    .filter(({ standing }) => !failed || standing === "failed" || standing === "cancelled")
    .toSorted((one, other) => Date.parse(other.startedAt) - Date.parse(one.startedAt))
    .slice(0, limit);
}

/** Fields that determine the location of a document in a bucket. */
export function toReleaseKey(document: Readonly<Record<string, unknown>>): ReleaseKey {
  const text = (key: string) => String(document[key] ?? "");
  return {
    aws_account_id: text("aws_account_id"),
    project_name: text("project_name"),
    config_name: text("config_name"),
    release_id: text("release_id"),
  };
}

/** Formats the result of a job that locks a project and config. It may have been locked before. */
function formatLock(release: Release, asked: { readonly reason: string; readonly by: string }): CareAnswer {
  if (release.standing !== "succeeded") return formatFailure(release);
  const { user = asked.by, reason = asked.reason } = release.outputs ?? {};
  const isDone = user === asked.by && reason === asked.reason;
  const message = isDone ? "Locked." : `Already locked by ${toCell(String(user))}: ${toCell(String(reason), 300)}`;
  return { isDone, message, facts: { jobId: release.jobId, user, reason } };
}

/** Formats the result of a job that removes a lock. */
function formatUnlock(release: Release, root: boolean): CareAnswer {
  if (release.standing !== "succeeded") return formatFailure(release);
  const { unlocked, rootRemoved, user, reason } = release.outputs ?? {};
  return formatUnlocked({
    lock: unlocked === true ? { user: String(user ?? "unknown"), reason: String(reason ?? "") } : undefined,
    ...(root ? { root: rootRemoved === true } : {}),
    facts: { jobId: release.jobId },
  });
}

/** Formats which locks were removed; `root` only if it was requested. */
export function formatUnlocked(found: {
  readonly lock: { readonly user: string; readonly reason: string } | undefined;
  readonly root?: boolean;
  readonly facts: CareAnswer["facts"];
}): CareAnswer {
  const { lock, root, facts } = found;
  const lines = [
    lock === undefined
      ? "No person has locked it."
      : `Removed the lock of ${toCell(lock.user)}: ${toCell(lock.reason, 300)}`,
    ...(root === undefined ? [] : [root ? "Removed the deployer's lock." : "The deployer has no lock."]),
  ];
  return {
    isDone: true,
    message: lines.join("\n"),
    facts: { ...facts, user: lock?.user ?? null, root: root ?? false },
  };
}

/** Formats what a repair found and removed. */
export function formatRepair(release: Release, remove: boolean): CareAnswer {
  const { outputs = {}, standing, jobId } = release;
  if (outputs["leftOvers"] === undefined) return formatFailure(release);
  const leftOvers = parseLeftOvers(outputs["leftOvers"]);
  const { removed = 0, lockedBy } = outputs;
  const rows = leftOvers.map(({ kind, name, why, removable }) => [
    toCell(String(kind)),
    toCell(String(name), 260),
    removable === false ? `${toCell(String(why), 200)} (not removed by this command)` : toCell(String(why), 200),
  ]);
  const lines = [
    rows.length === 0 ? "Nothing is left behind." : formatTable([["WHAT", "NAME", "WHY"], ...rows]),
    ...(lockedBy === undefined ? [] : [`The lock is held by ${toCell(String(lockedBy))}.`]),
    ...(remove
      ? [`${removed} removed.`]
      : rows.length === 0
        ? []
        : ["Nothing was removed. Use --remove to remove them."]),
    ...(standing === "succeeded" ? [] : [toError(release)]),
  ];
  const facts = { jobId, leftOvers, removed, lockedBy: lockedBy ?? null };
  return { isDone: standing === "succeeded", message: lines.join("\n"), facts };
}

function formatFailure(release: Release): CareAnswer {
  return { isDone: false, message: toError(release), facts: { jobId: release.jobId, error: release.error ?? null } };
}

function toError({ standing, error }: Release): string {
  return error === undefined ? `The job was ${standing}.` : `${toCell(error.code)}: ${toCell(error.message, 2_000)}`;
}

/** Parses the JSON text of a list, as the executor writes it. */
function parseLeftOvers(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  const list = parseJson(String(value));
  return Array.isArray(list) ? list.map((each) => ({ ...Object(each) })) : [];
}
