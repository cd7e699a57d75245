import { defined, succeeded } from "@stackyard/core";
import { removeRootLock, unlockByUser } from "../locks/user-locks.ts";
import { rememberPlace } from "../plan/release-place-record.ts";
import type { AsgOperation } from "./operation.ts";
import { openLocks, placeOf, toProjectConfig } from "./place.ts";

/** Removes a person's lock; with `root` also the lock of a dead deployer. */
export const unlock: AsgOperation = {
  async start(call) {
    const place = placeOf(call);
    const locks = openLocks(call);
    const at = toProjectConfig(place);
    const lock = await unlockByUser(locks, at);
    const rootRemoved = call.config.root === true && (await removeRootLock(locks, at));
    await rememberPlace(call.ctx, place, { lock: "unlocked" });
    return succeeded(defined({ unlocked: lock !== undefined, rootRemoved, user: lock?.user, reason: lock?.reason }));
  },
};
