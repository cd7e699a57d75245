/** A piece of an HCL text that matters for finding blocks. */
export type HclToken =
  | { readonly kind: "word"; readonly text: string }
  /** A quoted string; `text` is undefined when a template makes its value unknown. */
  | { readonly kind: "string"; readonly text: string | undefined }
  | { readonly kind: "mark"; readonly text: string }
  | { readonly kind: "newline" };

const WORD = /[\p{ID_Start}_\d][\p{ID_Continue}.-]*/uy;
const SPACE = /[^\S\n]+/y;
const LINE_COMMENT = /(?:#|\/\/)[^\n]*/y;
const BLOCK_COMMENT = /\/\*[\s\S]*?(?:\*\/|$)/y;
const HEREDOC = /<<-?([\p{ID_Start}_][\p{ID_Continue}-]*)[^\n]*\n/uy;

/**
 * Splits an HCL text into tokens: comments are gone, and what stands in strings, templates and heredocs is no token.
 * Not a check of the syntax: Terraform makes that itself. Never throws, and reads each character once.
 */
export function toHclTokens(text: string): HclToken[] {
  const tokens: HclToken[] = [];
  let at = text.startsWith("\uFEFF") ? 1 : 0;
  while (at < text.length) {
    const { end, token } = readToken(text, at);
    if (token) tokens.push(token);
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
  if (character === "\n") return { end: at + 1, token: { kind: "newline" } };
  if (character === '"') return readString(text, at);
  const heredoc = match(HEREDOC, text, at);
  if (heredoc) return { end: endOfHeredoc(text, at + heredoc[0].length, heredoc[1] ?? ""), token: unknownString };
  const word = match(WORD, text, at);
  if (word) return { end: at + word[0].length, token: { kind: "word", text: word[0] } };
  return { end: at + 1, token: { kind: "mark", text: character } };
}

const unknownString: HclToken = { kind: "string", text: undefined };

function readString(text: string, start: number): Read {
  const { end, hasTemplate } = endOfString(text, start + 1);
  if (hasTemplate) return { end, token: unknownString };
  return { end, token: { kind: "string", text: toUnescaped(text.slice(start + 1, end - 1)) } };
}

/** The place after the closing quote; at a line end a string that was never closed ends too. */
function endOfString(text: string, start: number): { end: number; hasTemplate: boolean } {
  let at = start;
  let hasTemplate = false;
  while (at < text.length) {
    const character = text.charAt(at);
    if (character === '"') return { end: at + 1, hasTemplate };
    if (character === "\n") return { end: at, hasTemplate };
    if (beginsTemplate(text, at)) {
      hasTemplate = true;
      at = endOfTemplate(text, at + 2);
    } else at += lengthOfUnit(text, at);
  }
  return { end: at, hasTemplate };
}

/** Escapes are read as one, so that an escaped quote does not end a string and `$${` begins no template. */
function lengthOfUnit(text: string, at: number): number {
  if (text.charAt(at) === "\\") return 2;
  return text.startsWith("$${", at) || text.startsWith("%%{", at) ? 3 : 1;
}

function beginsTemplate(text: string, at: number): boolean {
  return text.startsWith("${", at) || text.startsWith("%{", at);
}

/**
 * The place after the brace that closes a template. Strings inside may hold templates again: what is open stands on a
 * stack of our own, because a hostile text may nest deeper than calls can.
 */
function endOfTemplate(text: string, start: number): number {
  const open: ("brace" | "quote")[] = ["brace"];
  let at = start;
  while (at < text.length && open.length > 0) {
    const next = open.at(-1) === "quote" ? stepInString(text, at, open) : stepInCode(text, at, open);
    at = next;
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

/** The place after the line that holds nothing but the marker; a marker inside a template does not count. */
function endOfHeredoc(text: string, start: number, marker: string): number {
  let at = start;
  while (at < text.length) {
    const lineEnd = text.indexOf("\n", at) === -1 ? text.length : text.indexOf("\n", at);
    if (text.slice(at, lineEnd).trim() === marker) return lineEnd;
    at = afterLine(text, at, lineEnd);
  }
  return text.length;
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
