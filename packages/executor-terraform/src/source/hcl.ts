/** A block with its attributes: the tokens of each value. */
export interface Block {
  readonly type: string;
  readonly labels: readonly string[];
  readonly attributes: Map<string, readonly HclToken[]>;
  readonly blocks: Block[];
}

/** Parses the tree of blocks of a text in HCL. Skips unknown syntax, up to the next line. */
export function toBlocks(text: string): Block {
  const tokens = toHclTokens(text);
  const root: Block = { type: "", labels: [], attributes: new Map(), blocks: [] };
  const open = [root];
  let at = 0;
  while (at < tokens.length) {
    const token = tokens[at];
    if (token?.kind === "mark" && token.text === "}" && open.length > 1) open.pop();
    const begun = token?.kind === "word" ? readItem(tokens, at, token.text, open.at(-1) ?? root) : { end: at + 1 };
    if (begun.block) open.push(begun.block);
    at = begun.end;
  }
  return root;
}

function readItem(
  tokens: readonly HclToken[],
  at: number,
  name: string,
  parent: Block,
): { end: number; block?: Block } {
  const after = tokens[at + 1];
  if (after?.kind === "mark" && after.text === "=") {
    const end = endOfValue(tokens, at + 2);
    parent.attributes.set(name, tokens.slice(at + 2, end));
    return { end };
  }
  const labels: string[] = [];
  let next = at + 1;
  for (let label = toLabel(tokens[next]); label !== undefined; label = toLabel(tokens[next])) {
    labels.push(label);
    next += 1;
  }
  const brace = tokens[next];
  if (brace?.kind !== "mark" || brace.text !== "{") return { end: next };
  const block: Block = { type: name, labels, attributes: new Map(), blocks: [] };
  parent.blocks.push(block);
  return { end: next + 1, block };
}

function toLabel(token: HclToken | undefined): string | undefined {
  return token?.kind === "word" || token?.kind === "string" ? token.text : undefined;
}

/** Returns the end of a value: its line's, unless a bracket is open, or before the brace that closes its block. */
function endOfValue(tokens: readonly HclToken[], start: number): number {
  let depth = 0;
  for (let at = start; at < tokens.length; at += 1) {
    const token = tokens[at];
    if (token?.kind === "newline" && depth === 0) return at;
    if (token?.kind !== "mark") continue;
    if ("{[(".includes(token.text)) depth += 1;
    if ("}])".includes(token.text)) depth -= 1;
    if (depth < 0) return at;
  }
  return tokens.length;
}

/** An attribute at the top level of a text, from its name to the end of its value. */
interface Attribute {
  readonly name: string;
  readonly start: number;
  readonly end: number;
  /** False if it has no value, or the text ends within its value. */
  readonly isWhole: boolean;
}

/** Returns the attributes at the top level of a text, as a file of variables has them. */
export function findAttributes(text: string): readonly Attribute[] {
  const tokens = toHclTokens(text);
  const found: Attribute[] = [];
  let at = 0;
  while (at < tokens.length) {
    const [token, after] = [tokens[at], tokens[at + 1]];
    if (token?.kind === "word" && after?.kind === "mark" && after.text === "=") {
      const next = endOfValue(tokens, at + 2);
      const isWhole = isClosed(tokens.slice(at + 2, next));
      found.push({ name: token.text, start: token.start, end: tokens[next - 1]?.end ?? text.length, isWhole });
      at = next;
    } else at += 1;
  }
  return found;
}

/** Returns true for a value that does not end within a bracket, a string or an operation. */
function isClosed(value: readonly HclToken[]): boolean {
  const [first, last] = [value[0], value.at(-1)];
  // A heredoc without its first line.
  if (last === undefined || isMarkOf(first, "<")) return false;
  if (last.kind === "mark" && !isMarkOf(last, "}])")) return false;
  const count = (marks: string) => value.filter((token) => isMarkOf(token, marks)).length;
  return count("{[(") === count("}])") && value.every((token) => token.kind !== "string" || token.isOpen !== true);
}

