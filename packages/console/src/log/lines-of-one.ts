import { toPlainText } from "../text/ansi.ts";

/** Instants, durations, ids and addresses of memory: what differs in every run. */
const VARYING = /\b(?:\d{4}-\d{2}-\d{2}[T ])?\d{2}:\d{2}:\d{2}(?:[.,]\d+)?Z?|\b[0-9a-f]{8,}(?:-[0-9a-f]+)*\b|\d+/gi;

/**
 * Returns which lines of a log the other one lacks, whatever numbers, times and ids they contain. Empty lines never
 * count.
 */
export function markLinesOfOne(lines: readonly string[], other: readonly string[]): readonly boolean[] {
  const known = new Set(other.map(toShape));
  return lines.map((line) => line.trim() !== "" && !known.has(toShape(line)));
}

function toShape(line: string): string {
  return toPlainText(line).trim().replaceAll(VARYING, "0");
}
