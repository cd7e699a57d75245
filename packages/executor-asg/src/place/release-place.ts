import { StackyardError } from "@stackyard/core";
import { formatTable } from "@stackyard/sdk/commands";
import type { ProjectConfig, Release, ReleaseMemoryPlace, ReleasesApi } from "@stackyard/sdk/releases";
import { toCell } from "../plan/report.ts";
import type { ReleaseConstants, ReleaseKey } from "../release-state.ts";

/** A release that is ready to be sent. */
export interface DeployOrder {
  readonly document: Readonly<Record<string, unknown>>;
  readonly userData?: string;
  /** Wait for the release that holds the lock. */
  readonly queue?: boolean;
  readonly revision?: string;
}

/** Which releases are listed; what is left out does not matter. */
export interface PlaceFilter {
  readonly at?: Partial<ProjectConfig>;
  /** Epoch ms: those that began later. */
  readonly since?: number;
  readonly failed?: boolean;
  readonly limit: number;
}

/** What is done about a project-config beside deploying. */
interface CareOrder {
  readonly at: ProjectConfig;
  readonly reason?: string;
}

/** How an operation without a release of its own has ended. */
export interface CareAnswer {
  readonly isDone: boolean;
  /** One or more lines for people. */
  readonly message: string;
  readonly facts: Readonly<Record<string, unknown>>;
}

/** Where releases are deployed: a yard, or a deployer under Step Functions. */
export interface ReleasePlace {
  /** For messages. */
  readonly name: string;
  /** The release that runs exactly there. */
  findRunning(at: ProjectConfig): Promise<Release | undefined>;
  deploy(order: DeployOrder): Promise<Release>;
  /** With its report. Throws `NOT_FOUND`. */
  get(id: string): Promise<Release>;
  halt(release: Release, order: { readonly message: string; readonly by: string }): Promise<void>;
  /** The newest first. */
  list(filter: PlaceFilter): Promise<readonly Release[]>;
  rollback(order: CareOrder & { readonly releaseId?: string }): Promise<Release>;
  repair(
    order: CareOrder & { readonly remove: boolean; readonly force?: boolean; readonly keep?: string },
  ): Promise<CareAnswer>;
  lock(order: CareOrder & { readonly reason: string; readonly by: string }): Promise<CareAnswer>;
  unlock(order: CareOrder & { readonly root: boolean; readonly by: string }): Promise<CareAnswer>;
}

/** What every place is opened with. */
export interface PlaceOptions {
  readonly preset: string;
  readonly constants: ReleaseConstants;
  /** Who types. */
  readonly by: string;
  readonly signal: AbortSignal;
}

/** A yard, and how its runner reaches the accounts. */
interface YardPlaceOptions extends PlaceOptions {
  readonly releases: ReleasesApi;
  /** The predecessor's bucket, where its tools shall see the releases too. */
  readonly memory?: ReleaseMemoryPlace;
  /** The role in the target account. Default: the runner's own. */
  readonly role?: string;
  readonly externalId?: string;
  /** Puts a release into that bucket before it is asked for: the second channel. */
  storeDocument?(document: DeployOrder["document"], userData: string | undefined): Promise<void>;
  /** Default: 2 s. */
  readonly pollMs?: number;
}

