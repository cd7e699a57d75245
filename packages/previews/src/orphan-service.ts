import {
  defined,
  listPages,
  type PageStart,
  type PluginContext,
  type PluginService,
  type ServiceDeps,
  StackyardError,
  toShellCommand,
} from "@stackyard/core";
import { readYardName } from "@stackyard/core/environment";
import {
  findOrphanCheck,
  listFilledStates,
  listInventories,
  listOrphans,
  notify,
  ORPHAN_CHECK_KEY,
  type Orphan,
  type OrphanCheck,
  orphans,
  toOrphanName,
} from "@stackyard/core/services";
import type { PreviewsOptions } from "./definition.ts";
import { type FoundOrphan, findOrphans } from "./find-orphans.ts";
import { listUnsaved } from "./list-unsaved.ts";

const HOUR_MS = 3_600_000;
const PAGE = 50;
const MOST_NAMES = 10;

/**
 * Creates the service that searches hourly for resources of removed stacks, and notifies once about those that remain
 * for an hour. Deletes nothing. An account that cannot be searched is a failure of the service; then nothing is removed
 * from the list.
 */
export function createOrphanService(
  { accounts = [] }: Pick<PreviewsOptions, "accounts">,
  { environment }: Pick<PluginContext, "environment">,
): PluginService {
  const yard = readYardName(environment);
  return {
    name: "orphans",
    async dueAt(deps) {
      if (accounts.length === 0 && !(await hasStates(deps))) return undefined;
      const check = await findOrphanCheck(deps);
      return check?.at === undefined ? deps.clock.now() : check.at + HOUR_MS;
    },
    async tick(deps) {
      const now = deps.clock.now();
      const { orphans, failures } = await findOrphans(deps, { accounts, yard });
      const isComplete = failures.length === 0;
      await storeOrphans(deps, orphans, { now, isComplete });
      const before = await findOrphanCheck(deps);
      const at = isComplete ? now : before?.at;
      await storeCheck(deps, { failures, ...defined({ at }) });
      const [first] = failures;
      if (first === undefined) return now + HOUR_MS;
      const more = failures.length === 1 ? "" : ` Places that are not searched either: ${failures.length - 1}.`;
      const text = `The account ${first.account} is not searched in ${first.region}.${more} ${first.message}`;
      throw new StackyardError("UNREACHABLE", text);
    },
  };
}

/** Returns false if there is nothing to search: no Terraform states, and nothing on the list. */
async function hasStates(deps: ServiceDeps): Promise<boolean> {
  for await (const _ of listInventories(deps)) return true;
  for await (const _ of listUnsaved(deps)) return true;
  for await (const _ of listFilledStates(deps)) return true;
  return (await listOrphans(deps, { limit: 1 }, { all: true })).items.length > 0;
}

interface StoreInput {
  readonly now: number;
  readonly isComplete: boolean;
}

/** Writes only what has changed. */
async function storeOrphans(
  deps: ServiceDeps,
  found: readonly FoundOrphan[],
  { now, isComplete }: StoreInput,
): Promise<void> {
  const names = new Set(found.map(toOrphanName));
  for (const orphan of found) await storeOrphan(deps, orphan, now);
  if (!isComplete) return;
  const load = (start: PageStart) => listOrphans(deps, { limit: PAGE, ...start }, { all: true });
  const gone: string[] = [];
  for await (const { items } of listPages(load)) {
    gone.push(...items.map(toOrphanName).filter((name) => !names.has(name)));
  }
  for (const name of gone) await orphans.remove(deps, name);
}

async function storeOrphan(deps: ServiceDeps, found: FoundOrphan, now: number): Promise<void> {
  await orphans.change(deps, toOrphanName(found), async (stored) => {
    const before = stored?.value;
    const since = before?.since ?? now;
    const listedAt = before?.listedAt ?? (now - since >= HOUR_MS ? now : undefined);
    const value: Orphan = { ...found, resources: [...found.resources], since, ...defined({ listedAt }) };
    if (listedAt !== undefined && before?.listedAt === undefined) await notifyOrphan(deps, value);
    return JSON.stringify(before) === JSON.stringify(value) ? {} : { write: { value } };
  });
}

async function storeCheck({ records, clock }: ServiceDeps, value: OrphanCheck): Promise<void> {
  const now = clock.now();
  const stored = await records.get(ORPHAN_CHECK_KEY, now);
  if (JSON.stringify(stored?.value) === JSON.stringify(value)) return;
  await records.put({ key: ORPHAN_CHECK_KEY, value, expected: stored?.version ?? "absent", now });
}

/** Notifies of an orphan before it is listed: after a crash in between, the same notice is repeated. */
async function notifyOrphan(deps: ServiceDeps, { stackId, machine, since, count, resources }: Orphan): Promise<void> {
  const names = resources.slice(0, MOST_NAMES).map(({ name }) => name);
  const more = count - names.length;
  const list = `${names.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
  await notify(deps, {
    kind: "orphan",
    key: JSON.stringify([machine, stackId, since]),
    title: `Resources of the stack "${stackId}" are left, and the stack is gone`,
    text: `${list}. Remove them, or create the stack anew to remove them: ${toShellCommand`stackyard previews reclaim ${stackId}`}`,
    data: { stack: stackId, machine, count },
  });
}
