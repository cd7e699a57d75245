import { StackyardError } from "@stackyard/core";
import type { ProjectConfig, Release, ReleaseMemoryPlace, ReleasesApi } from "@stackyard/sdk/releases";
import type { DeployOrder, PlaceFilter, PlaceOptions, ReleasePlace } from "./release-place.ts";
import { tellLock, tellRepair, tellUnlock } from "./tell-care.ts";

/** A yard, and how its runner reaches the accounts. */
export interface YardPlaceOptions extends PlaceOptions {
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
