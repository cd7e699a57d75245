/** Rows as lines whose columns stand under one another; the numbered columns at their right. */
export function toColumns(rows: readonly (readonly string[])[], numbers: readonly number[] = []): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, [...cell].length);
  }
  const pad = (cell: string, index: number) => {
    const blanks = " ".repeat((widths[index] ?? 0) - [...cell].length);
    return numbers.includes(index) ? blanks + cell : cell + blanks;
  };
  return rows.map((row) => row.map(pad).join("  ").trimEnd()).join("\n");
}
