import type { ConsumerPlace } from "@stackyard/sdk/artifacts";
import { changeRecord, type RecordDeps } from "../registry/change-record.ts";
import { listRecords } from "../registry/list-records.ts";
import { type Cell, type CellSubject, createCell, parseCell, toCellKey, toCellsPrefix } from "./cell.ts";
import { type CellEvent, reduceCell } from "./reduce-cell.ts";

/** What happens to a cell, seen its state: nothing, where the list is empty. */
export type DecideCellEvents = (cell: Cell) => readonly CellEvent[];

/** Changes a cell, which is made where there is none. Two changes at once are both made. Gives what stands there now. */
export async function changeCell(
  deps: RecordDeps,
  subject: CellSubject,
  place: ConsumerPlace,
  decide: DecideCellEvents,
): Promise<Cell> {
  const fresh = createCell(subject, place, deps.clock.now());
  const changed = await changeRecord(deps, {
    key: toCellKey(fresh),
    parse: parseCell,
    change(known) {
      // One of another manifest is of what was removed from the source: its files may stand in another order.
      const before = known?.manifestSha256 === fresh.manifestSha256 ? known : fresh;
      return decide(before).reduce(reduceCell, before);
    },
  });
  return changed ?? fresh;
}

/** Cells of a version, by account and region. */
export async function listCells(
  deps: Pick<RecordDeps, "records" | "clock">,
  version: Pick<Cell, "name" | "version">,
): Promise<readonly Cell[]> {
  const cells = await listRecords(deps, toCellsPrefix(version), parseCell);
  // Cells of an artifact "a/1" lie under those of the version 1 of "a".
  return cells.filter((cell) => cell.name === version.name && cell.version === version.version);
}

/** A consumer's cell of a version. */
export async function findCell(
  { records, clock }: Pick<RecordDeps, "records" | "clock">,
  key: ConsumerPlace & Pick<Cell, "name" | "version">,
): Promise<Cell | undefined> {
  return parseCell((await records.get(toCellKey(key), clock.now()))?.value);
}
