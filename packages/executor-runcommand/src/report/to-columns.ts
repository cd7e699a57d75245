/** Rows as lines whose columns stand under one another; numbers, in the columns that are named, at their right. */
export function toColumns(rows: readonly (readonly string[])[], numbers: ReadonlySet<number> = new Set()): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, [...cell].length);
  }
  return rows
    .map((row) =>
      row
        .map((cell, index) => toPadded(cell, widths[index] ?? 0, numbers.has(index)))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function toPadded(cell: string, width: number, isNumber: boolean): string {
  const blanks = " ".repeat(width - [...cell].length);
  return isNumber ? blanks + cell : cell + blanks;
}
