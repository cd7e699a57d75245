import type { CellStatus } from "@stackyard/sdk/artifacts";
import {
  type Cell,
  changeCell,
  decideSweep,
  findMissing,
  listCells,
  type SweepAction,
  statusOf,
  toPlaceKey,
} from "./cell.ts";
import { type ConsumerRecord, listExpecting, noteTrust } from "./consumers.ts";
import type { DistributorContext, Turn } from "./context.ts";
import { expectedConsumers, settleVersion } from "./coverage.ts";
import { findDueSets, isLive, parseSetRecord, SETS_PREFIX, type SetRecord } from "./initial-set/set-rules.ts";
import { startSet } from "./initial-set/set-step.ts";
import { eachApart, inParallel, listRecords } from "./records.ts";
import { runRetention } from "./retention.ts";
import { loadReadable } from "./source-bucket.ts";
import { findCoverage, type ListedVersion, listVersions, openCoverage } from "./versions.ts";

/** What one call of the schedule has done. */
interface ScheduleReport {
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
type ResumeWork = (turn: Turn) => Promise<void>;

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

/** What the sweep looks at. */
interface SweepInput {
  readonly versions: readonly ListedVersion[];
  /** Where artifacts are expected. */
  readonly consumers: readonly ConsumerRecord[];
  /** Places, as `toPlaceKey` gives them, where a set is under way: what is missing there is about to be announced. */
  readonly busy: ReadonlySet<string>;
  readonly turn: Turn;
}

/** What the sweep has done and seen. */
interface SweepReport {
  readonly announced: number;
  readonly alarmed: number;
  readonly covered: number;
  /** Cells of versions that do not stand everywhere yet. */
  readonly cells: readonly Cell[];
  /** Of versions that could not be looked at to the end, which keeps no others. */
  readonly errors: readonly unknown[];
}

const WIDTH = 10;
/** What announcing one cell may take. */
const MARGIN_MS = 120_000;

/** Looks at every version that does not stand everywhere: adds cells that a crash left out, announces what is overdue, tells what is covered. */
async function runSweep(context: DistributorContext, input: SweepInput): Promise<SweepReport> {
  const report = { announced: 0, alarmed: 0, covered: 0, cells: [] as Cell[], errors: [] as unknown[] };
  for (const each of input.versions) {
    if (each.retired || context.clock.now() + MARGIN_MS > input.turn.deadlineAt) continue;
    try {
      const { cells, covered, announced, alarmed } = await lookAt(context, each, input);
      report.cells.push(...cells);
      report.covered += covered;
      report.announced += announced;
      report.alarmed += alarmed;
    } catch (error) {
      const { name, version } = each;
      context.logger.error("a version could not be looked at to the end", { name, version, error });
      report.errors.push(error);
    }
  }
  return report;
}

async function lookAt(context: DistributorContext, version: ListedVersion, input: SweepInput) {
  const nothing = { cells: [], covered: 0, announced: 0, alarmed: 0 };
  if ((await findCoverage(context, version)).settledAt !== null) return nothing;
  if (await settleVersion(context, version, input.consumers)) return { ...nothing, covered: 1 };
  return { ...nothing, ...(await sweepVersion(context, version, input)) };
}

async function sweepVersion(context: DistributorContext, version: ListedVersion, input: SweepInput) {
  const cells = await addMissing(context, version, input.consumers);
  const canAnswer = new Set(
    input.consumers
      .filter(({ generation }) => generation === "v2")
      .map(toPlaceKey)
      .filter((key) => !input.busy.has(key)),
  );
  const options = toOptions(context);
  const actions = decideSweep(
    cells.filter((cell) => canAnswer.has(toPlaceKey(cell))),
    context.clock.now(),
    options,
  );
  let [announced, alarmed] = [0, 0];
  for (const action of actions) {
    if (context.clock.now() + MARGIN_MS > input.turn.deadlineAt) break;
    if (action.kind === "alarm") alarmed += await alarm(context, version, action.cell);
    else announced += await announceAgain(context, version, action);
  }
  return { cells, announced, alarmed };
}

/** Who should have it and has no cell: the process that published it may have died while it made them. */
async function addMissing(
  context: DistributorContext,
  version: ListedVersion,
  consumers: readonly ConsumerRecord[],
): Promise<readonly Cell[]> {
  const cells = await listCells(context, version);
  const expected = expectedConsumers({ version, isCurrent: version.isCurrent, consumers, cells });
  const places = new Set(expected.map(toPlaceKey));
  const known = new Set(cells.map(toPlaceKey));
  const missing = expected.filter((place) => !known.has(toPlaceKey(place)));
  const added = await inParallel(missing, WIDTH, (place) => changeCell(context, toSubject(version), place, touch));
  if (missing.length > 0) await openCoverage(context, version);
  return [...cells.filter((cell) => places.has(toPlaceKey(cell))), ...added];
}

/** A cell is made, and nothing else. */
const touch = () => [];

async function announceAgain(
  context: DistributorContext,
  version: ListedVersion,
  { cell, files }: SweepAction & { kind: "announce" },
): Promise<number> {
  const published = await loadReadable(context, version);
  if (published === undefined) {
    const { name, version: id } = version;
    context.logger.error("a version cannot be announced again: its manifest is not there any more", {
      name,
      version: id,
    });
    return 0;
  }
  const at = context.clock.now();
  let isOurs = false;
  // Noted before it is sent, so that two sweeps at once do not both send.
  await changeCell(context, toSubject(version), cell, (known) => {
    isOurs = decideSweep([known], at, toOptions(context)).some(({ kind }) => kind === "announce");
    return isOurs
      ? [
          { kind: "overdue", at },
          { kind: "announced", at, scope: "missing" },
        ]
      : [];
  });
  if (!isOurs) return 0;
  const keys = files.flatMap((file) => published.manifest.files[file]?.key ?? []);
  return context.announcer.announce(published, { account: cell.account, region: cell.region }, keys);
}

async function alarm(context: DistributorContext, version: ListedVersion, cell: Cell): Promise<number> {
  const { name, account, region, files } = cell;
  const at = context.clock.now();
  let isOurs = false;
  await changeCell(context, toSubject(version), cell, (known) => {
    isOurs = decideSweep([known], at, toOptions(context)).some(({ kind }) => kind === "alarm");
    return isOurs ? [{ kind: "alarmed", at }] : [];
  });
  if (!isOurs) return 0;
  const missing = files.split("-").length - 1;
  context.logger.error("a consumer has not got a version although it was announced again and again", {
    code: "ARTIFACT_OVERDUE",
    name,
    version: cell.version,
    account,
    region,
    missing,
  });
  return 1;
}

function toSubject({ name, version, record }: ListedVersion) {
  return { name, version, manifestSha256: record.manifestSha256, files: record.files };
}

function toOptions({ config: { overdueSeconds } }: DistributorContext) {
  return overdueSeconds === undefined ? {} : { overdueMs: overdueSeconds * 1_000 };
}

/** What the schedule has seen. */
interface SweepFigures {
  readonly cells: readonly Cell[];
  /** Epoch milliseconds. */
  readonly now: number;
}

const NAMESPACE = "Stackyard/Artifacts";
const STATUSES: readonly CellStatus[] = ["expected", "announced", "failed", "rejected", "overdue"];

/**
 * Metrics in CloudWatch's embedded metric format, a line for each: of every cell that is not full how many files are missing, by artifact and
 * consumer (versions stand beside, they would make a new metric each), and how many cells are in which status. Always all statuses, so
 * that an alarm sees when it is over. Source: CloudWatch user guide, "Embedded metric format specification".
 */
export function toMetricLines({ cells, now }: SweepFigures): readonly string[] {
  const open = cells.filter((cell) => cell.files.includes("-"));
  const lines = open.map((cell) => {
    const { name, version, account, region } = cell;
    const values = { MissingFiles: findMissing(cell).length };
    const facts = { Artifact: name, Consumer: `${account}/${region}`, version, status: statusOf(cell) };
    return toLine({ now, values, facts, dimensions: [["Artifact", "Consumer"]] });
  });
  const statuses = open.map(statusOf);
  const counts = STATUSES.map((status) => {
    const values = { Cells: statuses.filter((each) => each === status).length };
    return toLine({ now, values, facts: { Status: status }, dimensions: [["Status"]] });
  });
  const values = { AlarmedCells: open.filter(({ alarmedAt }) => alarmedAt !== null).length };
  return [...lines, ...counts, toLine({ now, values, facts: {}, dimensions: [[]] })];
}

/** How many events were dropped, and why: one now. */
export function toDropLine(code: string, now: number): string {
  return toLine({ now, values: { DroppedEvents: 1 }, facts: { Code: code }, dimensions: [["Code"]] });
}

interface LineInput {
  readonly now: number;
  readonly values: Readonly<Record<string, number>>;
  readonly facts: Readonly<Record<string, string>>;
  readonly dimensions: readonly (readonly string[])[];
}

function toLine({ now, values, facts, dimensions }: LineInput): string {
  const Metrics = Object.keys(values).map((Name) => ({ Name, Unit: "Count" }));
  const _aws = { Timestamp: now, CloudWatchMetrics: [{ Namespace: NAMESPACE, Dimensions: dimensions, Metrics }] };
  return `${JSON.stringify({ _aws, ...facts, ...values })}\n`;
}
