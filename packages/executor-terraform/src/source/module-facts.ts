import { defined, isMap, parseJson } from "@stackyard/core";
import { type Block, type HclToken, listTexts, toBlocks, toHclTokens } from "./hcl.ts";
import { parseFile } from "./parsed-files.ts";

/** A declared variable, as far as it matters before `init`. */
interface DeclaredVariable {
  /** True if the program may hide its value. */
  readonly sensitive: boolean;
  /** The texts and numbers in its default value. */
  readonly texts: readonly string[];
}

/** The facts in the root module's own files. */
export interface ModuleFacts {
  /** The type of the declared backend; `cloud` for a block of this name. */
  readonly backend?: string;
  readonly variables: ReadonlyMap<string, DeclaredVariable>;
}

/** A configuration file of the root module. */
export interface ModuleFile {
  readonly name: string;
  readonly text: string;
}

/** OpenTofu reads `.tofu` files since this version (its changelog, 1.8.0). */
const TOFU_FILES = ">= 1.8.0-alpha1";

/**
 * Returns the files that the program reads in a module's folder. Only OpenTofu reads `.tofu` files; there `x.tofu`
 * replaces `x.tf`, and `x.tofu.json` replaces `x.tf.json`. An unknown program reads what Terraform does.
 */
export function listModuleFiles(
  names: readonly string[],
  { product, version }: { readonly product: string; readonly version: string },
): readonly string[] {
  // The ignored names are those of editors: hidden files, and copies that end with `~` or are between two `#`.
  const read = names.filter((name) => !name.startsWith("."));
  const common = read.filter((name) => /\.tf(\.json)?$/.test(name));
  if (product !== "opentofu" || !allowsVersion(TOFU_FILES, version)) return common;
  const own = read.filter((name) => /\.tofu(\.json)?$/.test(name));
  const replaced = new Set(own.map((name) => name.replace(/\.tofu(\.json)?$/, ".tf$1")));
  return [...common.filter((name) => !replaced.has(name)), ...own];
}

/** Reads the facts that a run needs before `init`: override files last, in order of names, as the programs do. */
export function findModuleFacts(files: readonly ModuleFile[]): ModuleFacts {
  const ordered = [...files].sort(
    (a, b) => Number(isOverride(a.name)) - Number(isOverride(b.name)) || (a.name < b.name ? -1 : 1),
  );
  const parts = ordered.map(({ name, text }) => {
    return parseFile(name, () => (name.endsWith(".json") ? findInJson(text) : findInHcl(text)));
  });
  const backend = parts.findLast((part) => part.backend !== undefined)?.backend;
  const variables = new Map<string, DeclaredVariable>();
  for (const [name, { sensitive, texts }] of parts.flatMap((part) => [...part.variables])) {
    const known = variables.get(name);
    variables.set(name, {
      sensitive: sensitive || known?.sensitive === true,
      texts: [...(known?.texts ?? []), ...texts],
    });
  }
  return { variables, ...defined({ backend }) };
}

function isOverride(name: string): boolean {
  return /(^|_)override\.(tf|tofu)(\.json)?$/.test(name);
}

/** Attributes that hide a variable's value. */
const HIDING = ["sensitive", "ephemeral"];

function findInHcl(text: string): ModuleFacts {
  const root = toBlocks(text);
  const variables = root.blocks
    .filter((block) => block.type === "variable" && block.labels.length === 1)
    .map(({ labels, attributes }): [string, DeclaredVariable] => {
      const sensitive = HIDING.some((name) => mayBeTrue(attributes.get(name)));
      return [labels[0] ?? "", { sensitive, texts: listTexts(attributes.get("default") ?? []) }];
    });
  const settings = root.blocks.filter((block) => block.type === "terraform").flatMap((block) => block.blocks);
  const backend = settings.map(toBackend).findLast((found) => found !== undefined);
  return { variables: new Map(variables), ...defined({ backend }) };
}

/** Returns false only for what is certainly not true: `"true"`, `(true)` and calculations are true for Terraform too. */
function mayBeTrue(value: readonly HclToken[] = []): boolean {
  const tokens = value.filter(
    (token) => token.kind !== "newline" && !(token.kind === "mark" && "()".includes(token.text)),
  );
  const [first] = tokens;
  if (first === undefined) return false;
  return tokens.length > 1 || !("text" in first) || !["false", "null"].includes(first.text ?? "");
}

function toBackend({ type, labels }: Block): string | undefined {
  if (type === "cloud") return "cloud";
  return type === "backend" ? labels[0] : undefined;
}

function findInJson(text: string): ModuleFacts {
  const root = parseJson(text);
  const variables = toObjects(root, "variable").flatMap((named) =>
    Object.entries(named).map(([name, body]): [string, DeclaredVariable] => {
      return [name, { sensitive: isHiding(body), texts: listTexts(toHclTokens(JSON.stringify(toDefaults(body)))) }];
    }),
  );
  const settings = toObjects(root, "terraform");
  const types = settings.flatMap((body) => toObjects(body, "backend")).flatMap((named) => Object.keys(named));
  const isCloud = settings.some((body) => toObjects(body, "cloud").length > 0);
  return { variables: new Map(variables), ...defined({ backend: isCloud ? "cloud" : types.at(-1) }) };
}

/** Returns the bodies of JSON blocks: an object or a list of them; `//` is a comment. */
function toObjects(parent: unknown, key: string): Readonly<Record<string, unknown>>[] {
  const bodies = (Array.isArray(parent) ? parent : [parent]).filter(isMap).map((object) => object[key]);
  return bodies
    .flatMap((body) => (Array.isArray(body) ? body : [body]))
    .filter(isMap)
    .map((body) => Object.fromEntries(Object.entries(body).filter(([name]) => name !== "//")));
}

function isHiding(body: unknown): boolean {
  const parts = (Array.isArray(body) ? body : [body]).filter(isMap);
  return parts.some((part) => HIDING.some((name) => ![undefined, null, false, "false"].includes(toPlain(part[name]))));
}

function toDefaults(body: unknown): readonly unknown[] {
  return (Array.isArray(body) ? body : [body]).filter(isMap).map((part) => part["default"] ?? null);
}

function toPlain(value: unknown): string | boolean | null | undefined {
  return typeof value === "boolean" || value === undefined || value === null ? value : String(value);
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
