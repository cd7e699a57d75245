import { toPlaceKey } from "../cells/decide-covered.ts";
import type { ConsumerRecord } from "../registry/consumer-record.ts";
import { hasEnded, isLive, type SetRecord } from "./set-record.ts";

/** A consumer whose set nobody has begun, or that has to be begun again. */
export interface DueSet {
  readonly account: string;
  readonly region: string;
  /** The same for the same reason: two sweeps start one execution. */
  readonly executionName: string;
}

/** A consumer's own trigger is a little earlier than the word of its registration. */
const TRIGGER_LEAD_MS = 10 * 60_000;
const RETRY_MS = 60 * 60_000;
const MAX_RETRY_FACTOR = 24;

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
    return reason === undefined ? [] : [{ account, region, executionName: `${account}-${region}-auto-${reason}` }];
  });
}

function findReason({ joinedAt }: ConsumerRecord, set: SetRecord | undefined, now: number): string | undefined {
  if (set === undefined) return joinedAt.toString(36);
  if (isLive(set, now)) return undefined;
  if (!hasEnded(set)) return `${joinedAt.toString(36)}-${set.aliveAt.toString(36)}`;
  const isOld = set.startedAt < joinedAt - TRIGGER_LEAD_MS;
  const retryMs = RETRY_MS * Math.min(MAX_RETRY_FACTOR, 2 ** Math.max(0, set.failures - 1));
  const isToRetry = set.phase === "failed" && now >= (set.endedAt ?? 0) + retryMs;
  return isOld || isToRetry ? `${joinedAt.toString(36)}-${(set.endedAt ?? 0).toString(36)}` : undefined;
}
