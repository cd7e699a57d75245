import { defineRecordKind, type RecordsDeps } from "@stackyard/core/services";
import type { ConsumerPlace } from "@stackyard/sdk/artifacts";
import { Cell, type CellSubject, createCell, toPlaceKey } from "./cell.ts";
import { CONTENDED, changeValue, type RecordDeps } from "./records.ts";
import { type CellEvent, inBucket, reduceCell } from "./reduce-cell.ts";
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

/** A consumer, as far as its cells depend on it. */
type CellOwner = ConsumerPlace & { readonly bucket: string | null };

/** Lists the cells of a version by account and region, each for the bucket that its consumer has now. */
export async function listCells(
  deps: RecordsDeps,
  version: VersionId,
  consumers: readonly CellOwner[],
): Promise<readonly Cell[]> {
  const found = await cells.listReadable(deps, `${toVersionKey(version)}/`);
  const buckets = new Map(consumers.map((each) => [toPlaceKey(each), each.bucket]));
  // Names that begin with version 1 of "a" are also those of cells of the artifact "a/1".
  return found
    .filter(({ name, version: of }) => name === version.name && of === version.version)
    .map((cell) => inBucket(cell, buckets.get(toPlaceKey(cell))));
}

/** Finds a consumer's cell of a version, for the bucket that the consumer has now. */
export async function findCell(
  deps: RecordsDeps,
  key: ConsumerPlace & VersionId,
  bucket?: string | null,
): Promise<Cell | undefined> {
  const found = await cells.find(deps, toCellName(key));
  return found && inBucket(found, bucket);
}
