import type { NameKind } from "./operation.ts";

/** A name in an expression. */
export interface Mention {
  /** `literal`: a text that equals a name and may mean something else. */
  readonly what: NameKind | "literal";
  readonly name: string;
  /** The part to replace by another name: `.NAME`, or the text in its quotes. */
  readonly from: number;
  readonly to: number;
  readonly form: "member" | "text";
  /** Inside `has()`, which accepts no index. */
  readonly inHas: boolean;
}

interface Token {
  readonly isName: boolean;
  readonly text: string;
  readonly from: number;
  readonly to: number;
}

// Triple quotes first; numbers and everything else are single signs.
const TOKEN =
  /\/\/[^\n]*|[rRbB]{0,2}(?:'''[\s\S]*?'''|"""[\s\S]*?"""|'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")|[A-Za-z_]\w*|==|!=|[\s\S]/g;

const NAME = /^[A-Za-z_]\w*$/;

function tokenize(source: string): readonly Token[] {
  const matches = [...source.matchAll(TOKEN)].filter(({ 0: text }) => text.trim() !== "" && !text.startsWith("//"));
  return matches.map(({ 0: text, index: from }) => ({ isName: NAME.test(text), text, from, to: from + text.length }));
}

/** Returns the content of a plain quoted text; undefined for prefixes, triple quotes, escapes and other tokens. */
function contentOf({ text }: Token): string | undefined {
  return /^(?:'[^'\\]*'|"[^"\\]*")$/.test(text) ? text.slice(1, -1) : undefined;
}

/** Returns the names that an expression of CEL mentions. */
export function findMentions(source: string): readonly Mention[] {
  const tokens = tokenize(source);
  const mentions: Mention[] = [];
  const taken = new Set<Token>();
  const add = (what: Mention["what"], token: Token | undefined, inHas = false) => {
    const name = token && contentOf(token);
    if (token === undefined || name === undefined || taken.has(token)) return;
    taken.add(token);
    mentions.push({ what, name, from: token.from, to: token.to, form: "text", inHas });
  };
  for (const [index, token] of tokens.entries()) {
    if (!token.isName || tokens[index - 1]?.text === ".") continue;
    const member = readRoot(tokens, index);
    if (member !== undefined) addMember(tokens, member, { add, mentions, inHas: isInHas(tokens, index) });
    const compared = readCompared(tokens, index);
    if (compared !== undefined) for (const text of compared.texts) add(compared.what, text);
  }
  for (const token of tokens) add("literal", token);
  return mentions.toSorted((a, b) => a.from - b.from);
}

interface Root {
  readonly what: NameKind;
  /** The index of the first token after the root. */
  readonly next: number;
  readonly start: number;
}

/** Parses `tasks`, `metadata`, `event.metadata` and `stack.visits`, which have names as members. */
function readRoot(tokens: readonly Token[], index: number): Root | undefined {
  const texts = [0, 1, 2].map((at) => tokens[index + at]?.text);
  if (texts[0] === "tasks") return { what: "task", next: index + 1, start: index };
  if (texts[0] === "metadata") return { what: "metadata", next: index + 1, start: index };
  if (texts.join("") === "event.metadata") return { what: "metadata", next: index + 3, start: index };
  if (texts.join("") === "stack.visits") return { what: "state", next: index + 3, start: index };
  return undefined;
}

interface Sink {
  readonly add: (what: Mention["what"], token: Token | undefined, inHas: boolean) => void;
  readonly mentions: Mention[];
  readonly inHas: boolean;
}

function addMember(tokens: readonly Token[], { what, next, start }: Root, { add, mentions, inHas }: Sink): void {
  const [sign, name] = [tokens[next], tokens[next + 1]];
  if (sign?.text === "." && name?.isName) {
    mentions.push({ what, name: name.text, from: sign.from, to: name.to, form: "member", inHas });
  }
  if (sign?.text === "[") add(what, name, inHas);
  if (tokens[start - 1]?.text === "in") add(what, tokens[start - 2], inHas);
}

function isInHas(tokens: readonly Token[], index: number): boolean {
  return tokens[index - 1]?.text === "(" && tokens[index - 2]?.text === "has";
}

/** Returns the texts that are compared with `stack.state`, `stack.previousState` or `event.name`. */
function readCompared(
  tokens: readonly Token[],
  index: number,
): { what: NameKind; texts: readonly Token[] } | undefined {
  const subject = [0, 1, 2].map((at) => tokens[index + at]?.text).join("");
  const what = { "stack.state": "state", "stack.previousState": "state", "event.name": "event" }[subject];
  if (what === undefined) return undefined;
  const isEquality = (token: Token | undefined) => token?.text === "==" || token?.text === "!=";
  const texts = [
    isEquality(tokens[index + 3]) ? tokens[index + 4] : undefined,
    isEquality(tokens[index - 1]) ? tokens[index - 2] : undefined,
    ...(tokens[index + 3]?.text === "in" ? readList(tokens, index + 4) : []),
  ];
  return { what: what as NameKind, texts: texts.filter((token) => token !== undefined) };
}

function readList(tokens: readonly Token[], index: number): readonly Token[] {
  if (tokens[index]?.text !== "[") return [];
  const end = tokens.findIndex((token, at) => at > index && token.text === "]");
  return tokens.slice(index + 1, end);
}

/** Returns the expressions of a text: all of it, or what its placeholders contain. */
export function findExpressions(
  text: string,
  whole: boolean,
): readonly { readonly source: string; readonly from: number }[] {
  return whole ? [{ source: text, from: 0 }] : findPlaceholders(text);
}

// As core splits templates: braces in texts and comments of CEL do not count.
const PART = /'''[\s\S]*?'''|"""[\s\S]*?"""|'(?:\\[\s\S]|[^'\\])*'|"(?:\\[\s\S]|[^"\\])*"|\/\/[^\n]*|[\s\S]/y;

function findPlaceholders(text: string): readonly { readonly source: string; readonly from: number }[] {
  const found: { readonly source: string; readonly from: number }[] = [];
  let at = 0;
  for (const { index, 0: mark } of text.matchAll(/\$?\$\{/g)) {
    if (index < at || mark === "$${") continue;
    const from = index + mark.length;
    at = findEnd(text, from);
    found.push({ source: text.slice(from, at), from });
  }
  return found;
}

function findEnd(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; ) {
    PART.lastIndex = at;
    const part = PART.exec(text)?.[0] ?? " ";
    if (part === "{") depth += 1;
    if (part === "}") depth -= 1;
    if (depth < 0) return at;
    at += part.length;
  }
  return text.length;
}

/** Returns an expression with a mention renamed; undefined where the new name cannot be written. */
export function renameMention(source: string, mention: Mention, to: string): string | undefined {
  const old = source.slice(mention.from, mention.to);
  const text = writeMention(mention, old, to);
  return text === undefined ? undefined : source.slice(0, mention.from) + text + source.slice(mention.to);
}

function writeMention({ form, inHas }: Mention, old: string, to: string): string | undefined {
  if (/['"\\]/.test(to)) return undefined;
  if (form === "text") return `${old[0]}${to}${old[0]}`;
  if (NAME.test(to) && !RESERVED.has(to)) return `.${to}`;
  return inHas ? undefined : `['${to}']`;
}

const RESERVED = new Set(["in", "true", "false", "null"]);
