import { ResourceGroupsTaggingAPIClient } from "@aws-sdk/client-resource-groups-tagging-api";
import { toAwsError } from "@stackyard/aws";
import {
  cutText,
  defined,
  findStateOwner,
  type ServiceDeps,
  StackyardError,
  type Target,
  toPartition,
} from "@stackyard/core";
import {
  listFilledStates,
  listInventories,
  type OrphanCheck,
  type OrphanResource,
  toStackTags,
  toTagValue,
} from "@stackyard/core/services";
import type { PreviewsOptions } from "./definition.ts";
import { findTaggedStack } from "./find-tagged-stack.ts";
import { listTagged, type TaggedResource, withGlobalRegion } from "./list-tagged.ts";
import { listUnsaved } from "./list-unsaved.ts";

/** The remains of a stack. */
export interface FoundOrphan {
  readonly stackId: string;
  readonly machine: string;
  readonly count: number;
  /** At most 500, of at most 128 KiB. */
  readonly resources: readonly OrphanResource[];
}

const MOST_RESOURCES = 500;
const MOST_BYTES = 128 * 1024;
/** The most tagged resources that are read in an account and region. */
const MOST_TAGGED = 100_000;

/** Searches the inventories, unsaved runs, states and accounts for resources of removed stacks. Read-only. */
export async function findOrphans(
  deps: ServiceDeps,
  { accounts = [], yard }: Pick<PreviewsOptions, "accounts"> & { readonly yard: string },
): Promise<{ readonly orphans: readonly FoundOrphan[]; readonly failures: OrphanCheck["failures"] }> {
  const board = createBoard(deps);
  await addStates(deps, board);
  const failures: OrphanCheck["failures"] = [];
  for (const target of toTargets(accounts)) {
    try {
      await addTagged(deps, board, { target, yard });
    } catch (error) {
      if (deps.signal.aborted) throw error;
      const { account, region } = target;
      const { message } = toAwsError(error, "Resources cannot be searched by tags.");
      failures.push({ account, region, message: cutText(message, 1_024) });
    }
  }
  return { orphans: board.list(), failures };
}

/** Adds states. One without an inventory counts if it is not empty. */
async function addStates(deps: ServiceDeps, board: Board): Promise<void> {
  const recorded = new Set<string>();
  for await (const { stack: stackId, machine, state, count, resources, forgotten = [] } of listInventories(deps)) {
    recorded.add(state);
    const owner = { stackId, machine };
    for (const { address, arn } of [...resources, ...forgotten]) {
      await board.add(owner, { name: arn ?? address, source: "inventory", state });
    }
    // More than its record can contain.
    if (count > resources.length) await board.add(owner, undefined, count - resources.length);
  }
  for await (const { run, name } of listUnsaved(deps)) {
    const { stack: stackId, machine, state } = run;
    await board.add({ stackId, machine }, { name, source: "unsaved", state });
  }
  for await (const state of listFilledStates(deps)) {
    const owner = findStateOwner(state);
    if (owner !== undefined && !recorded.has(state)) await board.add(owner, { name: state, source: "state" });
  }
}

/** Returns the targets of a search. Global services are listed in one region of each account. */
function toTargets(accounts: NonNullable<PreviewsOptions["accounts"]>): readonly Target[] {
  const targets = accounts.flatMap(({ account, region, role }) => {
    const partition = toPartition(region);
    const regions = withGlobalRegion([region], partition);
    return regions.map((each): Target => ({ account, region: each, partition, ...defined({ role }) }));
  });
  const byPlace = new Map(targets.map((target) => [`${target.account}/${target.region}`, target]));
  return [...byPlace.values()];
}

interface TaggedInput {
  readonly target: Target;
  readonly yard: string;
}

async function addTagged(deps: ServiceDeps, board: Board, { target, yard }: TaggedInput): Promise<void> {
  const { "stackyard:yard": own } = toStackTags({ yard, stackId: "", machine: "" });
  const client = deps.aws(ResourceGroupsTaggingAPIClient, target);
  let count = 0;
  for await (const resource of listTagged(client, { "stackyard:yard": own }, deps.signal)) {
    count += 1;
    if (count > MOST_TAGGED)
      throw new StackyardError("PAYLOAD_TOO_LARGE", `There are more than ${MOST_TAGGED} resources.`);
    await board.addTagged(resource, target);
  }
}

interface Owner {
  readonly stackId: string;
  readonly machine: string;
}

/** Collects resources of removed stacks. */
interface Board {
  add(owner: Owner, resource: OrphanResource | undefined, count?: number): Promise<void>;
  addTagged(resource: TaggedResource, target: Target): Promise<void>;
  list(): readonly FoundOrphan[];
}

interface Collected extends Owner {
  count: number;
  bytes: number;
  readonly resources: Map<string, OrphanResource>;
}

function createBoard(deps: ServiceDeps): Board {
  const found = new Map<string, Collected>();
  const known = new Map<string, boolean>();
  const toTags = ({ stackId, machine }: Owner): string => JSON.stringify([toTagValue(stackId), toTagValue(machine)]);

  async function isGone(key: string, exists: () => Promise<boolean>): Promise<boolean> {
    const doesExist = known.get(key) ?? (await exists());
    known.set(key, doesExist);
    return !doesExist;
  }

  function collect(owner: Owner, resource: OrphanResource | undefined, count: number): void {
    // A tag may spell the stack's id differently.
    const key = toTags(owner);
    const entry = found.get(key) ?? { ...owner, count: 0, bytes: 0, resources: new Map() };
    found.set(key, entry);
    if (resource !== undefined && entry.resources.has(resource.name)) return;
    entry.count += count;
    if (resource === undefined) return;
    const bytes = Buffer.byteLength(JSON.stringify(resource));
    if (entry.resources.size >= MOST_RESOURCES || entry.bytes + bytes > MOST_BYTES) return;
    entry.bytes += bytes;
    entry.resources.set(resource.name, resource);
  }

  return {
    async add(owner, resource, count = 1) {
      const exists = async () => (await deps.findStack(owner.stackId))?.machine === owner.machine;
      if (await isGone(JSON.stringify(owner), exists)) collect(owner, resource, count);
    },
    async addTagged({ arn, tags }, { account, region }) {
      const { "stackyard:stack": stackId, "stackyard:machine": machine = "" } = tags;
      if (stackId === undefined) return;
      const owner = { stackId, machine };
      const key = `tags/${toTags(owner)}`;
      if (!(await isGone(key, async () => (await findTaggedStack(deps, owner)) !== undefined))) return;
      collect(owner, { name: arn, source: "tags", account, region }, 1);
    },
    list: () =>
      [...found.values()].map(({ stackId, machine, count, resources }) => ({
        stackId,
        machine,
        count,
        resources: [...resources.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1)),
      })),
  };
}
