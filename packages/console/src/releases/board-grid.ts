import type { Board } from "@stackyard/sdk";

/** An environment of a board. */
export type Environment = Board["environments"][number];
/** A version that some stacks of an environment have. */
export type Version = Environment["versions"][number];
/** A release that is on its way to an environment. */
export type Arrival = NonNullable<Environment["coming"]>[number];

/** A version, of all environments that have it. */
export interface BoardColumn {
  readonly key: string;
  /** As people read the values; of several older versions, how many. */
  readonly text: string;
  /** Missing: no release has set these values, or the column has several. */
  readonly release?: string;
  readonly isMarked: boolean;
}

/** A cell: the versions of an environment in a column. */
export interface BoardCell {
  readonly versions: readonly Version[];
  readonly coming: readonly Arrival[];
}

/** Environments by versions. */
export interface BoardGrid {
  /** The newest first; the last one may have all that are older. */
  readonly columns: readonly BoardColumn[];
  readonly rows: readonly { readonly environment: Environment; readonly cells: readonly BoardCell[] }[];
  /** Versions without a column of their own. */
  readonly folded: number;
}

interface Found {
  readonly key: string;
  readonly text: string;
  /** The instant of the newest release, epoch milliseconds; 0: none has set it. */
  at: number;
  release?: string;
  isMarked: boolean;
}

interface GridOptions {
  /** Columns; the older versions share one more. */
  readonly most: number;
  /** The release whose version always has a column. */
  readonly marked?: string | undefined;
}

const REST = "rest";

/** Arranges environments by versions. The newest release decides the order, not the text of a version. */
export function toBoardGrid(board: Pick<Board, "environments" | "releases">, options: GridOptions): BoardGrid {
  const found = listVersions(board, options.marked);
  const shown = found.filter(({ isMarked }, index) => index < options.most || isMarked);
  const rest = found.filter((each) => !shown.includes(each));
  // One version needs no more room than the words that it is folded.
  const columns = rest.length === 1 ? found : shown;
  const folded = rest.length === 1 ? [] : rest;
  const indexes = new Map(columns.map(({ key }, index) => [key, index]));
  const shownColumns = [
    ...columns.map(({ at: _, ...column }) => column),
    ...(folded.length > 0 ? [{ key: REST, text: toRestText(folded), isMarked: false }] : []),
  ];
  return {
    columns: shownColumns,
    rows: board.environments.map((environment) => ({
      environment,
      cells: toCells(environment, shownColumns, indexes),
    })),
    folded: folded.length,
  };
}

function toRestText(rest: readonly Found[]): string {
  return `${rest.length} ${rest.every(({ at }) => at > 0) ? "older" : "others"}`;
}

/** Returns the cells. A version without a column of its own is in the last one. */
function toCells(
  { versions, coming = [] }: Environment,
  columns: readonly BoardColumn[],
  indexes: ReadonlyMap<string, number>,
): readonly BoardCell[] {
  const toColumn = ({ values }: Pick<Version, "values">) => indexes.get(toKey(values)) ?? columns.length - 1;
  const versionsOf = Map.groupBy(versions, toColumn);
  const comingTo = Map.groupBy(
    coming.filter(({ values }) => !isUnknown(values)),
    toColumn,
  );
  return columns.map((_, index) => ({ versions: versionsOf.get(index) ?? [], coming: comingTo.get(index) ?? [] }));
}

function listVersions(
  { environments, releases }: Pick<Board, "environments" | "releases">,
  marked: string | undefined,
): readonly Found[] {
  const found = new Map<string, Found>();
  const created = new Map(releases.map(({ id, createdAt }) => [id, createdAt]));
  const add = (values: Version["values"], release: Version["release"]) => {
    const key = toKey(values);
    const known = found.get(key) ?? { key, text: formatValues(values), at: 0, isMarked: false };
    const at = release === undefined ? 0 : Date.parse(release.createdAt);
    if (release !== undefined && at > known.at) Object.assign(known, { at, release: release.id });
    if (release !== undefined && release.id === marked) known.isMarked = true;
    found.set(key, known);
  };
  for (const { versions, coming = [] } of environments) {
    for (const { values, release } of versions) add(values, release);
    for (const { values, release: id } of coming) {
      // The values that an undo brings back are known for each stack only.
      if (!isUnknown(values)) add(values, { id, createdAt: created.get(id) ?? "" });
    }
  }
  return [...found.values()].toSorted((a, b) => b.at - a.at || b.text.localeCompare(a.text, "en", { numeric: true }));
}

/** Returns whether it is not known which version an arrival brings. */
export function isUnknown(values: Arrival["values"]): boolean {
  return Object.keys(values).length === 0;
}

function toKey(values: Version["values"]): string {
  return JSON.stringify(Object.entries(values).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** Returns the values as people read them: of one key only its value. */
export function formatValues(values: Version["values"]): string {
  const pairs = Object.entries(values);
  if (pairs.length === 0) return "no version";
  return pairs.map(([key, value]) => (pairs.length === 1 ? String(value) : `${key} ${String(value)}`)).join(", ");
}
