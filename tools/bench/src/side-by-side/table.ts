/** A table of figures, for a terminal or a page. */
export interface Table {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Columns aligned by spaces: the first to the left, the others to the right. */
export function toTextTable({ title, head, rows }: Table): string {
  const cells = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...cells.map((row) => (row[column] ?? "").length)));
  const lines = cells.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join("  ")
      .trimEnd(),
  );
  return [title, ...lines].join("\n");
}

/** The same as Markdown. */
export function toMarkdownTable({ title, head, rows }: Table): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [`${title}`, "", line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
