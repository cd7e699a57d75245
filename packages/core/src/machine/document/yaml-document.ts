import { utf8ToBytes } from "@noble/hashes/utils.js";
import type { Static, TSchema } from "typebox";
import { MACHINE_LIMITS, suggestOrList } from "./compile-context.ts";
import { createProblemList, type Problem, type ProblemList, type Spot } from "./problem-list.ts";
import { readYaml } from "./read-yaml.ts";
import { listSchemaFaults, type SchemaFault } from "./schema-faults.ts";
import { type Field, findInside, type Path, type TreeNode, toValue } from "./tree.ts";
import { describe, quote } from "./wording.ts";

/** A document of a plugin, such as a mapping of hooks or a file of policies. */
export interface YamlDocument<Content> {
  /** Undefined when the document has problems. */
  readonly value: Content | undefined;
  /** In the order of the document. Codes: `yaml-syntax`, `limit-exceeded`, `unknown-key`, `missing-key`, `invalid-value`. */
  readonly problems: readonly Problem[];
  /** Returns a problem at the value that these keys lead to; where they end early, at the last that exists. */
  problemAt(path: Path, code: string, message: string): Problem;
}

/**
 * Reads a YAML 1.2 document (so JSON too) with aliases and merges, and checks it against a schema. The source has at most
 * 256 KiB and the bounds of machines. Of the faults against the schema the first eight are listed. Never throws.
 */
export function parseYamlDocument<Schema extends TSchema>(
  source: string,
  schema: Schema,
): YamlDocument<Static<Schema>> {
  const problems = createProblemList({ strict: true, maxProblems: MAX_PROBLEMS });
  const tree = readBounded(source, problems);
  const root: Field = { path: [], keyAt: START, node: tree ?? { kind: "map", at: START, entries: new Map() } };
  if (tree) checkSchema(schema, root, (path, code, message) => problems.error(code, toSpot(root, path), message));
  const value = problems.hasErrors() ? undefined : (toValue(root.node) as Static<Schema>);
  return {
    value,
    problems: problems.toProblems(),
    problemAt(path, code, message) {
      return { severity: "error", code, path: path.join("."), ...toSpot(root, path).at, message };
    },
  };
}

const START = { line: 1, column: 1 };
const MAX_PROBLEMS = 100;

type Report = (path: Path, code: string, message: string) => void;

function readBounded(source: string, problems: ProblemList): TreeNode | undefined {
  const { maxBytes } = MACHINE_LIMITS;
  // A byte is at least a third of a UTF-16 unit, so that huge texts are not even encoded.
  const bytes = source.length > maxBytes ? source.length : utf8ToBytes(source).length;
  if (bytes <= maxBytes) return readYaml(source.replace(/^\uFEFF/, ""), MACHINE_LIMITS, problems);
  const message = `The document has ${bytes} bytes or more; ${maxBytes} are allowed.`;
  problems.error("limit-exceeded", { path: [], at: START }, message);
  return undefined;
}

function toSpot(root: Field, path: Path): Spot {
  const field = findInside(root, path);
  return { path, at: field.node.at };
}

/** Reports each fault once: what is wrong with the branches of a union is one fault of the value. */
function checkSchema(schema: TSchema, root: Field, report: Report): void {
  const faults = listSchemaFaults(schema, toValue(root.node));
  const unions = faults.filter(({ keyword }) => keyword === "anyOf").map(({ schemaPath }) => `${schemaPath}/anyOf/`);
  const firstOf = (path: string) => faults.find((each) => each.keyword === "const" && each.instancePath === path);
  for (const fault of faults.filter((each) => each.keyword !== "const" || each === firstOf(each.instancePath))) {
    if (unions.some((union) => fault.schemaPath.startsWith(union))) continue;
    const path = toPath(fault.instancePath);
    if (fault.keyword === "boolean") report(path, "unknown-key", formatUnknownKey(schema, path, fault));
    else if (fault.keyword === "required") reportMissing(path, listRequired(fault), report);
    else if (fault.keyword !== "additionalProperties") {
      report(path, "invalid-value", formatInvalid(findInside(root, path).node, path, fault, faults));
    }
  }
}

function toPath(pointer: string): Path {
  const keys = pointer.split("/").slice(1);
  return keys.map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function formatUnknownKey(schema: TSchema, path: Path, { schemaPath }: SchemaFault): string {
  const owner = toPath(schemaPath).slice(0, -1).reduce<unknown>(readKey, schema);
  const known = Object.keys(Object(readKey(owner, "properties")));
  return `Unknown key ${quote(path.at(-1) ?? "")}.${suggestOrList(path.at(-1) ?? "", known)}`;
}

function readKey(from: unknown, key: string): unknown {
  return typeof from === "object" && from !== null ? Reflect.get(from, key) : undefined;
}

function listRequired({ params }: SchemaFault): readonly string[] {
  const keys = readKey(params, "requiredProperties");
  return Array.isArray(keys) ? keys.map(String) : [];
}

function reportMissing(path: Path, keys: readonly string[], report: Report): void {
  for (const key of keys) report([...path, key], "missing-key", `The key ${quote(key)} is missing.`);
}

function formatInvalid(node: TreeNode, path: Path, fault: SchemaFault, faults: readonly SchemaFault[]): string {
  const name = path.length === 0 ? "The document" : path.join(".");
  // A secret that was written in place of its reference is not repeated.
  if (fault.keyword === "expected" || fault.keyword === "name") return `${name} ${fault.message}.`;
  const branches = listBranches(fault, faults);
  if (branches.length === 0) return `${name} ${fault.message}, but it is ${describe(node)}.`;
  const values = branches.flatMap(({ keyword, params }) =>
    keyword === "const" ? [readKey(params, "allowedValue")] : [],
  );
  if (values.length < branches.length) return `${name} has the wrong type: it is ${describe(node)}.`;
  return `${name} cannot be ${describe(node)}. Valid: ${values.map((value) => JSON.stringify(value)).join(", ")}.`;
}

/** What the members of a union say about the value, or the constants that it may be. */
function listBranches({ keyword, schemaPath, instancePath }: SchemaFault, faults: readonly SchemaFault[]) {
  if (keyword === "anyOf") return faults.filter((other) => other.schemaPath.startsWith(`${schemaPath}/anyOf/`));
  if (keyword !== "const") return [];
  return faults.filter((other) => other.keyword === "const" && other.instancePath === instancePath);
}
