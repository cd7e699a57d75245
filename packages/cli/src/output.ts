import { stripVTControlCharacters, styleText } from "node:util";
import type { CommandOutput } from "@stackyard/core";
import { truncateText } from "@stackyard/sdk/commands";
import { readVariables } from "./variables.ts";

export interface OutputOptions {
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  /** True for results as JSON, one object per line. */
  readonly json: boolean;
  /** True for results and errors only, without notes and progress. Default: false. */
  readonly quiet?: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Looks of words. */
export type Style = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";

/** The output of a command. Results go to standard output, everything for people to standard error. */
export interface Output extends CommandOutput {
  readonly json: boolean;
  /** True when results go to a terminal. */
  readonly interactive: boolean;
  /** Prints text for people, such as a table; never as JSON. */
  text(text: string): void;
  /** Prints a document, such as a machine's source. Files and pipes get every character; a terminal gets what `text` prints. */
  document(text: string): void;
  /** Prints a permanent line during long work, on standard error; with `--json` one object on standard output. */
  step(value: Readonly<Record<string, unknown>>, toText: () => string): void;
  /** Prints a line of a log on standard error; with `--json` as an object. */
  log(value: Readonly<Record<string, unknown>>, toText: () => string): void;
  /** Removes the live lines. */
  settle(): void;
  /** Colors a word; the colors are removed where they are not wanted. */
  paint(style: Style, text: string): string;
}

/** The part of an output that formatting needs: its colors and its width. */
export type Painter = Pick<Output, "paint" | "columns">;

/** Creates an output for these streams. */
export function createOutput({ stdout, stderr, json, quiet = false, env }: OutputOptions): Output {
  const results = createWriter(stdout, env);
  const people = createWriter(stderr, env);
  const live = createLiveBlock(stderr, people, { color: wantsColor(stderr, env) });
  const print = (value: unknown, toText: () => string) => {
    live.clear();
    results(json ? toJsonText(value) : toText());
  };
  const printNote = (text: string) => {
    if (json || quiet) return;
    live.clear();
    people(text);
  };
  const report = (value: Readonly<Record<string, unknown>>, toPeople: () => void) => {
    if (quiet) return;
    if (json) results(toJsonText(value));
    else toPeople();
  };
  return {
    json,
    interactive: !json && stdout.isTTY === true,
    get columns() {
      return !json && stdout.isTTY === true ? stdout.columns || undefined : undefined;
    },
    result: print,
    text(text) {
      live.clear();
      results(text);
    },
    document(text) {
      live.clear();
      if (stdout.isTTY === true) results(text);
      else if (text !== "") stdout.write(text.endsWith("\n") ? text : `${text}\n`);
    },
    progress: (value, toText, toBlock) => report(value, () => live.show(toText, toBlock)),
    step: (value, toText) => report(value, () => printNote(toText())),
    note: printNote,
    log(value, toText) {
      live.clear();
      people(json ? toJsonText(value) : toText());
    },
    settle: live.clear,
    paint: (style, text) => styleText(style, text, { validateStream: false }),
  };
}

/** Returns true for a terminal, unless `NO_COLOR` (no-color.org) disables or `FORCE_COLOR` forces colors. */
function wantsColor(stream: OutputStream, env: OutputOptions["env"]): boolean {
  const { NO_COLOR, FORCE_COLOR } = readVariables(env);
  if (NO_COLOR !== undefined) return false;
  if (FORCE_COLOR !== undefined) return FORCE_COLOR !== "0";
  return stream.isTTY === true && env["TERM"] !== "dumb";
}

function createWriter(stream: OutputStream, env: OutputOptions["env"]): (text: string) => void {
  const color = wantsColor(stream, env);
  return (text) => {
    if (text === "") return;
    const clean = color ? toColoredText(text) : toPlainText(text);
    stream.write(clean.endsWith("\n") ? clean : `${clean}\n`);
  };
}

/** Where text goes: a terminal, a pipe or a file. */
export interface OutputStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
}

/** The part of the output that shows the progress of long work and then disappears. */
interface LiveBlock {
  /** Shows a line; a terminal shows the block instead if there is one. */
  show(toText: () => string, toBlock?: (columns: number) => string): void;
  /** Removes it. */
  clear(): void;
}

