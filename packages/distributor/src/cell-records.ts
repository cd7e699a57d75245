import { defineRecordKind, type RecordsDeps } from "@stackyard/core/services";
import type { ConsumerPlace } from "@stackyard/sdk/artifacts";
import { Cell, type CellSubject, createCell } from "./cell.ts";
import { CONTENDED, changeValue, type RecordDeps } from "./records.ts";
import { type CellEvent, reduceCell } from "./reduce-cell.ts";
import { toVersionKey, type VersionId } from "./versions.ts";

const cells = defineRecordKind({
  ...CONTENDED,
  prefix: "cell/",
  value: Cell,
  holds: "which files of a version each consumer has",
  kept: "as long as the distributor",
});

function toCellName({ account, region, ...version }: ConsumerPlace & VersionId): string {
  return `${toVersionKey(version)}/${account}/${region}`;
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
  const changed = await changeValue(deps, { kind: cells, name: toCellName(fresh) }, (known) => {
    // A cell of another manifest belongs to a removed publication, whose files can have another order.
    const before = known?.manifestSha256 === fresh.manifestSha256 ? known : fresh;
    return decide(before).reduce(reduceCell, before);
  });
  return changed ?? fresh;
}

/** Lists the cells of a version by account and region. */
export async function listCells(deps: RecordsDeps, version: VersionId): Promise<readonly Cell[]> {
  const found = await cells.listReadable(deps, `${toVersionKey(version)}/`);
  // Names that begin with version 1 of "a" are also those of cells of the artifact "a/1".
  return found.filter(({ name, version: of }) => name === version.name && of === version.version);
}

/** Finds a consumer's cell of a version. */
export function findCell(deps: RecordsDeps, key: ConsumerPlace & VersionId): Promise<Cell | undefined> {
  return cells.find(deps, toCellName(key));
}
