import { succeeded } from "@stackyard/core";
import { lockByUser } from "../locks/user-locks.ts";
import { rememberPlace } from "../plan/release-place-record.ts";
import type { AsgOperation } from "./operation.ts";
import { openLocks, placeOf, toProjectConfig } from "./place.ts";

/** Locks a project and config for a person. */
export const lock: AsgOperation = {
  async start(call) {
    const place = placeOf(call);
    const { actor = "unknown", reason = "" } = call.config;
    const taken = await lockByUser(openLocks(call), toProjectConfig(place), { user: actor, reason });
    await rememberPlace(call.ctx, place, { lock: { user: taken.user, reason: taken.reason } });
    return succeeded({ locked: true, user: taken.user, reason: taken.reason });
  },
};
