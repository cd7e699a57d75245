import { type Clock, defined, keepEnd, type Records } from "@stackyard/core";
import { addTallies, createPages, type Pages } from "@stackyard/core/rollout";
import { toCounts, toRow } from "./count-instances.ts";
import type { FleetRun, RunState } from "./fleet-run.ts";
import { type FleetInstanceReport, type FleetReportPage, toPageKey } from "./report-page.ts";

/**
 * The records of one run: its state, and its report in pages. One for each step of the executor. Loads all pages if SSM
 * finds the instances, because it may report any of them again.
 */
export type RunStore = Pages<FleetInstanceReport, RunState>;

/** The dependencies of a store. */
interface RunStoreInput {
  readonly records: Records;
  readonly clock: Clock;
  readonly runId: string;
  /** The source of the first page. */
  readonly source: string;
}

const DAY_MS = 86_400_000;
/** A failed run can be tried again for so long. */
const RETRY_MS = 30 * DAY_MS;
/** A run that is tried again on the last day must find its pages until it ends. */
const KEEP_MS = RETRY_MS + 10 * DAY_MS;

/** Creates the store of a run's records. */
export function createRunStore({ records, clock, runId, source }: RunStoreInput): RunStore {
  const pages = createPages<FleetInstanceReport, RunState>({
    records,
    clock,
    key: { state: `run-state/${runId}`, page: (number) => toPageKey(runId, number) },
    keepMs: KEEP_MS,
    toRow,
    page: {
      // Only this store writes these records.
      read: (value) => (value as FleetReportPage).instances,
      fit: (instances, head): FleetReportPage => ({
        runId,
        instances: fitPage(instances),
        ...(head && { source, ...head }),
      }),
      toHead: toSummary,
    },
  });
  async function load(): Promise<FleetRun | undefined> {
    const run = await pages.load();
    return run?.state.way === "targets" ? pages.loadAll(run) : run;
  }
  return { ...pages, load };
}

/** Returns the first page's summary of the whole run. */
function toSummary({ tallies, artifact, startedAt, endedAt }: RunState): Partial<FleetReportPage> {
  const { bucket, key, versionId } = artifact ?? {};
  const isNamed = bucket !== undefined && key !== undefined;
  return {
    counts: toCounts(addTallies(tallies.flat())),
    ...(isNamed ? { artifact: { bucket, key, ...(versionId && { versionId }) } } : {}),
    startedAt,
    ...defined({ endedAt }),
  };
}

/** The maximum size of the instances' part of a page; the record as a whole stays below 200 KiB. */
export const MAX_PAGE_BYTES = 190 * 1024;

/** Lengths to cut each text to, tried in this order; SSM returns 24,000 characters of one and 8,000 of the other. */
const TAILS: readonly number[] = [24_000, 8_000, 4_000, 2_000, 1_000, 400, 0];

/** Cuts the texts of a page's instances until they fit: all to the same length, keeping their ends. */
export function fitPage(instances: readonly FleetInstanceReport[]): readonly FleetInstanceReport[] {
  for (const tail of TAILS) {
    const fitted = instances.map((instance) => cutTexts(instance, tail));
    if (Buffer.byteLength(JSON.stringify(fitted)) <= MAX_PAGE_BYTES) return fitted;
  }
  // Only roles and links are left; the links go first, because SSM's console has them too.
  return instances.map((instance) => ({ ...cutTexts(instance, 0), links: {} }));
}

function cutTexts(instance: FleetInstanceReport, tail: number): FleetInstanceReport {
  const { stdoutTail = "", stderrTail = "" } = instance;
  if (stdoutTail.length <= tail && stderrTail.length <= tail) return instance;
  return { ...instance, stdoutTail: keepEnd(stdoutTail, tail), stderrTail: keepEnd(stderrTail, tail), cut: true };
}
