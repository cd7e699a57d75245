import type { Plain } from "./operation.ts";

/** The quotes of a text. */
export type Quote = "plain" | "single" | "double";

/** The style of new text, as that of the text around it. */
export interface Style {
  readonly quote: Quote;
  /** Spaces inside the braces of a map. */
  readonly padMap: boolean;
  /** Spaces inside the brackets of a list. */
  readonly padList: boolean;
  /** By how much the keys of an inner map are indented. */
  readonly step: number;
  /** By how much the dashes of a list are indented under its key. */
  readonly listStep: number;
  /** Returns whether a map or list under a key is written on one line. */
  readonly prefersFlow: (key: string, value: Plain) => boolean;
  /** Writes maps in block lists on one line. */
  readonly flowItems: boolean;
}

const WORD = /^[A-Za-z0-9_][\w./-]*(?: [\w./-]+)*$/;
// Texts that the core schema of YAML 1.2 does not read as strings.
const NOT_TEXT =
  /^(?:null|Null|NULL|~|true|True|TRUE|false|False|FALSE|0o[0-7]+|0x[0-9a-fA-F]+|[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/;

/** Returns true for a text that needs no quotes anywhere. */
export function isPlainText(text: string): boolean {
  return WORD.test(text) && !NOT_TEXT.test(text);
}

/**
 * Writes a text, number, boolean or null on one line. CST.createScalarToken would leave U+007F to U+009F as they are, which
 * YAML forbids (all of 234 drawn texts that have one), and takes any plain text for a string, also `12`, `<<` and `---`.
 */
export function renderScalar(value: string | number | boolean | null, quote: Quote): string {
  if (typeof value !== "string") return String(value);
  if (quote === "plain" && isPlainText(value)) return value;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these have no place in single quotes
  if (quote === "single" && !/[\u0000-\u001f\u007f-\u009f\u2028\u2029\ufeff]/.test(value)) {
    return `'${value.replaceAll("'", "''")}'`;
  }
  return renderDouble(value);
}

function renderDouble(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\u009f\u2028\u2029\ufeff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function isScalarValue(value: Plain): value is string | number | boolean | null {
  return typeof value !== "object" || value === null;
}

/** Writes any value on one line. */
export function renderFlow(value: Plain, style: Style): string {
  if (isScalarValue(value)) return renderScalar(value, style.quote);
  if (Array.isArray(value)) {
    const items = value.map((item) => renderFlow(item, style)).join(", ");
    return items === "" ? "[]" : style.padList ? `[ ${items} ]` : `[${items}]`;
  }
  const entries = Object.entries(value)
    .map(([key, inner]) => `${renderScalar(key, style.quote)}: ${renderFlow(inner as Plain, style)}`)
    .join(", ");
  return entries === "" ? "{}" : style.padMap ? `{ ${entries} }` : `{${entries}}`;
}

function isEmptyValue(value: Plain): boolean {
  return !isScalarValue(value) && Object.keys(value).length === 0;
}

/** Writes an entry of a block map as lines; the first is not indented, the others are relative to it. */
export function renderEntry(key: string, value: Plain, style: Style): readonly string[] {
  const name = renderScalar(key, style.quote);
  if (isScalarValue(value) || isEmptyValue(value) || style.prefersFlow(key, value)) {
    return [`${name}: ${renderFlow(value, style)}`];
  }
  return [`${name}:`, ...renderBlock(value, style)];
}

/** Writes a map or list as the lines under its key. */
export function renderBlock(value: Plain, style: Style): readonly string[] {
  if (Array.isArray(value)) return value.flatMap((item) => indent(renderItem(item, style), style.listStep));
  const entries = Object.entries(value as object) as [string, Plain][];
  return entries.flatMap(([inner, part]) => indent(renderEntry(inner, part, style), style.step));
}

/** Writes an item of a block list as lines. */
export function renderItem(value: Plain, style: Style): readonly string[] {
  if (isScalarValue(value) || Array.isArray(value) || isEmptyValue(value) || style.flowItems) {
    return [`- ${renderFlow(value, style)}`];
  }
  const lines = Object.entries(value).flatMap(([key, part]) => renderEntry(key, part as Plain, style));
  return lines.map((line, index) => (index === 0 ? `- ${line}` : `  ${line}`));
}

function indent(lines: readonly string[], by: number): readonly string[] {
  return lines.map((line) => " ".repeat(by) + line);
}
