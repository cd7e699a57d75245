import { toPlainText } from "../text/ansi.ts";
import type { LogLine } from "./log-buffer.ts";

/** A part of a log with a title: a step of a task. Indexes are those of the lines. */
export interface LogSection {
  /** The line with the title. */
  readonly head: number;
  /** The last line. */
  readonly last: number;
  readonly title: string;
}

/** The mark that executors of Stackyard write before a step. */
const STEP = "▸ ";
/** The lines by which programs begin a group in the logs of GitHub Actions, Azure Pipelines and GitLab. */
const GROUP = /^(?:::group::|##\[group\])(.*)$/;
const GROUP_END = /^(?:::endgroup::|##\[endgroup\])/;
const GITLAB = /^section_(start|end):\d{1,15}:[\w.-]{1,200}(?:\[[^\]]*\])?\r/;

/**
 * Returns the sections of lines in their order. They do not overlap: a section ends at its end mark, else where the next
 * one begins. Lines outside of sections belong to none.
 */
export function toSections(lines: readonly LogLine[]): readonly LogSection[] {
  const sections: LogSection[] = [];
  let open: { readonly head: number; readonly title: string } | undefined;
  const close = (last: number) => {
    if (open !== undefined) sections.push({ ...open, last });
    open = undefined;
  };
  for (const [index, { text }] of lines.entries()) {
    const mark = toMark(text);
    if (mark === undefined) continue;
    if (mark.kind === "end") close(index);
    else {
      close(index - 1);
      open = { head: index, title: mark.title };
    }
  }
  close(lines.length - 1);
  return sections;
}

type Mark = { readonly kind: "start"; readonly title: string } | { readonly kind: "end" };

function toMark(line: string): Mark | undefined {
  // Few lines are marks: the first character decides most of them.
  const [first] = line;
  if (first === "▸") return line.startsWith(STEP) ? { kind: "start", title: line.slice(STEP.length) } : undefined;
  if (first === ":" || first === "#") {
    const title = GROUP.exec(line)?.[1];
    if (title !== undefined) return { kind: "start", title: toPlainText(title) };
    return GROUP_END.test(line) ? { kind: "end" } : undefined;
  }
  if (first !== "s") return undefined;
  const found = GITLAB.exec(line);
  if (found === null) return undefined;
  return found[1] === "end" ? { kind: "end" } : { kind: "start", title: toPlainText(line.slice(found[0].length)) };
}

/** Returns the section that a line belongs to. */
export function findSection(sections: readonly LogSection[], index: number): LogSection | undefined {
  let low = 0;
  let high = sections.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const section = sections[middle];
    if (section === undefined) return undefined;
    if (index < section.head) high = middle - 1;
    else if (index > section.last) low = middle + 1;
    else return section;
  }
  return undefined;
}

/** Which lines are shown. */
export interface ShownLines {
  readonly count: number;
  /** Returns the index of the line in a row. */
  readonly lineOf: (row: number) => number;
  /** Returns the row of a line; of a line that is folded away, that of its title. */
  readonly rowOf: (index: number) => number;
}

/** Returns the lines that remain when sections are folded: of those only the line with the title is shown. */
export function toShownLines(count: number, folded: readonly LogSection[]): ShownLines {
  if (folded.length === 0) return { count, lineOf: (row) => row, rowOf: (index) => index };
  const shown: number[] = [];
  const rows: number[] = [];
  let next = 0;
  for (let index = 0; index < count; index += 1) {
    while ((folded[next]?.last ?? count) < index) next += 1;
    const hidden = folded[next] !== undefined && index > (folded[next]?.head ?? count);
    if (!hidden) shown.push(index);
    rows.push(shown.length - 1);
  }
  return { count: shown.length, lineOf: (row) => shown[row] ?? 0, rowOf: (index) => rows[index] ?? 0 };
}