/** Releases as runs of a yard. */
export function createYardPlace(options: YardPlaceOptions): ReleasePlace {
  const { releases, signal, pollMs, storeDocument } = options;
  const ask = (at: Partial<ProjectConfig>) => toRequest(options, at);
  const settle = async (begun: Promise<Release>) =>
    releases.wait((await begun).runId, { signal, ...(pollMs ? { pollMs } : {}) });
  return {
    name: "the yard",
    findRunning: (at) => releases.findRunning(at, { signal }),
    async deploy({ document, ...order }) {
      await storeDocument?.(document, order.userData);
      return releases.deploy({ document, ...order, ...ask(toPlace(document)) }, { signal });
    },
    get: (id) => releases.get(id, { signal }),
    async halt({ runId }, { message }) {
      await releases.halt(runId, { signal, reason: message });
    },
    list: (filter) => listReleases(releases, filter, signal),
    rollback: ({ at, ...order }) => releases.rollback({ at, ...order, ...ask(at) }, { signal }),
    repair: async ({ at, ...order }) =>
      tellRepair(await settle(releases.repair({ at, ...order, ...ask(at) }, { signal })), order.remove),
    lock: async ({ at, reason, by }) =>
      tellLock(await settle(releases.lock({ at, reason, ...ask(at) }, { signal })), { reason, by }),
    unlock: async ({ at, root }) =>
      tellUnlock(await settle(releases.unlock({ at, root, ...ask(at) }, { signal })), root),
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
  let cursor: string | undefined;
  do {
    const page = await releases.list(at, { limit: PAGE, signal, ...(cursor === undefined ? {} : { cursor }) });
    found.push(...page.items);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return found
    .filter(({ startedAt }) => Date.parse(startedAt) > since)
    .filter(({ standing }) => !failed || standing === "failed" || standing === "cancelled")
    .toSorted((one, other) => Date.parse(other.startedAt) - Date.parse(one.startedAt))
    .slice(0, limit);
}

/** What a document's place in a bucket is made of. */
export function toReleaseKey(document: Readonly<Record<string, unknown>>): ReleaseKey {
  const text = (key: string) => String(document[key] ?? "");
  return {
    aws_account_id: text("aws_account_id"),
    project_name: text("project_name"),
    config_name: text("config_name"),
    release_id: text("release_id"),
  };
}

/** What a run has come to that locks a project-config: perhaps somebody had done it before. */
function tellLock(release: Release, asked: { readonly reason: string; readonly by: string }): CareAnswer {
  if (release.standing !== "succeeded") return tellFailure(release);
  const { user = asked.by, reason = asked.reason } = release.outputs ?? {};
  const isDone = user === asked.by && reason === asked.reason;
  const message = isDone
    ? "Locked."
    : `It is locked already, by ${toCell(String(user))}: ${toCell(String(reason), 300)}`;
  return { isDone, message, facts: { runId: release.runId, user, reason } };
}

/** What a run has come to that takes a lock away. */
function tellUnlock(release: Release, root: boolean): CareAnswer {
  if (release.standing !== "succeeded") return tellFailure(release);
  const { unlocked, rootRemoved, user, reason } = release.outputs ?? {};
  return tellUnlocked({
    lock: unlocked === true ? { user: String(user ?? "somebody"), reason: String(reason ?? "") } : undefined,
    ...(root ? { root: rootRemoved === true } : {}),
    facts: { runId: release.runId },
  });
}

/** Which locks are gone; `root` only where that was asked for. */
export function tellUnlocked(found: {
  readonly lock: { readonly user: string; readonly reason: string } | undefined;
  readonly root?: boolean;
  readonly facts: CareAnswer["facts"];
}): CareAnswer {
  const { lock, root, facts } = found;
  const lines = [
    lock === undefined
      ? "No person had locked it."
      : `The lock of ${toCell(lock.user)} is gone: ${toCell(lock.reason, 300)}`,
    ...(root === undefined ? [] : [root ? "The deployer's lock is gone." : "The deployer had no lock."]),
  ];
  return {
    isDone: true,
    message: lines.join("\n"),
    facts: { ...facts, user: lock?.user ?? null, root: root ?? false },
  };
}

/** What a run has found that looks for left-overs, and what it has removed. */
export function tellRepair(release: Release, remove: boolean): CareAnswer {
  const { outputs = {}, standing, runId } = release;
  if (outputs["leftOvers"] === undefined) return tellFailure(release);
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
    ...(remove ? [`${removed} removed.`] : rows.length === 0 ? [] : ["Nothing was removed: --remove does it."]),
    ...(standing === "succeeded" ? [] : [toError(release)]),
  ];
  const facts = { runId, leftOvers, removed, lockedBy: lockedBy ?? null };
  return { isDone: standing === "succeeded", message: lines.join("\n"), facts };
}

function tellFailure(release: Release): CareAnswer {
  return { isDone: false, message: toError(release), facts: { runId: release.runId, error: release.error ?? null } };
}

function toError({ standing, error }: Release): string {
  return error === undefined ? `The run was ${standing}.` : `${toCell(error.code)}: ${toCell(error.message, 2_000)}`;
}

/** JSON text of a list, as the executor writes it. */
function parseLeftOvers(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  try {
    const list: unknown = JSON.parse(String(value));
    return Array.isArray(list) ? list.map((each) => ({ ...Object(each) })) : [];
  } catch {
    return [];
  }
}
