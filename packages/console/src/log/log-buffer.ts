import { keepStart } from "@stackyard/core";

/** A line of a log. */
export interface LogLine {
  /** Where it begins in the log, in bytes: its address. */
  readonly at: number;
  /** Its bytes in the log, without the line feed. */
  readonly bytes: number;
  /** Its text; of a longer line the first `MAX_LINE` characters. */
  readonly text: string;
}

interface Lines {
  readonly lines: readonly LogLine[];
  /** The last line has no line feed yet: what follows belongs to it. */
  readonly open: boolean;
  /** The sum of `costOf` its lines. */
  readonly cost: number;
}

/** The part of a log that a page keeps: whole lines between two places. */
export interface LogBuffer extends Lines {
  readonly from: number;
  readonly to: number;
  /** The number of the first line, where everything before it was counted. */
  readonly firstNumber: number | undefined;
}

/** A part of a log, as the SDK loads it. */
interface Part {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

/** The most bytes of a log that a page keeps. A line counts 40 at least, so that the number of lines is bounded too. */
export const MAX_KEPT = 8 * 1_048_576;
const MIN_LINE_COST = 40;
/** Characters of one line that are kept. */
export const MAX_LINE = 262_144;

/** Returns a buffer with nothing in it that begins at a place. */
export function createBuffer(from: number): LogBuffer {
  return { from, to: from, lines: [], firstNumber: from === 0 ? 1 : undefined, open: false, cost: 0 };
}

/** Adds the part that follows. Lines at the beginning are dropped when too much is kept. A part that does not follow is ignored. */
export function appendPart(buffer: LogBuffer, part: Part): LogBuffer {
  if (part.from !== buffer.to || part.to === part.from) return buffer;
  return dropFirst({ ...buffer, ...concat(buffer, toLines(part)), to: part.to });
}

/** Adds the part before. Lines at the end are dropped when too much is kept. A part that does not end there is ignored. */
export function prependPart(buffer: LogBuffer, part: Part): LogBuffer {
  if (part.to !== buffer.from || part.to === part.from) return buffer;
  const joined = concat(toLines(part), buffer);
  return dropLast({ ...buffer, ...joined, from: part.from, firstNumber: part.from === 0 ? 1 : undefined });
}

/** Returns the index of the line with a byte of the log; -1 when the buffer does not have it. */
export function findLine({ lines, from, to }: LogBuffer, at: number): number {
  if (at < from || at >= to) return -1;
  let low = 0;
  let high = lines.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((lines[middle]?.at ?? 0) <= at) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Returns true if a further piece may push lines out at the other end. */
export function isNearlyFull({ cost }: LogBuffer): boolean {
  return cost > MAX_KEPT / 2;
}

function toLines({ from, text }: Part): Lines {
  const texts = text.split("\n");
  const open = texts.at(-1) !== "";
  if (!open) texts.pop();
  const lines: LogLine[] = [];
  let at = from;
  let cost = 0;
  for (const line of texts) {
    const bytes = byteLength(line);
    const added = { at, bytes, text: keepStart(line, MAX_LINE) };
    lines.push(added);
    cost += costOf(added);
    at += bytes + 1;
  }
  return { lines, open, cost };
}

function concat(first: Lines, second: Lines): Lines {
  const last = first.lines.at(-1);
  const [next] = second.lines;
  const { open } = second;
  const cost = first.cost + second.cost;
  if (!first.open || last === undefined || next === undefined) {
    return { lines: [...first.lines, ...second.lines], open, cost };
  }
  const joined = { at: last.at, bytes: last.bytes + next.bytes, text: keepStart(last.text + next.text, MAX_LINE) };
  const lines = [...first.lines.slice(0, -1), joined, ...second.lines.slice(1)];
  return { lines, open, cost: cost - costOf(last) - costOf(next) + costOf(joined) };
}

function costOf({ bytes }: LogLine): number {
  return Math.max(MIN_LINE_COST, Math.min(bytes, MAX_LINE));
}

/** Keeps one line at least. */
function dropFirst(buffer: LogBuffer): LogBuffer {
  const { lines, firstNumber } = buffer;
  let { cost } = buffer;
  let dropped = 0;
  for (let first = lines[0]; first && dropped < lines.length - 1 && cost > MAX_KEPT; first = lines[dropped]) {
    cost -= costOf(first);
    dropped += 1;
  }
  if (dropped === 0) return buffer;
  return {
    ...buffer,
    lines: lines.slice(dropped),
    cost,
    from: lines[dropped]?.at ?? buffer.to,
    firstNumber: firstNumber === undefined ? undefined : firstNumber + dropped,
  };
}

/** Keeps one line at least. */
function dropLast(buffer: LogBuffer): LogBuffer {
  const { lines } = buffer;
  let { cost } = buffer;
  let kept = lines.length;
  for (let last = lines[kept - 1]; last && kept > 1 && cost > MAX_KEPT; last = lines[kept - 1]) {
    cost -= costOf(last);
    kept -= 1;
  }
  if (kept === lines.length) return buffer;
  return { ...buffer, lines: lines.slice(0, kept), cost, to: lines[kept]?.at ?? buffer.to, open: false };
}

/** Returns how many bytes a text has in UTF-8. */
export function byteLength(text: string): number {
  let bytes = text.length;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code < 0x80) continue;
    bytes += code < 0x800 ? 1 : 2;
    // The two halves of a surrogate pair have four bytes together.
    if (code >= 0xd800 && code < 0xdc00 && isLow(text.charCodeAt(index + 1))) index += 1;
  }
  return bytes;
}

function isLow(code: number): boolean {
  return code >= 0xdc00 && code < 0xe000;
}
