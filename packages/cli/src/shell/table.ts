import { stripVTControlCharacters } from "node:util";

/** Rows as lines whose columns stand under one another. Colours take no room. */
export function toTable(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, widthOf(cell));
  }
  return rows.map((row) => toLine(row, widths)).join("\n");
}

function toLine(row: readonly string[], widths: readonly number[]): string {
  const cells = row.map((cell, index) => cell + " ".repeat((widths[index] ?? 0) - widthOf(cell)));
  return cells.join("  ").trimEnd();
}

function widthOf(cell: string): number {
  return stripVTControlCharacters(cell).length;
}
