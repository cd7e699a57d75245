import type { ConsumerPlace } from "@stackyard/sdk/artifacts";
import { Cell, type CellSubject, createCell } from "./cell.ts";
import { listRecords } from "./list-records.ts";
import { changeParsed, createParser, type RecordDeps } from "./records.ts";
import { type CellEvent, reduceCell } from "./reduce-cell.ts";
import type { VersionId } from "./versions.ts";

/** Parses a record. Returns undefined for an invalid one. */
export const parseCell = createParser(Cell);

/** Returns the prefix of all cells of a version. Cells of longer names can share it. */
function toCellsPrefix({ name, version }: VersionId): string {
  return `cell/${name}/${version}/`;
}

/** Returns the record key of a cell. */
function toCellKey({ name, version, account, region }: ConsumerPlace & VersionId): string {
  return `${toCellsPrefix({ name, version })}${account}/${region}`;
}

/** Decides the events of a cell from its state. An empty list changes nothing. */
type DecideCellEvents = (cell: Cell) => readonly CellEvent[];

/** Changes a cell, or creates it. Concurrent changes are both applied. Returns the current cell. */
export async function changeCell(
  deps: RecordDeps,
  subject: CellSubject,
  place: ConsumerPlace,
  decide: DecideCellEvents,
): Promise<Cell> {
  const fresh = createCell(subject, place, deps.clock.now());
  const changed = await changeParsed(deps, {
    key: toCellKey(fresh),
    parse: parseCell,
    change(known) {
      // A cell of another manifest belongs to a removed publication, whose files can have another order.
      const before = known?.manifestSha256 === fresh.manifestSha256 ? known : fresh;
      return decide(before).reduce(reduceCell, before);
    },
  });
  return changed ?? fresh;
}

/** Lists the cells of a version by account and region. */
export async function listCells(
  deps: Pick<RecordDeps, "records" | "clock">,
  version: VersionId,
): Promise<readonly Cell[]> {
  const cells = await listRecords(deps, toCellsPrefix(version), parseCell);
  // The prefix of version 1 of "a" also matches cells of the artifact "a/1".
  return cells.filter((cell) => cell.name === version.name && cell.version === version.version);
}

/** Finds a consumer's cell of a version. */
export async function findCell(
  { records, clock }: Pick<RecordDeps, "records" | "clock">,
  key: ConsumerPlace & VersionId,
): Promise<Cell | undefined> {
  return parseCell((await records.get(toCellKey(key), clock.now()))?.value);
}
