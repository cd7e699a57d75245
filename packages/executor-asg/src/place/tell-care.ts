import { formatTable } from "@stackyard/sdk/commands";
import type { Release } from "@stackyard/sdk/releases";
import { toCell } from "../report/to-cell.ts";
import type { CareAnswer } from "./release-place.ts";

/** What a run has come to that locks a project-config: perhaps somebody had done it before. */
export function tellLock(release: Release, asked: { readonly reason: string; readonly by: string }): CareAnswer {
  if (release.standing !== "succeeded") return tellFailure(release);
  const { user = asked.by, reason = asked.reason } = release.outputs ?? {};
  const isDone = user === asked.by && reason === asked.reason;
  const message = isDone
    ? "Locked."
    : `It is locked already, by ${toCell(String(user))}: ${toCell(String(reason), 300)}`;
  return { isDone, message, facts: { runId: release.runId, user, reason } };
}

/** What a run has come to that takes a lock away. */
export function tellUnlock(release: Release, root: boolean): CareAnswer {
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
