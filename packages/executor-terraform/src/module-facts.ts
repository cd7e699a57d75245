import { isAbsolute } from "node:path";
import { type HclToken, toHclTokens } from "./hcl-tokens.ts";
import { isJsonObject, parseJson } from "./json-object.ts";

/** Where the root module keeps its state. */
export type DeclaredBackend =
  | { readonly kind: "cloud" }
  | {
      readonly kind: "backend";
      readonly type: string;
      /** True: a `local` backend that writes into the module's own folder. */
      readonly inFolder: boolean;
    };

/** What the root module's own files say. */
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

/** True for the names that Terraform, or OpenTofu too, reads in a module's folder. */
export function isModuleFile(name: string): boolean {
  return /^[^.#].*\.(tf|tofu)(\.json)?$/.test(name);
}

/** Reads what a run has to know before `init`: override files last, because what they say wins. */
export function findModuleFacts(files: readonly ModuleFile[]): ModuleFacts {
  const ordered = [...files].sort((a, b) => Number(isOverride(a.name)) - Number(isOverride(b.name)));
  const parts = ordered.map(({ name, text }) => (name.endsWith(".json") ? findInJson(text) : findInHcl(text)));
  const backend = parts.findLast((part) => part.backend !== undefined)?.backend;
  const variables = new Map<string, boolean>();
  for (const [name, sensitive] of parts.flatMap((part) => [...part.variables])) {
    variables.set(name, sensitive || variables.get(name) === true);
  }
  return { variables, ...(backend === undefined ? {} : { backend }) };
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
  return { variables: new Map(variables), ...(backend === undefined ? {} : { backend }) };
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

/** The tree of blocks. What it does not understand it passes over, as far as the next line. */
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

/** A value ends with its line, unless a bracket is open, or before the brace that closes its block. */
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
  const path = isJsonObject(body) && typeof body["path"] === "string" ? body["path"] : undefined;
  return { variables: new Map(variables), backend: toDeclared(type, path, path === undefined) };
}

/** In JSON a block is an object or a list of them; `//` holds a comment. */
function toObjects(parent: unknown, key: string): Readonly<Record<string, unknown>>[] {
  const bodies = (Array.isArray(parent) ? parent : [parent]).filter(isJsonObject).map((object) => object[key]);
  return bodies
    .flatMap((body) => (Array.isArray(body) ? body : [body]))
    .filter(isJsonObject)
    .map((body) => Object.fromEntries(Object.entries(body).filter(([name]) => name !== "//")));
}

function isSensitive(body: unknown): boolean {
  return (Array.isArray(body) ? body : [body]).some((part) => isJsonObject(part) && part["sensitive"] === true);
}
