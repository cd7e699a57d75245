import { succeeded } from "@stackyard/core";
import type { AsgStep, Place } from "../definition.ts";
import { lockByUser, removeRootLock, unlockByUser } from "../lock/user-lock.ts";
import { type AsgCall, openLocks } from "./asg-call.ts";
import { toProjectConfig } from "./to-project-config.ts";

/** Keeps new releases of a project-config away, in the name of a person. */
export async function lockPlace(call: AsgCall, place: Place): Promise<AsgStep> {
  const { actor = "somebody", reason = "" } = call.config;
  const deps = { ...openLocks(call), generation: call.constants.generation };
  const lock = await lockByUser(deps, toProjectConfig(place), { user: actor, reason });
  return succeeded({ locked: true, user: lock.user, reason: lock.reason });
}

/** Lets them come again; with `root` also where a dead deployer has left its own lock. */
export async function unlockPlace(call: AsgCall, place: Place): Promise<AsgStep> {
  const deps = { ...openLocks(call), generation: call.constants.generation };
  const at = toProjectConfig(place);
  const lock = await unlockByUser(deps, at);
  const rootRemoved = call.config.root === true && (await removeRootLock(deps, at));
  return succeeded({
    unlocked: lock !== undefined,
    rootRemoved,
    ...(lock === undefined ? {} : { user: lock.user, reason: lock.reason }),
  });
}
