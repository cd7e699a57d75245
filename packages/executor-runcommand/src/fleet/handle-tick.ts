import type { Fleet } from "./fleet-deps.ts";
import { toFleetFailure } from "./fleet-error.ts";
import { settleWatch, type WatchOutcome } from "./settle-watch.ts";
import { type KeptWatch, listWatches } from "./watch-records.ts";

/** What a tick has found. */
export type TickReport = { readonly kind: "tick" } & Readonly<Record<WatchOutcome | "failed", number>>;

/** Looked at side by side. */
const PAGE = 16;

/**
 * Looks after every run that something hangs on; a schedule calls it each minute, and what can wait is left for later. What fails is tried again by the next one.
 * Begins nothing new once the signal is aborted. Throws what listing throws.
 */
export async function handleTick(fleet: Fleet, signal: AbortSignal): Promise<TickReport> {
  const report = { kind: "tick" as const, started: 0, waiting: 0, settled: 0, failed: 0 };
  let cursor: string | undefined;
  do {
    const page = await listWatches(fleet, { limit: PAGE, ...(cursor === undefined ? {} : { cursor }) });
    for (const outcome of await Promise.all(page.watches.map((each) => attempt(fleet, each)))) report[outcome] += 1;
    cursor = page.cursor;
  } while (cursor !== undefined && !signal.aborted);
  return report;
}

async function attempt(fleet: Fleet, kept: KeptWatch): Promise<WatchOutcome | "failed"> {
  const { lookAt } = kept.watch;
  if (lookAt !== undefined && fleet.clock.now() < lookAt) return "waiting";
  try {
    return await settleWatch(fleet, kept);
  } catch (error) {
    const { code, message } = toFleetFailure(error);
    const { runId } = kept.watch.intent;
    fleet.logger.error("A run could not be looked after; the next tick tries again.", { runId, code, message });
    return "failed";
  }
}
