/** A line of a log. */
export interface LogLine {
  /** Where it begins in the log, in bytes: its address. */
  readonly at: number;
  /** Its bytes in the log, without the line feed. */
  readonly bytes: number;
  /** Its text; of a longer line the first `MAX_LINE` characters. */
  readonly text: string;
}

/** The part of a log that a page keeps: whole lines between two places. */
export interface LogBuffer {
  readonly from: number;
  readonly to: number;
  readonly lines: readonly LogLine[];
  /** The number of the first line, where everything before it was counted. */
  readonly firstNumber: number | undefined;
  /** The last line has no line feed yet: what follows belongs to it. */
  readonly open: boolean;
}

/** A part of a log, as the SDK loads it. */
interface Part {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

/** How much of a log a page keeps, in bytes. A line counts 40 at least, so that the number of lines is bounded too. */
export const MAX_KEPT = 8 * 1_048_576;
const MIN_LINE_COST = 40;
/** Characters of one line that are kept. */
export const MAX_LINE = 262_144;

/** Returns a buffer with nothing in it that begins at a place. */
export function createBuffer(from: number): LogBuffer {
  return { from, to: from, lines: [], firstNumber: from === 0 ? 1 : undefined, open: false };
}

/** Adds the part that follows. Lines at the beginning are dropped when too much is kept. A part that does not follow is ignored. */
export function appendPart(buffer: LogBuffer, part: Part): LogBuffer {
  if (part.from !== buffer.to || part.to === part.from) return buffer;
  const added = toLines(part);
  const [first, ...rest] = added.lines;
  const last = buffer.lines.at(-1);
  const joins = buffer.open && last !== undefined && first !== undefined;
  const lines = joins ? [...buffer.lines.slice(0, -1), join(last, first), ...rest] : [...buffer.lines, ...added.lines];
  return dropFirst({ ...buffer, lines, to: part.to, open: added.open });
}

/** Adds the part before. Lines at the end are dropped when too much is kept. A part that does not end there is ignored. */
export function prependPart(buffer: LogBuffer, part: Part): LogBuffer {
  if (part.to !== buffer.from || part.to === part.from) return buffer;
  const added = toLines(part);
  const [first, ...rest] = buffer.lines;
  const last = added.lines.at(-1);
  const joins = added.open && last !== undefined && first !== undefined;
  const lines = joins ? [...added.lines.slice(0, -1), join(last, first), ...rest] : [...added.lines, ...buffer.lines];
  return dropLast({ ...buffer, lines, from: part.from, firstNumber: part.from === 0 ? 1 : undefined });
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

function toLines({ from, text }: Part): { readonly lines: readonly LogLine[]; readonly open: boolean } {
  const texts = text.split("\n");
  const open = texts.at(-1) !== "";
  if (!open) texts.pop();
  const lines: LogLine[] = [];
  let at = from;
  for (const line of texts) {
    const bytes = byteLength(line);
    lines.push({ at, bytes, text: cut(line) });
    at += bytes + 1;
  }
  return { lines, open };
}

function join(first: LogLine, second: LogLine): LogLine {
  return { at: first.at, bytes: first.bytes + second.bytes, text: cut(first.text + second.text) };
}

function cut(text: string): string {
  return text.length > MAX_LINE ? text.slice(0, MAX_LINE) : text;
}

function costOf({ bytes }: LogLine): number {
  return Math.max(MIN_LINE_COST, Math.min(bytes, MAX_LINE));
}

function dropFirst(buffer: LogBuffer): LogBuffer {
  const { lines, firstNumber } = buffer;
  const kept = countKept(lines.toReversed());
  const dropped = lines.length - kept;
  if (dropped === 0) return buffer;
  return {
    ...buffer,
    lines: lines.slice(dropped),
    from: lines[dropped]?.at ?? buffer.to,
    firstNumber: firstNumber === undefined ? undefined : firstNumber + dropped,
  };
}

function dropLast(buffer: LogBuffer): LogBuffer {
  const { lines } = buffer;
  const kept = countKept(lines);
  if (kept === lines.length) return buffer;
  return { ...buffer, lines: lines.slice(0, kept), to: lines[kept]?.at ?? buffer.to, open: false };
}

/** Returns how many lines may be kept, at least one. */
function countKept(lines: readonly LogLine[]): number {
  let cost = 0;
  for (const [index, line] of lines.entries()) {
    cost += costOf(line);
    if (cost > MAX_KEPT && index > 0) return index;
  }
  return lines.length;
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
