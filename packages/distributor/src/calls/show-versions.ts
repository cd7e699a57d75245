import type { ArtifactSummary, CoverageRow, DistributorAnswers, DistributorRequest } from "@stackyard/sdk/artifacts";
import type { Cell } from "../cells/cell.ts";
import { findCell, listCells } from "../cells/cells.ts";
import { toCoverageCell } from "../cells/to-coverage-cell.ts";
import { countSilent, findVersion, judgeCoverage, type ListedVersion, listVersions } from "../cells/versions.ts";
import type { DistributorContext } from "../function/distributor-context.ts";
import { type ConsumerRecord, toConsumerView } from "../registry/consumer-record.ts";
import { findConsumer, listExpecting } from "../registry/consumers.ts";
import { inParallel } from "../registry/in-parallel.ts";
import { unknownConsumer, unknownVersion } from "./call-error.ts";
import { takePage } from "./take-page.ts";

type Request<Op extends DistributorRequest["op"]> = Extract<DistributorRequest, { readonly op: Op }>;

const WIDTH = 10;
const ROWS = 20;
const ITEMS = 50;

/** Versions, by name and version. */
export async function listArtifacts(
  context: DistributorContext,
  { name, cursor, limit = ITEMS }: Request<"list">,
): Promise<DistributorAnswers["list"]> {
  const { items, ...next } = takePage(await listVersions(context, name), { cursor, limit });
  const consumers = await listExpecting(context, context.trust);
  const summaries = await inParallel(items, WIDTH, async (version) =>
    toSummary(version, judge(version, consumers, await listCells(context, version))),
  );
  return { items: summaries, ...next };
}

/** One version with its manifest and where it stands. */
export async function showArtifact(
  context: DistributorContext,
  { name, version }: Request<"show">,
): Promise<DistributorAnswers["show"]> {
  const found = await findVersion(context, { name, version });
  const published = found && (await context.loadPublished(name, version));
  if (found === undefined || published === undefined) throw unknownVersion({ name, version });
  const consumers = await listExpecting(context, context.trust);
  const cells = await listCells(context, found);
  const summary = toSummary(found, judge(found, consumers, cells));
  return { ...summary, manifest: published.manifest, cells: cells.map(toCoverageCell) };
}

/** Where versions stand. */
export async function showCoverage(
  context: DistributorContext,
  { name, version, account, region, cursor, limit = ROWS }: Request<"coverage">,
): Promise<DistributorAnswers["coverage"]> {
  const versions = (await listVersions(context, name)).filter(
    (each) => version === undefined || each.version === version,
  );
  const { items, ...next } = takePage(versions, { cursor, limit });
  const consumers = await listExpecting(context, context.trust);
  const isWanted = (cell: Cell) =>
    (account === undefined || cell.account === account) && (region === undefined || cell.region === region);
  const rows = await inParallel(items, WIDTH, async (each) => {
    const cells = await listCells(context, each);
    const silent = countSilent(each, consumers, cells);
    return toRow(each, { covered: judge(each, consumers, cells), silent }, cells.filter(isWanted));
  });
  return { rows, ...next };
}

/** A consumer and all that was announced to it. */
export async function showConsumer(
  context: DistributorContext,
  { account, region }: Request<"consumer">,
): Promise<DistributorAnswers["consumer"]> {
  const place = { account, region };
  const consumer = await findConsumer(context, place);
  if (consumer === undefined) throw unknownConsumer(place);
  const versions = await listVersions(context);
  const cells = await inParallel(versions, WIDTH, ({ name, version }) =>
    findCell(context, { name, version, ...place }),
  );
  const known = cells.flatMap((cell) =>
    cell === undefined ? [] : [{ ...toCoverageCell(cell), name: cell.name, version: cell.version }],
  );
  return { ...toConsumerView(consumer), cells: known };
}

function judge(version: ListedVersion, consumers: readonly ConsumerRecord[], cells: readonly Cell[]): boolean {
  return judgeCoverage(version, consumers, cells).kind === "covered";
}

function toSummary({ record, retired }: ListedVersion, covered: boolean): ArtifactSummary {
  const { name, version, manifestSha256, publishedAt, files, bytes, labels } = record;
  return { name, version, manifestSha256, publishedAt, files, bytes, labels, retired, covered };
}

function toRow(
  { record, retired }: ListedVersion,
  standing: Pick<CoverageRow, "covered" | "silent">,
  cells: readonly Cell[],
): CoverageRow {
  const { name, version, manifestSha256, publishedAt } = record;
  return { name, version, manifestSha256, publishedAt, ...standing, retired, cells: cells.map(toCoverageCell) };
}