/** Creates a line or block that a terminal redraws in place; a pipe gets a line for each change. */
export function createLiveBlock(
  stream: OutputStream,
  write: (text: string) => void,
  options: { readonly color: boolean },
): LiveBlock {
  return stream.isTTY === true ? createTerminalBlock(stream, options) : createPipeLines(write);
}

function createPipeLines(write: (text: string) => void): LiveBlock {
  let last = "";
  return {
    show(toText) {
      const text = toText();
      if (text !== last) write(text);
      last = text;
    },
    clear() {},
  };
}

const ERASE_LINE = "\r\u001b[2K";

function createTerminalBlock(stream: OutputStream, { color }: { readonly color: boolean }): LiveBlock {
  let shown: readonly string[] = [];
  // The cursor is in the last line of the block.
  const erase = () => (shown.length > 1 ? `\r\u001b[${shown.length - 1}A\u001b[J` : ERASE_LINE);
  return {
    show(toText, toBlock) {
      const columns = (stream.columns || 80) - 1;
      const lines = toBlock === undefined ? [toLine(toText(), columns)] : toLines(toBlock(columns), stream, color);
      stream.write(erase() + lines.join("\n"));
      shown = lines;
    },
    clear() {
      if (shown.some((line) => line !== "")) stream.write(erase());
      shown = [];
    },
  };
}

function toLine(text: string, columns: number): string {
  const [line = ""] = text.split("\n");
  return truncateText(toPlainText(line), columns, "");
}

/** Cuts the text to the terminal's size: a block that is higher than its terminal could not be redrawn. */
function toLines(text: string, stream: OutputStream, color: boolean): readonly string[] {
  const most = Math.max(1, (stream.rows || 24) - 1);
  const lines = text.split("\n");
  const fitting = lines.length <= most ? lines : [...lines.slice(0, most - 1), `… and ${lines.length - most + 1} more`];
  const columns = (stream.columns || 80) - 1;
  return fitting.map((line) => truncateText(color ? toColoredText(line) : toPlainText(line), columns, ""));
}

/** Characters that change the direction of the surrounding text, or that some readers take for the end of a line. */
const DIRECTIONS = "\\u2028\\u2029\\u202a-\\u202e\\u2066-\\u2069";
const COLOR_OR_CONTROL = new RegExp(`\\u001b\\[[0-9;]*m|[\\p{Cc}${DIRECTIONS}]`, "gu");
const CONTROL = new RegExp(`[\\p{Cc}${DIRECTIONS}]`, "gu");
const UNESCAPED_IN_JSON = new RegExp(`[\\u007f-\\u009f${DIRECTIONS}]`, "gu");

/** Removes all control sequences except colors and line ends: names and messages come from outside. */
export function toColoredText(text: string): string {
  return text.replaceAll(COLOR_OR_CONTROL, (match) => (match.length > 1 ? match : keepBlank(match)));
}

/** Removes colours too. Removing sequences may form new ones, so controls are removed afterwards. */
export function toPlainText(text: string): string {
  return stripVTControlCharacters(text).replaceAll(CONTROL, keepBlank);
}

/** Formats JSON in one line; escapes everything that a terminal would interpret. */
export function toJsonText(value: unknown): string {
  return JSON.stringify(value).replaceAll(
    UNESCAPED_IN_JSON,
    (match) => `\\u${match.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function keepBlank(control: string): string {
  return control === "\n" || control === "\t" ? control : "";
}

const UNITS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1_000],
] as const;

/** Formats the age of an instant in its largest two units: `3d 4h`, `12s`. */
export function toAge(at: string, now: number): string {
  return formatSpan(Math.max(0, now - Date.parse(at)));
}

/** Formats a span of time in its largest two units. */
export function formatSpan(ms: number): string {
  let left = ms;
  const parts: string[] = [];
  for (const [unit, size] of UNITS) {
    const count = Math.floor(left / size);
    left -= count * size;
    if (count > 0 || parts.length > 0) parts.push(`${count}${unit}`);
  }
  const shown = parts.slice(0, 2).filter((part) => !part.startsWith("0"));
  return shown.length === 0 ? "0s" : shown.join(" ");
}
