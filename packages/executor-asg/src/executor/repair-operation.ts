import { failed, succeeded } from "@stackyard/core";
import type { AsgStep, Place } from "../definition.ts";
import { findRootLock, removeRootLock } from "../lock/user-lock.ts";
import { repairRelease } from "../repair/repair-release.ts";
import { type AsgCall, openLocks } from "./asg-call.ts";
import { toProjectConfig } from "./to-project-config.ts";

/** Lists what a dead release has left behind, and removes it when that was confirmed. */
export async function repairPlace(call: AsgCall, place: Place): Promise<AsgStep> {
  const { ctx, config, constants, deps } = call;
  const at = toProjectConfig(place);
  const confirm = config.confirm === true;
  const locks = { ...openLocks(call), generation: constants.generation };
  const holder = await findRootLock(locks, at);
  const isForced = confirm && config.force === true && holder !== undefined;
  if (isForced) await removeRootLock(locks, at);
  const running = holder?.release === undefined || isForced ? [] : [holder.release];
  const uuid = `repair-${ctx.idempotencyKey}`;
  const keep = config.releaseId === undefined ? [] : [config.releaseId];
  const { found, removed, failed: kept } = await repairRelease(deps, { at, uuid, running, keep, confirm });
  const outputs = {
    found: found.length,
    removed: removed.length,
    leftOvers: JSON.stringify(found),
    ...(holder === undefined ? {} : { lockedBy: holder.release ?? holder.uuid }),
  };
  if (kept.length === 0) return succeeded(outputs);
  const message = kept.map((each) => `${each.name}: ${each.message}`).join(" ");
  return failed({ code: "LEFT_BEHIND", message, retryable: false, outputs: { ...outputs, dirty: true } });
}
