import { type AccountNames, findAccountName } from "@stackyard/core";
import type { CellStatus, CoverageCell, CoverageRow } from "@stackyard/sdk/artifacts";
import { toCell } from "@stackyard/sdk/commands";

/** Letter, color and meaning of each status. Letters differ, so that the matrix is readable without colors. */
const LOOKS: Readonly<
  Record<CellStatus, { readonly letter: string; readonly colour: number; readonly meaning: string }>
> = {
  stored: { letter: "S", colour: 32, meaning: "stored" },
  present: { letter: "P", colour: 32, meaning: "already present" },
  announced: { letter: "A", colour: 33, meaning: "announced" },
  expected: { letter: "E", colour: 90, meaning: "expected" },
  overdue: { letter: "O", colour: 35, meaning: "overdue" },
  failed: { letter: "F", colour: 31, meaning: "failed" },
  rejected: { letter: "R", colour: 31, meaning: "rejected" },
};
const NOT_EXPECTED = "-";
const GAP = 1;
const MAX_NAME = 48;
/** The maximum length of an account's name: columns stay narrow. */
const MAX_ACCOUNT = 20;

/** The layout of a matrix. */
export interface MatrixOptions {
  /** The width of the terminal. */
  readonly columns: number;
  /** Names of accounts, above their ids. Default: none. */
  readonly accounts?: AccountNames;
}

/**
 * Formats a matrix with artifact versions as rows and accounts with regions as columns. Columns that do not fit continue in further
 * blocks; a legend explains the letters. Colors are always included; the caller removes them if unwanted. `columns`: the width of
 * the terminal; lines are longer only if a single column does not fit.
 */
export function toCoverageMatrix(rows: readonly CoverageRow[], { columns, accounts = {} }: MatrixOptions): string {
  const places = toPlaces(rows, accounts);
  const names = rows.map(({ name, version, retired }) =>
    toCell(`${name}@${version}${retired ? " (retired)" : ""}`, Math.max(8, Math.min(MAX_NAME, columns - 16))),
  );
  const width = Math.max(HEAD.length, ...names.map((name) => [...name].length));
  const blocks = toBlocks(places, columns - width).map((block) => toBlock(block, rows, { names, width }));
  return [...blocks, toLegend(rows)].join("\n\n");
}

const HEAD = "ARTIFACT";

/** A column. */
interface Place {
  readonly account: string;
  /** The name of the account; empty without one. */
  readonly name: string;
  readonly short: string;
  readonly key: string;
}

function toPlaces(rows: readonly CoverageRow[], accounts: AccountNames): readonly Place[] {
  const cells = rows.flatMap((row) => row.cells);
  const names = toRegionNames(cells.map(({ region }) => region));
  const places = new Map<string, Place>();
  for (const { account, region } of cells) {
    const key = keyOf({ account, region });
    const name = toCell(findAccountName(accounts, account) ?? "", MAX_ACCOUNT);
    places.set(key, { account, name, key, short: toCell(names.get(region) ?? region, 20) });
  }
  return [...places.values()].toSorted((a, b) => (a.key < b.key ? -1 : 1));
}

function keyOf({ account, region }: Pick<CoverageCell, "account" | "region">): string {
  return `${account} ${region}`;
}

/** The regions of one account, at least as wide as the account id and its name. */
interface Group {
  readonly account: string;
  readonly name: string;
  readonly places: readonly Place[];
  readonly width: number;
}

function toBlocks(places: readonly Place[], room: number): readonly (readonly Group[])[] {
  const blocks: Group[][] = [];
  let used = Number.POSITIVE_INFINITY;
  for (const group of toGroups(places, room)) {
    if (used + group.width + GAP > room) {
      blocks.push([]);
      used = 0;
    }
    blocks.at(-1)?.push(group);
    used += group.width + GAP * 2;
  }
  return blocks;
}

