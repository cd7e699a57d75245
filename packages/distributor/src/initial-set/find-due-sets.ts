import { toPlaceKey } from "../cells/decide-covered.ts";
import type { ConsumerRecord } from "../registry/consumer-record.ts";
import { findWholeAt, hasEnded, isLive, type SetRecord } from "./set-record.ts";

/** A consumer whose set nobody has begun, or that has to be begun again. */
export interface DueSet {
  readonly account: string;
  readonly region: string;
  /**
   * The same for the same reason within an hour: two sweeps start one execution, and one that has failed before it noted anything, whose name
   * is used up for 90 days (Step Functions API reference, "StartExecution"), keeps nobody from the next.
   */
  readonly executionName: string;
}

/** A consumer's own trigger is a little earlier than the word of its registration. */
const TRIGGER_LEAD_MS = 10 * 60_000;
const HOUR_MS = 60 * 60_000;
const MAX_RETRY_FACTOR = 24;
/** Step Functions API reference, "StartExecution". */
const MAX_NAME = 80;

/** Which consumers' sets are to be begun by the schedule. What has failed is tried again after 1, 2, 4 … 24 hours. */
export function findDueSets(
  consumers: readonly ConsumerRecord[],
  sets: readonly SetRecord[],
  now: number,
): readonly DueSet[] {
  const byPlace = new Map(sets.map((set) => [toPlaceKey(set), set]));
  return consumers.flatMap((consumer) => {
    const { account, region } = consumer;
    const reason = findReason(consumer, byPlace.get(toPlaceKey(consumer)), now);
    if (reason === undefined) return [];
    const hours = Math.floor((now - Math.max(...reason)) / HOUR_MS);
    const marks = [...reason, ...(hours > 0 ? [hours] : [])].map((each) => each.toString(36));
    return [{ account, region, executionName: `${account}-${region}-auto-${marks.join("-")}`.slice(-MAX_NAME) }];
  });
}

/** The instants that tell it from others. */
function findReason({ joinedAt }: ConsumerRecord, set: SetRecord | undefined, now: number): number[] | undefined {
  if (set === undefined) return [joinedAt];
  if (isLive(set, now)) return undefined;
  if (!hasEnded(set)) return [joinedAt, set.aliveAt];
  const beganAt = set.phase === "failed" ? set.startedAt : findWholeAt(set);
  const isOld = beganAt === null || beganAt < joinedAt - TRIGGER_LEAD_MS;
  const retryMs = HOUR_MS * Math.min(MAX_RETRY_FACTOR, 2 ** Math.max(0, set.failures - 1));
  const isToRetry = set.phase === "failed" && now >= (set.endedAt ?? 0) + retryMs;
  return isOld || isToRetry ? [joinedAt, set.endedAt ?? 0] : undefined;
}
