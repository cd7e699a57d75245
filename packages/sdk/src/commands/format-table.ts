import { stripVTControlCharacters } from "node:util";
import { cutText } from "@stackyard/core";
import findTruncation from "fast-string-truncated-width";

/** The layout of a table. */
export interface TableOptions {
  /** Indexes of the right-aligned columns, such as numbers. They are never cut. */
  readonly numbers?: readonly number[];
  /** Width of the terminal: longer cells are cut, the widest first, and end with `…`. Default: no limit. */
  readonly columns?: number | undefined;
  /** True to not cut the last column, so that a terminal wraps it. Default: false. */
  readonly keepLast?: boolean;
}

const GAP = "  ";
/** Without a terminal nothing is cut, and a longer cell moves only the rest of its own row: the others are not padded up to it. */
const MOST_PADDED = 60;
/** A cut cell shows at least so much, unless the table would not fit even then. */
const MIN_WIDTH = 8;
const RESET = "\u001b[0m";

/**
 * Returns rows as aligned lines. Colors take no width, wide characters two columns. A cell is one line: line breaks and
 * tabs in it become blanks.
 */
export function formatTable(rows: readonly (readonly string[])[], options: TableOptions = {}): string {
  const { numbers = [] } = options;
  const lines = rows.map((row) => row.map((cell) => cell.replaceAll(/[\r\n\t\v\f]+/g, " ")));
  const widths = toWidths(lines, options);
  const toLine = (row: readonly string[]) =>
    row
      .map((text, index) => {
        const cell = options.columns === undefined ? text : truncateText(text, widths[index] ?? 0);
        const blanks = " ".repeat(Math.max(0, (widths[index] ?? 0) - widthOf(cell)));
        return numbers.includes(index) ? blanks + cell : cell + blanks;
      })
      .join(GAP)
      .trimEnd();
  return lines.map(toLine).join("\n");
}

/** Returns the text cut to a width in terminal columns, with `…` where something is missing. Colors are closed. */
export function truncateText(text: string, width: number, ellipsis = "…"): string {
  const { index, truncated } = findTruncation(text, { limit: width, ellipsis, ellipsisWidth: ellipsis.length });
  if (!truncated) return text;
  const cut = text.slice(0, index) + (width < ellipsis.length ? "" : ellipsis);
  return cut.includes("\u001b") ? cut + RESET : cut;
}

function widthOf(text: string): number {
  return findTruncation(text).width;
}

function toWidths(
  rows: readonly (readonly string[])[],
  { numbers = [], columns, keepLast = false }: TableOptions,
): readonly number[] {
  const natural: number[] = [];
  for (const row of rows) {
    for (const [index, cell] of row.entries()) {
      const width = widthOf(cell);
      const counts = columns !== undefined || width <= MOST_PADDED ? width : 0;
      natural[index] = Math.max(natural[index] ?? 0, counts);
    }
  }
  if (columns === undefined) return natural;
  const last = natural.length - 1;
  const fixed = (index: number) => numbers.includes(index) || (keepLast && index === last);
  const counted = natural.map((width, index) => (keepLast && index === last ? Math.min(width, MIN_WIDTH) : width));
  // The first column names the row: it is the last one to be cut.
  const fitted = [0, 1].reduce<readonly number[]>(
    (widths, pass) => shrink(widths, columns, (index) => fixed(index) || (pass === 0 && index === 0)),
    counted,
  );
  return keepLast ? fitted.with(last, natural[last] ?? 0) : fitted;
}

/** Takes from the widest column until the table fits, but leaves each `MIN_WIDTH`. */
function shrink(natural: readonly number[], columns: number, isFixed: (index: number) => boolean): readonly number[] {
  const widths = natural.map((width, index) =>
    isFixed(index) ? width : Math.min(width, Math.max(MIN_WIDTH, columns)),
  );
  let over = widths.reduce((sum, width) => sum + width + GAP.length, -GAP.length) - columns;
  for (; over > 0; over -= 1) {
    const widest = widths.reduce(
      (found, width, index) =>
        !isFixed(index) && width > MIN_WIDTH && width > (widths[found] ?? MIN_WIDTH) ? index : found,
      -1,
    );
    if (widest < 0) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return widths;
}

const OBEYED = /\p{Cc}|[\u200b-\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/gu;

/** Formats untrusted text on one line with a maximum length, without control, color or direction characters. */
export function toCell(text: string, maxCharacters = 80): string {
  // Removing sequences can form new ones, so control characters are removed too.
  const line = stripVTControlCharacters(text).replaceAll(/\s+/gu, " ").replaceAll(OBEYED, "").toWellFormed().trim();
  return cutText(line, maxCharacters);
}
