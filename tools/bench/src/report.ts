import { readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";

/** A table of figures, for a terminal or a page. */
export interface Table {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** The options of the command line that all measurements have. */
export interface ReportOptions {
  readonly quick: boolean;
  /** The file for the figures as JSON. */
  readonly json: string;
  /** The page whose section is written anew. */
  readonly page?: string;
}

/** What one measurement found. */
export interface Report {
  /** The section of the page. */
  readonly section: string;
  /** The arguments that measure it again. */
  readonly command: string;
  readonly machine: string;
  readonly tables: readonly Table[];
  readonly figures: object;
}

/** Prints the tables, writes the figures as JSON, and replaces the section of the page. */
export function publish({ json, page }: ReportOptions, { section, command, machine, tables, figures }: Report): void {
  process.stdout.write(`${[machine, ...tables.map(toTextTable)].join("\n\n")}\n`);
  writeFileSync(json, `${JSON.stringify({ machine, ...figures }, null, 2)}\n`);
  if (page === undefined) return;
  const text = [`${machine}. Command: \`npm run bench -- ${command}\`.`, ...tables.map(toMarkdownTable)].join("\n\n");
  writeFileSync(page, replaceSection(readFileSync(page, "utf8"), section, text));
}

/** Describes this machine; `more`: other programs that were measured. */
export function toMachineLine(...more: readonly string[]): string {
  return [`Node ${process.version}`, ...more, `${cpus().length} cores (${cpus()[0]?.model ?? "unknown"})`].join(", ");
}

/** Replaces the text between a section's two marks in a page. Throws when the marks are not there, once each and in order. */
export function replaceSection(page: string, section: string, text: string): string {
  const begin = `<!-- begin ${section}: written by the benchmark -->`;
  const end = `<!-- end ${section} -->`;
  const [before, rest, ...more] = page.split(begin);
  const [, after, ...others] = (rest ?? "").split(end);
  if (before === undefined || after === undefined || more.length + others.length > 0) {
    throw new Error(`The page needs "${begin}" and then "${end}", once each.`);
  }
  return `${before}${begin}\n\n${text.trim()}\n\n${end}${after}`;
}

/** Aligns columns by spaces: the first to the left, the others to the right. */
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

/** Returns the same as Markdown. */
export function toMarkdownTable({ title, head, rows }: Table): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [`${title}`, "", line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
