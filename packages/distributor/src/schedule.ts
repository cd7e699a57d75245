import { defined, mapLimited } from "@stackyard/core";
import { type Cell, toPlaceKey, toSubject } from "./cell.ts";
import { changeCell, listCells } from "./cell-records.ts";
import { compareTrust } from "./compare-trust.ts";
import { type ConsumerRecord, listExpecting, requireExpecting } from "./consumers.ts";
import type { DistributorContext, Turn } from "./context.ts";
import { expectedConsumers, settleVersion } from "./coverage.ts";
import { decideSweep, type SweepAction } from "./decide-sweep.ts";
import { findDueSets, initialSets, isLive, type SetRecord } from "./initial-set/set-rules.ts";
import { startSet } from "./initial-set/set-step.ts";
import { publishUnseen } from "./inventory.ts";
import { toMetricLines } from "./metrics.ts";
import { loadReadable } from "./published-versions.ts";
import { eachApart } from "./records.ts";
import type { CellEvent } from "./reduce-cell.ts";
import { endWithdrawn, type RefusalRecord } from "./refusals.ts";
import { runRetention } from "./retention.ts";
import { findCoverage, type ListedVersion, listVersions, openCoverage } from "./versions.ts";

/** The result of a scheduled run. */
interface ScheduleReport extends Pick<SweepReport, "announced" | "alarmed" | "covered"> {
  /** Started initial sets. */
  readonly sets: number;
  /** Versions removed from the source. */
  readonly removed: number;
}

/** Resumes announcements and uploads after a crash. */
type ResumeWork = (turn: Turn) => Promise<void>;

/**
 * Runs every five minutes: compares whom the distributor trusts, publishes what no event has reported, resumes interrupted announcements, starts sets of new consumers,
 * repeats overdue announcements, reports covered versions, applies retention, and writes metrics. A failing part does not stop the
 * others; the first error is thrown at the end.
 */
export async function onSchedule(context: DistributorContext, resume: ResumeWork, turn: Turn): Promise<ScheduleReport> {
  const errors: unknown[] = [];
  async function attempt<Result>(otherwise: Result, work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      context.logger.error("A part of the scheduled run failed.", { error });
      errors.push(error);
      return otherwise;
    }
  }

  await attempt(undefined, async () => void (await compareTrust(context)));
  await attempt(undefined, () => publishUnseen(context, turn));
  await attempt(undefined, () => resume(turn));
  // The covered files, which may be removed, are not known while a consumer's record cannot be read.
  const whole = await attempt<Consumers | undefined>(undefined, () => requireExpecting(context, context.trust));
  const consumers = whole ?? (await listExpecting(context, context.trust));
  const known = await initialSets.listReadable(context);
  const started = await attempt(0, () => startDueSets(context, consumers, known));
  const versions = await listVersions(context);
  const busy = new Set(known.filter((set) => isLive(set, context.clock.now())).map(toPlaceKey));
  const none = { announced: 0, alarmed: 0, covered: 0, cells: [], errors: [] };
  const swept = whole ? await attempt(none, () => runSweep(context, { versions, consumers: whole, busy, turn })) : none;
  errors.push(...swept.errors);
  const removed = whole ? await attempt(0, () => runRetention(context, { versions, consumers: whole, turn })) : 0;
  const refusals = await attempt<readonly RefusalRecord[]>([], () => endWithdrawn(context));
  const lines = toMetricLines({ cells: swept.cells, refusals, now: context.clock.now() });
  for (const line of lines) context.write(line);
  if (errors.length > 0) throw errors[0];
  const { announced, alarmed, covered } = swept;
  return { announced, alarmed, covered, sets: started, removed };
}

type Consumers = readonly ConsumerRecord[];

async function startDueSets(
  context: DistributorContext,
  consumers: Consumers,
  sets: readonly SetRecord[],
): Promise<number> {
  if (context.config.machineArn === undefined) return 0;
  const due = findDueSets(consumers, sets, context.clock.now());
  await eachApart(due, (each) => startSet(context, each));
  return due.length;
}

/** Input of the sweep. */
interface SweepInput {
  readonly versions: readonly ListedVersion[];
  /** Consumers at which artifacts are expected. */
  readonly consumers: readonly ConsumerRecord[];
  /** Keys of consumers with a running set, which is about to announce missing files. */
  readonly busy: ReadonlySet<string>;
  readonly turn: Turn;
}

/** The result of the sweep. */
interface SweepReport {
  /** Messages repeated because a consumer sent no receipt. */
  readonly announced: number;
  readonly alarmed: number;
  /** Versions found to be covered. */
  readonly covered: number;
  /** Cells of versions that are not covered yet. */
  readonly cells: readonly Cell[];
  /** Errors of single versions. The other versions are processed. */
  readonly errors: readonly unknown[];
}

const WIDTH = 10;
/** Reserved for the announcement of one cell. */
const MARGIN_MS = 120_000;

