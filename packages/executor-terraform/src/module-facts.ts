import { isAbsolute } from "node:path";
import { defined, isMap, parseJson } from "@stackyard/core";

/** The root module's backend. */
export type DeclaredBackend =
  | { readonly kind: "cloud" }
  | {
      readonly kind: "backend";
      readonly type: string;
      /** True for a `local` backend that writes into the module's own folder. */
      readonly inFolder: boolean;
    };

/** The facts in the root module's own files. */
export interface ModuleFacts {
  readonly backend?: DeclaredBackend;
  /** Names of the declared variables; true: marked as sensitive. */
  readonly variables: ReadonlyMap<string, boolean>;
}

/** A configuration file of the root module. */
export interface ModuleFile {
  readonly name: string;
  readonly text: string;
}

/** Returns true for the names that Terraform, or OpenTofu too, reads in a module's folder. */
export function isModuleFile(name: string): boolean {
  return /^[^.#].*\.(tf|tofu)(\.json)?$/.test(name);
}

/** Reads the facts that a run needs before `init`: override files last, because they take precedence. */
export function findModuleFacts(files: readonly ModuleFile[]): ModuleFacts {
  const ordered = [...files].sort((a, b) => Number(isOverride(a.name)) - Number(isOverride(b.name)));
  const parts = ordered.map(({ name, text }) => (name.endsWith(".json") ? findInJson(text) : findInHcl(text)));
  const backend = parts.findLast((part) => part.backend !== undefined)?.backend;
  const variables = new Map<string, boolean>();
  for (const [name, sensitive] of parts.flatMap((part) => [...part.variables])) {
    variables.set(name, sensitive || variables.get(name) === true);
  }
  return { variables, ...defined({ backend }) };
}

function isOverride(name: string): boolean {
  return /(^|_)override\.(tf|tofu)(\.json)?$/.test(name);
}

/** A block with its attributes as far as they matter: the first token of each value. */
interface Block {
  readonly type: string;
  readonly labels: readonly string[];
  readonly attributes: Map<string, HclToken>;
  readonly blocks: Block[];
}

function findInHcl(text: string): ModuleFacts {
  const root = toBlocks(toHclTokens(text));
  const variables = root.blocks
    .filter((block) => block.type === "variable" && block.labels.length === 1)
    .map((block): [string, boolean] => [block.labels[0] ?? "", isTrue(block.attributes.get("sensitive"))]);
  const settings = root.blocks.filter((block) => block.type === "terraform").flatMap((block) => block.blocks);
  const backend = settings.map(toBackend).findLast((found) => found !== undefined);
  return { variables: new Map(variables), ...defined({ backend }) };
}

function isTrue(token: HclToken | undefined): boolean {
  return token?.kind === "word" && token.text === "true";
}

function toBackend({ type, labels, attributes }: Block): DeclaredBackend | undefined {
  if (type === "cloud") return { kind: "cloud" };
  if (type !== "backend" || labels[0] === undefined) return undefined;
  const path = attributes.get("path");
  // A path that has to be computed is taken for a good one.
  const given = path?.kind === "string" ? path.text : undefined;
  return toDeclared(labels[0], given, path === undefined);
}

function toDeclared(type: string, path: string | undefined, isDefault: boolean): DeclaredBackend {
  const inFolder = type === "local" && (isDefault || (path !== undefined && !isAbsolute(path)));
  return { kind: "backend", type, inFolder };
}

/** Parses the tree of blocks. Skips unknown syntax, up to the next line. */
function toBlocks(tokens: readonly HclToken[]): Block {
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
    const value = tokens[at + 2];
    if (value) parent.attributes.set(name, value);
    return { end: endOfValue(tokens, at + 2) };
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

function findInJson(text: string): ModuleFacts {
  const root = parseJson(text);
  const variables = toObjects(root, "variable").flatMap((named) =>
    Object.entries(named).map(([name, body]): [string, boolean] => [name, isSensitive(body)]),
  );
  const settings = toObjects(root, "terraform");
  const types = settings.flatMap((body) => toObjects(body, "backend")).flatMap((named) => Object.entries(named));
  const [type, body] = types.at(-1) ?? [];
  const cloud = settings.some((settingsBody) => toObjects(settingsBody, "cloud").length > 0);
  if (cloud) return { variables: new Map(variables), backend: { kind: "cloud" } };
  if (type === undefined) return { variables: new Map(variables) };
  const path = isMap(body) && typeof body["path"] === "string" ? body["path"] : undefined;
  return { variables: new Map(variables), backend: toDeclared(type, path, path === undefined) };
}

/** Returns the bodies of JSON blocks: an object or a list of them; `//` is a comment. */
function toObjects(parent: unknown, key: string): Readonly<Record<string, unknown>>[] {
  const bodies = (Array.isArray(parent) ? parent : [parent]).filter(isMap).map((object) => object[key]);
  return bodies
    .flatMap((body) => (Array.isArray(body) ? body : [body]))
    .filter(isMap)
    .map((body) => Object.fromEntries(Object.entries(body).filter(([name]) => name !== "//")));
}

function isSensitive(body: unknown): boolean {
  return (Array.isArray(body) ? body : [body]).some((part) => isMap(part) && part["sensitive"] === true);
}

/** A piece of an HCL text that matters for finding blocks. */
type HclToken =
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
 * Splits an HCL text into tokens. Drops comments; strings, templates and heredocs are one token each. Does not check
 * the syntax: Terraform does. Never throws, and reads each character once.
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

/** Returns the place after the closing quote; an unclosed string ends at its line end. */
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

/** Returns the place after the line with only the marker; a marker inside a template does not count. */
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

/** The three numbers of a version; what follows a hyphen is a pre-release. */
interface Version {
  readonly numbers: readonly number[];
  readonly prerelease: string;
}

const VERSION = /^v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?$/;
const CONDITION = /^(=|!=|>=|<=|>|<|~>)?\s*(\S+)$/;

/** Returns true if the text is a constraint that `allowsVersion` supports. */
export function isVersionConstraint(text: string): boolean {
  return text.split(",").every((part) => parseCondition(part) !== undefined);
}

/**
 * Returns true if the version matches the constraint, in the syntax of Terraform's `required_version`: `1.11.4`, `>=
 * 1.6, < 2.0`, `~> 1.11.0`. A pre-release comes before its release.
 */
export function allowsVersion(constraint: string, version: string): boolean {
  const actual = parseVersion(version);
  if (actual === undefined) return false;
  return constraint.split(",").every((part) => parseCondition(part)?.(actual) ?? false);
}

type Condition = (actual: Version) => boolean;

function parseCondition(part: string): Condition | undefined {
  const [, operator = "=", text = ""] = CONDITION.exec(part.trim()) ?? [];
  const wanted = parseVersion(text);
  return wanted && conditions.get(operator)?.(wanted);
}

const conditions: ReadonlyMap<string, (wanted: Version) => Condition> = new Map<string, (wanted: Version) => Condition>(
  [
    ["=", (wanted) => (actual) => compare(actual, wanted) === 0],
    ["!=", (wanted) => (actual) => compare(actual, wanted) !== 0],
    [">=", (wanted) => (actual) => compare(actual, wanted) >= 0],
    ["<=", (wanted) => (actual) => compare(actual, wanted) <= 0],
    [">", (wanted) => (actual) => compare(actual, wanted) > 0],
    ["<", (wanted) => (actual) => compare(actual, wanted) < 0],
    // The last number that is written may grow: `~> 1.11.0` is any 1.11, `~> 1.11` any 1 from there.
    ["~>", (wanted) => (actual) => compare(actual, wanted) >= 0 && sharesAllButLast(wanted, actual)],
  ],
);

function parseVersion(text: string): Version | undefined {
  const [, major, minor, patch, prerelease = ""] = VERSION.exec(text) ?? [];
  if (major === undefined) return undefined;
  return { numbers: [major, minor, patch].filter((part) => part !== undefined).map(Number), prerelease };
}

function compare(a: Version, b: Version): number {
  const places = [0, 1, 2].map((place) => (a.numbers[place] ?? 0) - (b.numbers[place] ?? 0));
  return places.find((difference) => difference !== 0) ?? comparePrerelease(a.prerelease, b.prerelease);
}

function comparePrerelease(a: string, b: string): number {
  if (a === b) return 0;
  if (a === "") return 1;
  return b === "" ? -1 : a.localeCompare(b, "en", { numeric: true });
}

function sharesAllButLast(wanted: Version, actual: Version): boolean {
  return wanted.numbers.slice(0, -1).every((number, place) => number === (actual.numbers[place] ?? 0));
}
