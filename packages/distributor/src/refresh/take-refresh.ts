import { createHash } from "node:crypto";
import { type Clock, type Records, StackyardError } from "@stackyard/core";
import type { RefreshWish } from "./refresh-event.ts";

const HOUR_MS = 60 * 60_000;
/** To one consumer, of one file, in any hour. */
const MAX_REFRESHES = 5;
const MAX_TRIES = 20;

/** May this file be announced again to this consumer? Counts it where it may. Never more than five in an hour. */
export async function takeRefresh(records: Records, clock: Clock, wish: RefreshWish): Promise<boolean> {
  const { account, region } = wish;
  const key = `refreshes/${account}/${region}/${createHash("sha256").update(wish.key).digest("hex")}`;
  let found = await records.get(key, clock.now());
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const now = clock.now();
    const recent = listTimes(found?.value).filter((at) => at > now - HOUR_MS);
    if (recent.length >= MAX_REFRESHES) return false;
    const value = { times: [...recent, now] };
    const put = await records.put({ key, value, expected: found?.version ?? "absent", expiresAt: now + HOUR_MS, now });
    if (put.kind === "written") return true;
    found = put.current;
  }
  throw new StackyardError("RECORD_CONFLICT", "Too many ask for the same file at a time. Try again.");
}

function listTimes(value: unknown): readonly number[] {
  const times: unknown = Object(value).times;
  return Array.isArray(times) ? times.filter((each) => typeof each === "number") : [];
}
