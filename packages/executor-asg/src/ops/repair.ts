import { defined, failed, succeeded } from "@stackyard/core";
import { repairRelease } from "../deploy/repair.ts";
import { findRootLock, removeRootLock } from "../locks/user-locks.ts";
import type { AsgOperation } from "./operation.ts";
import { openLocks, placeOf, toProjectConfig } from "./place.ts";

/** Lists what a dead release left behind, and removes it if confirmed. */
export const repair: AsgOperation = {
  async start(call) {
    const { ctx, config, deps } = call;
    const at = toProjectConfig(placeOf(call));
    const confirm = config.confirm === true;
    const locks = openLocks(call);
    const holder = await findRootLock(locks, at);
    const isForced = confirm && config.force === true && holder !== undefined;
    if (isForced) await removeRootLock(locks, at);
    const running = holder?.release === undefined || isForced ? [] : [holder.release];
    const uuid = `repair-${ctx.idempotencyKey}`;
    const keep = config.releaseId === undefined ? [] : [config.releaseId];
    const { found, removed, failed: kept } = await repairRelease(deps, { at, uuid, running, keep, confirm });
    const outputs = defined({
      found: found.length,
      removed: removed.length,
      leftOvers: JSON.stringify(found),
      lockedBy: holder?.release ?? holder?.uuid,
    });
    if (kept.length === 0) return succeeded(outputs);
    const message = kept.map((each) => `${each.name}: ${each.message}`).join(" ");
    return failed({ code: "LEFT_BEHIND", message, retryable: false, outputs: { ...outputs, dirty: true } });
  },
};
