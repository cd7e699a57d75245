import { isCause } from "./log-causes.ts";

/** A line that explains a failure, or a line around it. */
export interface ExplainingLine {
  readonly text: string;
  readonly cause: boolean;
}

/** The last line of a failed attempt's log repeats the error, which is shown above the lines. */
const SUMMARY = /^It failed\. /;
// Terraform draws a box around what failed.
const BOX = /^[│╷╵]/u;
const MAX_LINES = 8;

/** Returns the lines of a log that explain a failure: those around the last cause, else its end. */
export function explainLog(text: string): readonly ExplainingLine[] {
  const all = text.split("\n").filter((line) => line.trim() !== "");
  const end = all.findLastIndex((line) => SUMMARY.test(line));
  const lines = end === -1 ? all : all.slice(0, end);
  const causes = lines.map(isCause);
  const last = causes.lastIndexOf(true);
  if (last === -1) return lines.slice(-MAX_LINES).map((line) => ({ text: line, cause: false }));
  const first = findFirst(lines, causes, last);
  const from = Math.max(0, first - 1);
  const to = Math.min(lines.length, Math.max(last + 3, first + MAX_LINES - 1));
  return lines
    .slice(from, to)
    .slice(0, MAX_LINES)
    .map((line, index) => ({ text: line, cause: causes[from + index] === true }));
}

/** Returns the first line of the causes that belong to the last one. */
function findFirst(lines: readonly string[], causes: readonly boolean[], last: number): number {
  let first = last;
  while (first > 0 && last - first < MAX_LINES - 2 && (causes[first - 1] || BOX.test(lines[first - 1] ?? "")))
    first -= 1;
  return first;
}
