import { isDeepStrictEqual } from "node:util";
import type { Clock, Records } from "@stackyard/core";
import { fitPage } from "./fit-page.ts";
import { type FleetInstanceReport, type FleetReportPage, toPageKey } from "./fleet-report.ts";
import type { FleetRun, RunState } from "./fleet-run.ts";
import { mapLimited } from "./map-limited.ts";
import { addTallies, toCounts, toTally } from "./tally.ts";
import { createVersionedRecords } from "./versioned-records.ts";

/** The records of one run: its state, and its report in pages. One for each step of the executor. */
export interface RunStore {
  /** With the pages on which something runs, the first and the last; all of them where SSM finds the instances. */
  load(): Promise<FleetRun | undefined>;
  /** The run with the first pages that together have so many waiting instances. */
  loadWaiting(run: FleetRun, waiting: number): Promise<FleetRun>;
  loadAll(run: FleetRun): Promise<FleetRun>;
  /** Pages first, then the state, which is what counts. Throws `RunConflictError`. */
  save(run: FleetRun): Promise<void>;
}

/** What a store works with. */
export interface RunStoreInput {
  readonly records: Records;
  readonly clock: Clock;
  readonly runId: string;
  /** Of the first page. */
  readonly source: string;
}

const AT_ONCE = 8;

/** A run's records. */
export function createRunStore({ records, clock, runId, source }: RunStoreInput): RunStore {
  const documents = createVersionedRecords(records, clock);
  const stateKey = `run-state/${runId}`;
  const saved = new Map<number, readonly FleetInstanceReport[]>();
  let savedState: RunState | undefined;

  async function loadPages(run: FleetRun, numbers: readonly number[]): Promise<FleetRun> {
    const pages = new Map(run.pages);
    const tallies = [...run.state.tallies];
    const missing = numbers.filter((number) => !run.pages.has(number));
    await mapLimited(missing, AT_ONCE, async (number) => {
      // Only this store writes pages.
      const page = (await documents.get(toPageKey(runId, number))) as FleetReportPage | undefined;
      const instances = page?.instances ?? [];
      pages.set(number, instances);
      saved.set(number, instances);
      // A page may have been written when its run was not.
      tallies[number] = toTally(instances);
    });
    return { state: { ...run.state, tallies }, pages };
  }

  async function savePage(state: RunState, number: number, instances: readonly FleetInstanceReport[]): Promise<void> {
    const page = { runId, instances: fitPage(instances), ...(number === 0 ? { source, ...toSummary(state) } : {}) };
    await documents.put(toPageKey(runId, number), page);
    saved.set(number, instances);
  }

  return {
    async load() {
      // So is the state.
      savedState = (await documents.get(stateKey)) as RunState | undefined;
      if (savedState === undefined) return undefined;
      return loadPages({ state: savedState, pages: new Map() }, listOpenPages(savedState));
    },
    loadWaiting: (run, waiting) => loadPages(run, listWaitingPages(run.state, waiting)),
    loadAll: (run) => loadPages(run, [...run.state.tallies.keys()]),
    async save({ state, pages }) {
      const isSummaryStale = !isDeepStrictEqual(savedState && toSummary(savedState), toSummary(state));
      const stale = [...pages].filter(
        ([number, instances]) => saved.get(number) !== instances || (number === 0 && isSummaryStale),
      );
      await mapLimited(stale, AT_ONCE, ([number, instances]) => savePage(state, number, instances));
      // A run that is planned anew may be shorter.
      const before = [...(savedState?.tallies.keys() ?? [])];
      await mapLimited(before.slice(Math.max(1, state.tallies.length)), AT_ONCE, (number) =>
        savePage(state, number, []),
      );
      if (state !== savedState) await documents.put(stateKey, state);
      savedState = state;
    },
  };
}

/** What the first page says of the whole run. */
function toSummary({ tallies, artifact, startedAt, endedAt }: RunState): Partial<FleetReportPage> {
  const { bucket, key, versionId } = artifact ?? {};
  const isNamed = bucket !== undefined && key !== undefined;
  return {
    counts: toCounts(addTallies(tallies)),
    ...(isNamed ? { artifact: { bucket, key, ...(versionId && { versionId }) } } : {}),
    startedAt,
    ...(endedAt === undefined ? {} : { endedAt }),
  };
}

/**
 * Where something may happen. SSM may find anyone again where it finds the instances; and after a crash over a wave, whoever
 * was being sent to is on pages of which nobody knows yet that something runs.
 */
function listOpenPages({ tallies, way, sending }: RunState): readonly number[] {
  if (sending.length > 0) return [...tallies.keys()];
  const last = Math.max(0, tallies.length - 1);
  const open = tallies.flatMap(({ running }, number) => (running > 0 || way === "targets" ? [number] : []));
  return [...new Set([0, ...open, last])];
}

function listWaitingPages({ tallies }: RunState, waiting: number): readonly number[] {
  const numbers: number[] = [];
  let left = waiting;
  for (const [number, tally] of tallies.entries()) {
    if (left > 0 && tally.waiting > 0) numbers.push(number);
    left -= tally.waiting;
  }
  return numbers;
}