function isMarkOf(token: HclToken | undefined, marks: string): boolean {
  return token?.kind === "mark" && marks.includes(token.text);
}

/** Returns the texts and numbers in a value, and not the names of members of objects. */
export function listTexts(value: readonly HclToken[]): readonly string[] {
  const isName = (at: number): boolean => {
    const next = value[at + 1];
    return next?.kind === "mark" && "=:".includes(next.text);
  };
  return value.flatMap((token, at) => {
    const isValue = token.kind === "string" || (token.kind === "word" && /^\d/.test(token.text));
    return isValue && token.text !== undefined && !isName(at) ? [token.text] : [];
  });
}

/** A piece of an HCL text, with its place in it. */
export type HclToken = (
  | { readonly kind: "word"; readonly text: string }
  /** A quoted string; `text` is undefined when a template makes its value unknown. `isOpen`: it has no end. */
  | { readonly kind: "string"; readonly text: string | undefined; readonly isOpen?: true }
  | { readonly kind: "mark"; readonly text: string }
  | { readonly kind: "newline" }
) & { readonly start: number; readonly end: number };

const WORD = /[\p{ID_Start}_\d][\p{ID_Continue}.-]*/uy;
const SPACE = /[^\S\n]+/y;
const LINE_COMMENT = /(?:#|\/\/)[^\n]*/y;
const BLOCK_COMMENT = /\/\*[\s\S]*?(?:\*\/|$)/y;
const HEREDOC = /<<-?([\p{ID_Start}_][\p{ID_Continue}-]*)/uy;

/** About 60 MiB of memory. A file of two megabytes that people or programs write has fewer. */
const MAX_TOKENS = 500_000;

/** A text that has more tokens than the memory of a worker is meant for. */
export class HclTooLarge extends Error {
  constructor() {
    super(`The text has more than ${MAX_TOKENS} tokens.`);
    this.name = "HclTooLarge";
  }
}

/**
 * Splits an HCL text into tokens. Drops comments; strings, templates and heredocs are one token each. Does not check
 * the syntax: Terraform does. Reads each character once. Throws only `HclTooLarge`.
 */
export function toHclTokens(text: string): HclToken[] {
  const tokens: HclToken[] = [];
  let at = text.startsWith("\uFEFF") ? 1 : 0;
  while (at < text.length) {
    const { end, token } = readToken(text, at);
    if (token) tokens.push(token);
    if (tokens.length > MAX_TOKENS) throw new HclTooLarge();
    at = end;
  }
  return tokens;
}

interface Read {
  readonly end: number;
  readonly token?: HclToken;
}

function readToken(text: string, at: number): Read {
  const skipped = match(SPACE, text, at) ?? match(LINE_COMMENT, text, at) ?? match(BLOCK_COMMENT, text, at);
  if (skipped) return { end: at + skipped[0].length };
  const character = text.charAt(at);
  if (character === "\n") return { end: at + 1, token: { kind: "newline", start: at, end: at + 1 } };
  if (character === '"') return readString(text, at);
  const heredoc = match(HEREDOC, text, at);
  if (heredoc) {
    const lineEnd = text.indexOf("\n", at);
    const end = lineEnd === -1 ? undefined : endOfHeredoc(text, lineEnd + 1, heredoc[1] ?? "");
    return toUnknownString(at, end ?? text.length, end !== undefined);
  }
  const [word = ""] = match(WORD, text, at) ?? [];
  const end = at + (word === "" ? 1 : word.length);
  if (word === "") return { end, token: { kind: "mark", text: character, start: at, end } };
  return { end, token: { kind: "word", text: word, start: at, end } };
}

function toUnknownString(start: number, end: number, hasEnd: boolean): Read {
  return { end, token: { kind: "string", text: undefined, start, end, ...(!hasEnd && { isOpen: true }) } };
}

function readString(text: string, start: number): Read {
  const { end, hasTemplate, hasEnd } = endOfString(text, start + 1);
  if (hasTemplate) return toUnknownString(start, end, hasEnd);
  const content = toUnescaped(text.slice(start + 1, end - 1));
  return { end, token: { kind: "string", text: content, start, end, ...(!hasEnd && { isOpen: true }) } };
}

/** Returns the place after the closing quote; an unclosed string ends at its line end. */
function endOfString(text: string, start: number): { end: number; hasTemplate: boolean; hasEnd: boolean } {
  let at = start;
  let hasTemplate = false;
  while (at < text.length) {
    const character = text.charAt(at);
    if (character === '"') return { end: at + 1, hasTemplate, hasEnd: true };
    if (character === "\n") return { end: at, hasTemplate, hasEnd: false };
    if (beginsTemplate(text, at)) {
      hasTemplate = true;
      at = endOfTemplate(text, at + 2);
    } else at += lengthOfUnit(text, at);
  }
  return { end: at, hasTemplate, hasEnd: false };
}

/**
 * Returns the length of a unit. An escape is one, so that an escaped quote does not end a string and `$${` begins no
 * template.
 */
function lengthOfUnit(text: string, at: number): number {
  if (text.charAt(at) === "\\") return 2;
  return text.startsWith("$${", at) || text.startsWith("%%{", at) ? 3 : 1;
}

function beginsTemplate(text: string, at: number): boolean {
  return text.startsWith("${", at) || text.startsWith("%{", at);
}

/**
 * Returns the place after the brace that closes a template. Strings inside may contain templates again: open ones are
 * kept on an explicit stack, because a hostile text may nest deeper than the call stack allows.
 */
function endOfTemplate(text: string, start: number): number {
  const open: ("brace" | "quote")[] = ["brace"];
  let at = start;
  while (at < text.length && open.length > 0) {
    at = open.at(-1) === "quote" ? stepInString(text, at, open) : stepInCode(text, at, open);
  }
  return at;
}

function stepInString(text: string, at: number, open: ("brace" | "quote")[]): number {
  if (beginsTemplate(text, at)) {
    open.push("brace");
    return at + 2;
  }
  if (text.charAt(at) === '"') open.pop();
  return at + lengthOfUnit(text, at);
}

function stepInCode(text: string, at: number, open: ("brace" | "quote")[]): number {
  const comment = match(LINE_COMMENT, text, at) ?? match(BLOCK_COMMENT, text, at);
  if (comment) return at + comment[0].length;
  const character = text.charAt(at);
  if (character === '"') open.push("quote");
  if (character === "{") open.push("brace");
  if (character === "}") open.pop();
  return at + 1;
}

/**
 * Returns the place after the line with only the marker; a marker inside a template does not count. Undefined: there is no
 * such line.
 */
function endOfHeredoc(text: string, start: number, marker: string): number | undefined {
  let at = start;
  while (at < text.length) {
    const lineEnd = text.indexOf("\n", at) === -1 ? text.length : text.indexOf("\n", at);
    if (text.slice(at, lineEnd).trim() === marker) return lineEnd;
    at = afterLine(text, at, lineEnd);
  }
  return undefined;
}

function afterLine(text: string, start: number, lineEnd: number): number {
  let at = start;
  while (at < lineEnd) {
    if (beginsTemplate(text, at)) {
      at = endOfTemplate(text, at + 2);
      if (at > lineEnd) return at;
    } else at += text.charAt(at) === "\\" ? 1 : lengthOfUnit(text, at);
  }
  return lineEnd + 1;
}

function toUnescaped(raw: string): string {
  return raw.replace(/\\(["\\])/g, "$1").replace(/([$%])\1\{/g, "$1{");
}

function match(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}