/** Checks all versions that are not covered: adds missing cells, repeats overdue announcements, and reports covered versions. */
async function runSweep(context: DistributorContext, input: SweepInput): Promise<SweepReport> {
  const report = { announced: 0, alarmed: 0, covered: 0, cells: [] as Cell[], errors: [] as unknown[] };
  for (const each of input.versions) {
    if (each.retired || context.clock.now() + MARGIN_MS > input.turn.deadlineAt) continue;
    try {
      const { cells, covered, announced, alarmed } = await sweepOne(context, each, input);
      report.cells.push(...cells);
      report.covered += covered;
      report.announced += announced;
      report.alarmed += alarmed;
    } catch (error) {
      const { name, version } = each;
      context.logger.error("The sweep of a version failed.", { name, version, error });
      report.errors.push(error);
    }
  }
  return report;
}

async function sweepOne(context: DistributorContext, version: ListedVersion, input: SweepInput) {
  const nothing = { cells: [], covered: 0, announced: 0, alarmed: 0 };
  if ((await findCoverage(context, version)).settledAt !== null) return nothing;
  if (await settleVersion(context, version, input.consumers)) return { ...nothing, covered: 1 };
  return { ...nothing, ...(await sweepVersion(context, version, input)) };
}

async function sweepVersion(context: DistributorContext, version: ListedVersion, input: SweepInput) {
  const cells = await addMissing(context, version, input.consumers);
  const idle = input.consumers.filter((consumer) => !input.busy.has(toPlaceKey(consumer)));
  const canAnswer = new Set(idle.filter(({ generation }) => generation === "v2").map(toPlaceKey));
  const able = cells.filter((cell) => canAnswer.has(toPlaceKey(cell)));
  const actions = decideSweep(able, context.clock.now(), toOptions(context));
  let [announced, alarmed] = [0, 0];
  for (const action of actions) {
    if (context.clock.now() + MARGIN_MS > input.turn.deadlineAt) break;
    if (action.kind === "alarm") alarmed += await alarm(context, version, action.cell);
    else announced += await announceAgain(context, version, action);
  }
  return { cells, announced, alarmed };
}

/** Adds cells of expected consumers that a crashed publication left out. */
async function addMissing(
  context: DistributorContext,
  version: ListedVersion,
  consumers: readonly ConsumerRecord[],
): Promise<readonly Cell[]> {
  const cells = await listCells(context, version, consumers);
  const expected = expectedConsumers(version, consumers, cells);
  const places = new Set(expected.map(toPlaceKey));
  const known = new Set(cells.map(toPlaceKey));
  const missing = expected.filter((place) => !known.has(toPlaceKey(place)));
  const added = await mapLimited(missing, WIDTH, (place) => changeCell(context, toSubject(version), place, noEvents));
  if (missing.length > 0) await openCoverage(context, version);
  return [...cells.filter((cell) => places.has(toPlaceKey(cell))), ...added];
}

/** Creates a cell without events. */
const noEvents = () => [];

async function announceAgain(
  context: DistributorContext,
  version: ListedVersion,
  { cell, files }: SweepAction & { kind: "announce" },
): Promise<number> {
  const published = await loadReadable(context, version);
  if (published === undefined) {
    const fields = { name: version.name, version: version.version };
    context.logger.error("A version cannot be announced again: its manifest is missing.", fields);
    return 0;
  }
  const at = context.clock.now();
  const overdue = { kind: "overdue", at } as const;
  const announced = { kind: "announced", at, scope: "missing" } as const;
  if (!(await noteAction(context, version, { kind: "announce", cell }, [overdue, announced]))) return 0;
  const keys = files.flatMap((file) => published.manifest.files[file]?.key ?? []);
  return context.announcer.announce(published, cell, keys);
}

/** Records an action before it is carried out. Returns false when a concurrent sweep has recorded it. */
async function noteAction(
  context: DistributorContext,
  version: ListedVersion,
  { kind, cell }: Pick<SweepAction, "kind" | "cell">,
  events: readonly CellEvent[],
): Promise<boolean> {
  const at = context.clock.now();
  let isOurs = false;
  await changeCell(context, toSubject(version), cell, (known) => {
    isOurs = decideSweep([known], at, toOptions(context)).some((action) => action.kind === kind);
    return isOurs ? events : [];
  });
  return isOurs;
}

async function alarm(context: DistributorContext, version: ListedVersion, cell: Cell): Promise<number> {
  const { name, account, region, files } = cell;
  const alarmed = { kind: "alarmed", at: context.clock.now() } as const;
  if (!(await noteAction(context, version, { kind: "alarm", cell }, [alarmed]))) return 0;
  const missing = files.split("-").length - 1;
  const fields = { code: "ARTIFACT_OVERDUE", name, version: cell.version, account, region, missing };
  context.logger.error("A consumer did not store a version after repeated announcements.", fields);
  return 1;
}

function toOptions({ config: { overdueSeconds } }: DistributorContext) {
  return defined({ overdueMs: overdueSeconds === undefined ? undefined : overdueSeconds * 1_000 });
}
