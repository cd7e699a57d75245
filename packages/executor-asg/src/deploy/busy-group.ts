import type { AutoScalingGroup } from "@aws-sdk/client-auto-scaling";
import { findAwsFault } from "@stackyard/aws";
import type { Release } from "../document/release.ts";
import type { ReleaseDeps, ReleaseWork } from "../release-state.ts";
import { nameOfGroup, toTagMap } from "../resources/load-groups.ts";
import { deleteIfThere, doAll } from "./drain.ts";
import { tagGroup } from "./group-tags.ts";
import { markRetired } from "./kept-group.ts";
import { setCapacity } from "./set-capacity.ts";

/** Returns true for a refusal of Auto Scaling because it is busy with the resource, also as the cause of an error. */
export function isBusy(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { answer, code, name } = findAwsFault(error);
  return (name !== undefined && answer === "passing" && code === "RECORD_CONFLICT") || isBusy(error.cause);
}

/** Returns true for a refusal that passes by itself: Auto Scaling is busy, or the account was throttled. */
function isPassing(error: unknown): boolean {
  return isBusy(error) || (error instanceof Error && (findAwsFault(error).throttled || isPassing(error.cause)));
}

/** "Delete your Auto Scaling infrastructure", deletion protection; CloudWatch, "DeleteAlarms": a composite alarm depends on one. */
const PROTECTED = /deletion protection|composite alarm/i;

/** Returns true for a refusal of what others have put on a resource, which no retry changes: a protection, a composite alarm. */
export function isHeldByOthers(error: unknown): boolean {
  return error instanceof Error && (PROTECTED.test(error.message) || isHeldByOthers(error.cause));
}

/**
 * IAM guide, "Troubleshoot access denied error messages": a policy that someone has attached, such as a service control
 * policy. A permission that is only missing may be late.
 */
const DENIED = /with an explicit deny/i;

function isDeniedByOthers(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const isDenied = findAwsFault(error).code === "FORBIDDEN" && DENIED.test(error.message);
  return isDenied || isDeniedByOthers(error.cause);
}

/** Tag with the time since which a group cannot be deleted. It outlives the process and a failed state. */
const BUSY_SINCE_TAG = "stackyard:busy-since";

/** The pauses between the tries of a clean-up, in the state machines of both generations, are at least these. */
const PAUSES = 3;
const PAUSES_SECONDS = 180;
/** A Lambda function has five minutes in total. */
const MAX_WAIT_SECONDS = 200;

/** Returns how long a try waits after a refusal that passes, so that all tries of the state last as long as a drain may take. */
function toWaitSeconds({ drain_timeout }: Pick<Release, "drain_timeout">): number {
  return Math.min(MAX_WAIT_SECONDS, Math.max(0, Math.ceil((drain_timeout - PAUSES_SECONDS) / PAUSES)));
}

/** Runs a try of a clean-up, and waits before it throws an error that passes: the traffic has moved, so there is time. */
export async function withPatience<Result>(
  { clock, signal }: Pick<ReleaseDeps, "clock" | "signal">,
  { release }: Pick<ReleaseWork, "release">,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (!isPassing(error)) throw error;
    await clock.sleep(toWaitSeconds(release) * 1_000, signal);
    signal.throwIfAborted();
    throw error;
  }
}

/**
 * Deletes groups, also those that Auto Scaling is busy with: as long as a drain may take, that is not yet, and throws
 * `CLEAN_UP_FAILED`, as for other errors. After the last try, a group is marked as replaced: the next release deletes it,
 * and is neither locked out nor refused because of it. So is one that others protect, at once, and one that a policy denies
 * until the last try. Returns the marked groups.
 */
export async function removeGroups(
  deps: ReleaseDeps,
  { release }: Pick<ReleaseWork, "release">,
  { groups, remove }: { readonly groups: readonly AutoScalingGroup[]; remove(group: AutoScalingGroup): Promise<void> },
): Promise<readonly AutoScalingGroup[]> {
  const waitSeconds = toWaitSeconds(release);
  const budgetMs = Math.min(release.drain_timeout, PAUSES * waitSeconds + PAUSES_SECONDS) * 1_000;
  const left: AutoScalingGroup[] = [];
  await doAll(groups, async (group) => {
    try {
      await remove(group);
    } catch (error) {
      await leaveGroup(deps, group, { releaseId: release.release_id, error, budgetMs });
      left.push(group);
    }
  });
  return left;
}

/** Marks a group that cannot be deleted as replaced. Throws the error where another try may still delete it. */
async function leaveGroup(
  deps: ReleaseDeps,
  group: AutoScalingGroup,
  { releaseId, error, budgetMs }: { readonly releaseId: string; readonly error: unknown; readonly budgetMs: number },
): Promise<void> {
  if (isHeldByOthers(error)) return leaveHeld(deps, group, { releaseId, error });
  const isDenied = isDeniedByOthers(error);
  if (!isDenied && !isPassing(error)) throw error;
  const patienceMs = isDenied ? PAUSES_SECONDS * 1_000 : budgetMs;
  if (deps.clock.now() - (await noteBusy(deps, group)) < patienceMs) throw error;
  return isDenied ? leaveHeld(deps, group, { releaseId, error }) : leaveBusy(deps, group, releaseId);
}

/** Returns since when a group is busy. If it cannot be noted, the retries of the state machine are the limit. */
async function noteBusy(deps: ReleaseDeps, group: AutoScalingGroup): Promise<number> {
  const noted = Date.parse(toTagMap(group.Tags)[BUSY_SINCE_TAG] ?? "");
  if (!Number.isNaN(noted)) return noted;
  const now = deps.clock.now();
  const name = nameOfGroup(group);
  await tagGroup(deps, name, { [BUSY_SINCE_TAG]: new Date(now).toISOString() }).catch((error: unknown) => {
    deps.signal.throwIfAborted();
    deps.logger.warn("the beginning of a deletion could not be noted", { group: name, error });
  });
  return now;
}

/** The group of a serving release's predecessor cannot be deleted: without servers it costs and does nothing. */
async function leaveHeld(
  deps: ReleaseDeps,
  group: AutoScalingGroup,
  { releaseId, error }: { readonly releaseId: string; readonly error: unknown },
): Promise<void> {
  const name = nameOfGroup(group);
  const attempt = (work: () => Promise<unknown>) =>
    work().catch((refusal: unknown) => {
      deps.signal.throwIfAborted();
      deps.logger.warn("a group that others protect could not be marked or emptied", { group: name, error: refusal });
    });
  await attempt(() => deleteIfThere(() => markRetired(deps, group, { releaseId, windowSeconds: 0 })));
  await attempt(() => setCapacity(deps, group, { min: 0, desired: 0 }));
  const why = error instanceof Error ? error.message : String(error);
  deps.report(
    `left group ${name}, without servers: ${why} The next release tries again, and so does "stackyard asg repair"`,
  );
}

async function leaveBusy(deps: ReleaseDeps, group: AutoScalingGroup, releaseId: string): Promise<void> {
  await deleteIfThere(() => markRetired(deps, group, { releaseId, windowSeconds: 0 }));
  const advice = 'The next release of this project and config deletes it, and so does "stackyard asg repair"';
  deps.report(`left group ${nameOfGroup(group)}: Auto Scaling is busy with it. ${advice}`);
}
