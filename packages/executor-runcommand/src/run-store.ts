import { isDeepStrictEqual } from "node:util";
import { type Clock, defined, mapLimited, type Records } from "@stackyard/core";
import type { FleetRun, RunState } from "./fleet-run.ts";
import { type FleetInstanceReport, type FleetReportPage, toPageKey } from "./report-page.ts";
import { addTallies, toCounts, toTally } from "./tally.ts";

/** The records of one run: its state, and its report in pages. One for each step of the executor. */
export interface RunStore {
  /**
   * Loads the run with the first, the last, and all pages with running instances; all pages if SSM finds the instances.
   */
  load(): Promise<FleetRun | undefined>;
  /** Loads the run's first pages that together have `waiting` waiting instances. */
  loadWaiting(run: FleetRun, waiting: number): Promise<FleetRun>;
  loadAll(run: FleetRun): Promise<FleetRun>;
  /** Pages first, then the state, which is what counts. Throws `RunConflictError`. */
  save(run: FleetRun): Promise<void>;
}

/** The dependencies of a store. */
interface RunStoreInput {
  readonly records: Records;
  readonly clock: Clock;
  readonly runId: string;
  /** Of the first page. */
  readonly source: string;
}

const AT_ONCE = 8;

/** Creates the store of a run's records. */
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

/** Returns the first page's summary of the whole run. */
function toSummary({ tallies, artifact, startedAt, endedAt }: RunState): Partial<FleetReportPage> {
  const { bucket, key, versionId } = artifact ?? {};
  const isNamed = bucket !== undefined && key !== undefined;
  return {
    counts: toCounts(addTallies(tallies)),
    ...(isNamed ? { artifact: { bucket, key, ...(versionId && { versionId }) } } : {}),
    startedAt,
    ...defined({ endedAt }),
  };
}

/**
 * Lists the pages that may change. With targets, SSM may report any instance again; and after a crash during a wave, the
 * recipients may be on pages that do not show a running command yet.
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

/** Of the instances' part of a page; the record as a whole stays below 200 KiB. */
export const MAX_PAGE_BYTES = 190 * 1024;

/** Lengths to cut each text to, tried in this order; SSM returns 24,000 characters of one and 8,000 of the other. */
const TAILS: readonly number[] = [24_000, 8_000, 4_000, 2_000, 1_000, 400, 0];

/** Cuts the texts of a page's instances until they fit: all to the same length, keeping their ends. */
export function fitPage(instances: readonly FleetInstanceReport[]): readonly FleetInstanceReport[] {
  for (const tail of TAILS) {
    const fitted = instances.map((instance) => cutTexts(instance, tail));
    if (byteLengthOf(fitted) <= MAX_PAGE_BYTES) return fitted;
  }
  // Only roles and links are left; the links go first, because SSM's console has them too.
  return instances.map((instance) => ({ ...cutTexts(instance, 0), links: {} }));
}

function cutTexts(instance: FleetInstanceReport, tail: number): FleetInstanceReport {
  const { stdoutTail = "", stderrTail = "" } = instance;
  if (stdoutTail.length <= tail && stderrTail.length <= tail) return instance;
  return { ...instance, stdoutTail: toTail(stdoutTail, tail), stderrTail: toTail(stderrTail, tail), cut: true };
}

/** Returns the end of a text, without splitting a character. */
function toTail(text: string, length: number): string {
  if (text.length <= length) return text;
  const start = text.length - length;
  return text.slice(isLowSurrogate(text.charCodeAt(start)) ? start + 1 : start);
}

function isLowSurrogate(code: number): boolean {
  return code >= 0xdc00 && code <= 0xdfff;
}

function byteLengthOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}

/** Another worker has written the record meanwhile: load everything again. */
export class RunConflictError extends Error {
  constructor(key: string) {
    super(`The record "${key}" was written by another worker.`);
    this.name = "RunConflictError";
  }
}

/** Records that one worker reads and writes, which notices when another one does. */
interface VersionedRecords {
  get(key: string): Promise<unknown>;
  /** Replaces the version that was read last, or the stored one if none was read. Throws `RunConflictError`. */
  put(key: string, value: unknown): Promise<void>;
}

const DAY_MS = 86_400_000;
/** A failed run can be tried again for so long. */
const RETRY_MS = 30 * DAY_MS;
/** A run that is tried again on the last day must find its pages until it ends. */
const KEEP_MS = RETRY_MS + 10 * DAY_MS;

/** Records that remember the versions that were read. */
function createVersionedRecords(records: Records, clock: Clock): VersionedRecords {
  const versions = new Map<string, number | "absent">();

  async function get(key: string): Promise<unknown> {
    const record = await records.get(key, clock.now());
    versions.set(key, record?.version ?? "absent");
    return record?.value;
  }

  return {
    get,
    async put(key, value) {
      if (!versions.has(key)) await get(key);
      const now = clock.now();
      const expected = versions.get(key) ?? "absent";
      const result = await records.put({ key, value, expected, now, expiresAt: now + KEEP_MS });
      if (result.kind === "conflict") throw new RunConflictError(key);
      versions.set(key, result.record.version);
    },
  };
}
