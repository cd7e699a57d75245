import { defined } from "@stackyard/core";
import { toSafeText } from "./safe-text.ts";

/** A color of a terminal as a token of the design. */
type AnsiTone = "fail" | "warn" | "ok" | "busy" | "wait" | "off";

/** Text of one style. */
interface AnsiSpan {
  readonly text: string;
  readonly tone?: AnsiTone;
  readonly bold?: true;
  readonly underline?: true;
}

/** A line of a terminal for display. */
interface AnsiLine {
  readonly spans: readonly AnsiSpan[];
  /** Sequences that were left out: everything but colors. */
  readonly dropped: number;
}

interface Style {
  tone: AnsiTone | undefined;
  bold: boolean;
  underline: boolean;
}

// Black and white are the text's own color: which of them can be read depends on the theme.
const TONES: readonly (AnsiTone | undefined)[] = [undefined, "fail", "ok", "warn", "busy", "wait", "busy", undefined];

// CSI sequences; OSC, DCS, SOS, PM and APC strings up to their end; other escapes of two bytes.
const SEQUENCE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that are looked for
  /\u001b(?:\[([0-?]*)[ -/]*([@-~])|[\]PX^_][^\u0007\u001b]*(?:\u0007|\u001b\\)|[ -/]*[0-~])/g;

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that are looked for
const COLORS = /\u001b\[[\d;:]*m/g;

/** Returns a text without colors of a terminal, for one line about a task. All else stays, and is shown by its codes. */
export function dropColors(text: string): string {
  return text.replaceAll(COLORS, "");
}

/**
 * Returns a line of a log in spans. Colors of SGR sequences become tones; every other sequence is left out and counted, such
 * as links (OSC 8), titles and moves of the cursor. A carriage return keeps what comes after it, as a terminal does. Control and
 * bidi characters that remain are shown by their codes. Each line begins without a style, so that it can be read alone.
 */
export function parseAnsiLine(line: string): AnsiLine {
  const text = keepLastSegment(line);
  if (!text.includes("\u001b")) return { spans: text === "" ? [] : [{ text: toSafeText(text) }], dropped: 0 };
  const spans: AnsiSpan[] = [];
  const style: Style = { tone: undefined, bold: false, underline: false };
  let dropped = 0;
  let from = 0;
  for (const match of text.matchAll(SEQUENCE)) {
    addSpan(spans, text.slice(from, match.index), style);
    from = match.index + match[0].length;
    if (match[2] === "m" && /^[\d;:]*$/.test(match[1] ?? "")) applySgr(style, match[1] ?? "");
    else dropped += 1;
  }
  addSpan(spans, text.slice(from), style);
  return { spans, dropped };
}

function keepLastSegment(line: string): string {
  if (!line.includes("\r")) return line;
  return (
    line
      .split("\r")
      .filter((segment) => segment !== "")
      .at(-1) ?? ""
  );
}

function addSpan(spans: AnsiSpan[], text: string, { tone, bold, underline }: Style): void {
  if (text === "") return;
  spans.push({
    text: toSafeText(text),
    ...defined({ tone }),
    ...(bold && { bold: true as const }),
    ...(underline && { underline: true as const }),
  });
}

/** Applies the parameters of one SGR sequence (ECMA-48, 8.3.117). Backgrounds are ignored: they may hide text. */
function applySgr(style: Style, parameters: string): void {
  const codes = parameters.split(/[;:]/).map(Number);
  for (let index = 0; index < codes.length; index += 1) {
    const code = codes[index] ?? 0;
    if (code === 38 || code === 48) {
      const [tone, length] = readLongColor(codes.slice(index + 1));
      if (code === 38) style.tone = tone;
      index += length;
    } else applyCode(style, code);
  }
}

function applyCode(style: Style, code: number): void {
  const change = CHANGES.get(code);
  if (change !== undefined) Object.assign(style, change);
  // The end of bold is that of faint, too.
  if (code === 22 && style.tone === "off") style.tone = undefined;
}

const CHANGES: ReadonlyMap<number, Partial<Style>> = new Map<number, Partial<Style>>([
  [0, { tone: undefined, bold: false, underline: false }],
  [1, { bold: true }],
  [2, { tone: "off" }],
  [4, { underline: true }],
  [22, { bold: false }],
  [24, { underline: false }],
  [39, { tone: undefined }],
  ...TONES.flatMap((tone, index): [number, Partial<Style>][] => [
    [30 + index, { tone }],
    [90 + index, { tone: index === 0 ? "off" : tone }],
  ]),
]);

/**
 * Returns the color after 38 or 48, and how many parameters it has: `5;n` or `2;r;g;b`. Only the 16 basic ones have a
 * tone.
 */
function readLongColor([kind, color = 0]: readonly number[]): readonly [AnsiTone | undefined, number] {
  if (kind === 5) return [color < 16 ? TONES[color % 8] : undefined, 2];
  return [undefined, kind === 2 ? 4 : 0];
}

/** Returns the shown text of a line, for searching. */
export function toPlainText(line: string): string {
  return parseAnsiLine(line)
    .spans.map(({ text }) => text)
    .join("");
}
