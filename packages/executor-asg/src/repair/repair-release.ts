import { detachTraffic } from "../drain/detach-traffic.ts";
import { loadAttachments } from "../drain/load-attachments.ts";
import { loadGroupsNamed } from "../lookups/load-groups.ts";
import type { ReleaseDeps, ReleaseKey } from "../release-deps.ts";
import { ReleaseError } from "../release-error.ts";
import { deleteAlarms } from "../teardown/delete-alarms.ts";
import { deleteLaunchConfiguration, deleteTemplate } from "../teardown/delete-launch.ts";
import { deletePlacementGroup } from "../teardown/sweep-own.ts";
import { tearDownGroup } from "../teardown/tear-down-group.ts";
import { toReleaseError } from "../to-release-error.ts";
import { findLeftOvers } from "./find-left-overs.ts";
import type { LeftOver } from "./left-over.ts";
import { loadRepairFacts } from "./load-repair-facts.ts";

/** What is to be repaired. */
export interface RepairInput {
  readonly at: Omit<ReleaseKey, "release_id">;
  /** Of this repair, the same over redeliveries: owner of the locks, and the release id that they are taken for. */
  readonly uuid: string;
  /** Ids of releases that are being made. */
  readonly running: readonly string[];
  /** Ids of releases that are to stay. */
  readonly keep?: readonly string[];
  /** False: lists, and changes nothing. */
  readonly confirm: boolean;
}

/** What was found, and what became of it. */
export interface RepairResult {
  readonly found: readonly LeftOver[];
  /** Names. */
  readonly removed: readonly string[];
  readonly failed: readonly { readonly name: string; readonly message: string }[];
}

/** A function has five minutes in all. */
const MAX_DRAIN_SECONDS = 120;
const LOOK_SECONDS = 10;

/**
 * Lists what of a project-config nobody owns, and removes it when that was confirmed, under the locks of a release. What cannot be
 * removed is told, and does not keep the rest. Throws `LOCK_EXISTS`, `CLEAN_UP_FAILED` where it cannot even look.
 */
export async function repairRelease(deps: ReleaseDeps, input: RepairInput): Promise<RepairResult> {
  if (!input.confirm) return { found: await look(deps, input), removed: [], failed: [] };
  const key = { ...input.at, release_id: input.uuid };
  const answer = await deps.memory.locks.acquire(key, input.uuid);
  if (answer.kind === "held") return listAfter(deps, input, answer.message);
  try {
    const found = await look(deps, input);
    return { found, ...(await removeAll(deps, found)) };
  } finally {
    await deps.memory.locks.release(key, input.uuid);
  }
}

/** A repair that has ended, and whose answer was lost, lists what is left. */
async function listAfter(deps: ReleaseDeps, input: RepairInput, message: string): Promise<RepairResult> {
  const standing = await deps.memory.locks.renew({ ...input.at, release_id: input.uuid }, input.uuid);
  if (standing !== "released") throw new ReleaseError("LOCK_EXISTS", message);
  return { found: await look(deps, input), removed: [], failed: [] };
}

async function look(deps: ReleaseDeps, { at, running, keep = [] }: RepairInput): Promise<readonly LeftOver[]> {
  try {
    const facts = await loadRepairFacts(deps, at);
    return findLeftOvers(facts, { now: deps.clock.now(), running, keep });
  } catch (error) {
    throw toReleaseError("CLEAN_UP_FAILED", error, "What is left over could not be looked up.");
  }
}

async function removeAll(
  deps: ReleaseDeps,
  found: readonly LeftOver[],
): Promise<Pick<RepairResult, "removed" | "failed">> {
  const removed: string[] = [];
  const failed: { name: string; message: string }[] = [];
  for (const leftOver of found.filter(({ removable }) => removable)) {
    const { name } = leftOver;
    try {
      await remove(deps, leftOver);
      removed.push(name);
    } catch (error) {
      deps.signal.throwIfAborted();
      failed.push({ name, message: toReleaseError("CLEAN_UP_FAILED", error, `"${name}" was not removed.`).message });
    }
  }
  return { removed, failed };
}

async function remove(deps: ReleaseDeps, { kind, name }: LeftOver): Promise<void> {
  switch (kind) {
    case "group":
      return removeGroup(deps, name);
    case "template":
      return deleteTemplate(deps, name);
    case "launch-configuration":
      return deleteLaunchConfiguration(deps, name);
    case "alarm":
      return deleteAlarms(deps, [name]);
    case "placement-group":
      return deletePlacementGroup(deps, name);
  }
}

async function removeGroup(deps: ReleaseDeps, name: string): Promise<void> {
  const [group] = await loadGroupsNamed(deps, [name]);
  if (group === undefined) return;
  await detachTraffic(deps, group);
  await waitUntilDetached(deps, name);
  await tearDownGroup(deps, group);
}

/** So that connections which it still has may end; not for ever. */
async function waitUntilDetached(deps: ReleaseDeps, name: string): Promise<void> {
  const endsAt = deps.clock.now() + MAX_DRAIN_SECONDS * 1_000;
  while ((await loadAttachments(deps, name)).some(({ state }) => state !== "Removed")) {
    if (deps.clock.now() >= endsAt) return;
    await deps.clock.sleep(LOOK_SECONDS * 1_000, deps.signal);
    deps.signal.throwIfAborted();
  }
}
