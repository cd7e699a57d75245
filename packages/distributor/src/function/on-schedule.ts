import { toPlaceKey } from "../cells/decide-covered.ts";
import { listVersions } from "../cells/versions.ts";
import { findDueSets } from "../initial-set/find-due-sets.ts";
import { isLive, parseSetRecord, SETS_PREFIX, type SetRecord } from "../initial-set/set-record.ts";
import { startSet } from "../initial-set/start-set.ts";
import type { ConsumerRecord } from "../registry/consumer-record.ts";
import { listExpecting, noteTrust } from "../registry/consumers.ts";
import { eachApart } from "../registry/each-apart.ts";
import { listRecords } from "../registry/list-records.ts";
import { runRetention } from "../retention/run-retention.ts";
import { runSweep } from "../sweep/run-sweep.ts";
import { toMetricLines } from "../sweep/to-metric-lines.ts";
import type { DistributorContext, Turn } from "./distributor-context.ts";

/** What one call of the schedule has done. */
export interface ScheduleReport {
  /** Messages sent again because a consumer had not answered. */
  readonly announced: number;
  readonly alarmed: number;
  /** Versions that were found to stand everywhere. */
  readonly covered: number;
  /** Initial sets begun. */
  readonly sets: number;
  /** Versions removed from the source. */
  readonly removed: number;
}

/** What a process that has died left to do, beside cells: announcements and uploads. */
export type ResumeWork = (turn: Turn) => Promise<void>;

/**
 * Every five minutes: finishes announcements that a crash left open, begins sets of new consumers, announces again what is overdue, tells
 * what is covered, removes what need not be kept, writes metrics. One part that fails does not keep the others; the first error is
 * thrown at the end.
 */
export async function onSchedule(context: DistributorContext, resume: ResumeWork, turn: Turn): Promise<ScheduleReport> {
  const errors: unknown[] = [];
  async function attempt<Result>(otherwise: Result, work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      context.logger.error("a part of the schedule's work has failed", { error });
      errors.push(error);
      return otherwise;
    }
  }

  await attempt(undefined, () => resume(turn));
  await attempt(undefined, () => noteTrust(context, context.trust));
  const consumers = await listExpecting(context, context.trust);
  const sets = await listRecords(context, SETS_PREFIX, parseSetRecord);
  const started = await attempt(0, () => startDueSets(context, consumers, sets));
  const versions = await listVersions(context);
  const busy = new Set(sets.filter((set) => isLive(set, context.clock.now())).map(toPlaceKey));
  const none = { announced: 0, alarmed: 0, covered: 0, cells: [], errors: [] };
  const swept = await attempt(none, () => runSweep(context, { versions, consumers, busy, turn }));
  errors.push(...swept.errors);
  const removed = await attempt(0, () => runRetention(context, { versions, consumers, turn }));
  for (const line of toMetricLines({ cells: swept.cells, now: context.clock.now() })) context.write(line);
  if (errors.length > 0) throw errors[0];
  const { announced, alarmed, covered } = swept;
  return { announced, alarmed, covered, sets: started, removed };
}

async function startDueSets(
  context: DistributorContext,
  consumers: readonly ConsumerRecord[],
  sets: readonly SetRecord[],
): Promise<number> {
  if (context.config.machineArn === undefined) return 0;
  const due = findDueSets(consumers, sets, context.clock.now());
  await eachApart(due, (each) => startSet(context, each));
  return due.length;
}