/** Groups places by account. An account with too many regions gets several groups. */
function toGroups(places: readonly Place[], room: number): readonly Group[] {
  const groups: Group[] = [];
  for (const place of places) {
    const last = groups.at(-1);
    const wider = last === undefined ? 0 : widthOf([...last.places, place]);
    if (last !== undefined && last.account === place.account && wider + GAP <= room) {
      groups[groups.length - 1] = toGroup([...last.places, place]);
    } else groups.push(toGroup([place]));
  }
  return groups;
}

function toGroup(places: readonly Place[]): Group {
  const { account = "", name = "" } = places[0] ?? {};
  return { account, name, places, width: Math.max(toCell(account, 20).length, lengthOf(name), widthOf(places)) };
}

function lengthOf(text: string): number {
  return [...text].length;
}

function widthOf(places: readonly Place[]): number {
  return places.reduce((sum, { short }) => sum + short.length + GAP, -GAP);
}

interface Side {
  readonly names: readonly string[];
  readonly width: number;
}

function toBlock(block: readonly Group[], rows: readonly CoverageRow[], { names, width }: Side): string {
  const gap = " ".repeat(GAP * 2);
  const named = block.map((group) => group.name + " ".repeat(group.width - lengthOf(group.name))).join(gap);
  const accounts = block.map((group) => toCell(group.account, 20).padEnd(group.width)).join(gap);
  const regions = block.map(toHead).join(gap);
  const lines = rows.map((row, index) => {
    const cells = new Map(row.cells.map((cell) => [keyOf(cell), cell]));
    const marks = block.map((group) => toMarks(group, cells)).join(gap);
    const name = names[index] ?? "";
    return `${name}${" ".repeat(width - [...name].length)} ${marks}`.trimEnd();
  });
  const indent = " ".repeat(width);
  const first = named.trim() === "" ? [] : [`${indent} ${named}`];
  const head = [...first, `${indent} ${accounts}`, `${HEAD.padEnd(width)} ${regions}`];
  return [...head.map((line) => line.trimEnd()), ...lines].join("\n");
}

function toHead({ places, width }: Group): string {
  const names = places.map(({ short }) => short);
  return names.join(" ".repeat(GAP)).padEnd(width);
}

/** Formats a row of marks, padded by visible width: colors have none. */
function toMarks({ places, width }: Group, cells: ReadonlyMap<string, CoverageCell>): string {
  const marks = places.map(({ key, short }) => {
    const cell = cells.get(key);
    return paint(cell?.status) + " ".repeat(short.length - 1);
  });
  return marks.join(" ".repeat(GAP)) + " ".repeat(Math.max(0, width - widthOf(places)));
}

function paint(status: CellStatus | undefined): string {
  if (status === undefined) return NOT_EXPECTED;
  const { letter, colour } = LOOKS[status];
  return `\u001b[${colour}m${letter}\u001b[39m`;
}

function toLegend(rows: readonly CoverageRow[]): string {
  const seen = new Set(rows.flatMap(({ cells }) => cells.map(({ status }) => status)));
  const words = Object.entries(LOOKS).flatMap(([status, { letter, meaning }]) =>
    [...seen].some((each) => each === status) ? [`${letter} ${meaning}`] : [],
  );
  return [...words, `${NOT_EXPECTED} not expected`].join("  ");
}

const POINTS: Readonly<Record<string, string>> = {
  north: "n",
  south: "s",
  east: "e",
  west: "w",
  central: "c",
  northeast: "ne",
  northwest: "nw",
  southeast: "se",
  southwest: "sw",
};

/** Returns short region names, such as `euw1` for `eu-west-1`; the full names if two short ones are equal. */
export function toRegionNames(regions: readonly string[]): ReadonlyMap<string, string> {
  const distinct = [...new Set(regions)];
  const short = new Map(distinct.map((region) => [region, toShortName(region)]));
  if (new Set(short.values()).size === distinct.length) return short;
  return new Map(distinct.map((region) => [region, region]));
}

function toShortName(region: string): string {
  const [first = "", ...rest] = region.split("-");
  if (!/^[a-z]{2,4}(-[a-z]+)+-\d+$/.test(region)) return region;
  return first + rest.map((word) => POINTS[word] ?? word.slice(0, /^\d/.test(word) ? undefined : 1)).join("");
}
