import type { Cell } from "../cells/cell.ts";
import { changeCell, listCells } from "../cells/cells.ts";
import { findCoverage, openCoverage } from "../cells/coverage-record.ts";
import { toPlaceKey } from "../cells/decide-covered.ts";
import { expectedConsumers } from "../cells/expected-consumers.ts";
import { settleVersion } from "../cells/settle-version.ts";
import type { ListedVersion } from "../cells/versions.ts";
import type { DistributorContext, Turn } from "../function/distributor-context.ts";
import { loadReadable } from "../publish/load-readable.ts";
import type { ConsumerRecord } from "../registry/consumer-record.ts";
import { inParallel } from "../registry/in-parallel.ts";
import { decideSweep, type SweepAction } from "./decide-sweep.ts";

/** What the sweep looks at. */
export interface SweepInput {
  readonly versions: readonly ListedVersion[];
  /** Where artifacts are expected. */
  readonly consumers: readonly ConsumerRecord[];
  /** Places, as `toPlaceKey` gives them, where a set is under way: what is missing there is about to be announced. */
  readonly busy: ReadonlySet<string>;
  readonly turn: Turn;
}

/** What the sweep has done and seen. */
export interface SweepReport {
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
export async function runSweep(context: DistributorContext, input: SweepInput): Promise<SweepReport> {
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
