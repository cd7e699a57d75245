import { utf8ToBytes } from "@noble/hashes/utils.js";
import type { Static, TSchema } from "typebox";
import { MACHINE_LIMITS, suggestOrList } from "./compile-context.ts";
import { findNotUtf8 } from "./find-not-utf8.ts";
import { createProblemList, type Problem, type ProblemList, type Spot } from "./problem-list.ts";
import { readYaml } from "./read-yaml.ts";
import { listSchemaFaults } from "./schema-faults.ts";
import { type Field, findInside, type Path, type TreeNode, toValue } from "./tree.ts";
import { quote } from "./wording.ts";

/** A document of a plugin, such as a mapping of hooks or a file of policies. */
export interface YamlDocument<Content> {
  /** The content; undefined when the document has problems. */
  readonly value: Content | undefined;
  /**
   * In the order of the document. Codes: `not-utf8`, `yaml-syntax`, `limit-exceeded`, `unknown-key`, `missing-key`,
   * `invalid-value`.
   */
  readonly problems: readonly Problem[];
  /** Returns a problem at the value that these keys lead to; where they end early, at the last that exists. */
  problemAt(path: Path, code: string, message: string): Problem;
}

/**
 * Reads a YAML 1.2 document (so JSON too) with aliases and merges, and checks it against a schema. The source has at
 * most 256 KiB and the bounds of machines. Never throws.
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
  const foreign = findNotUtf8(source);
  if (foreign !== undefined) {
    problems.error("not-utf8", { path: [], at: foreign.at }, foreign.message);
    return undefined;
  }
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

function checkSchema(schema: TSchema, root: Field, report: Report): void {
  for (const { kind, path, what, known = [] } of listSchemaFaults(schema, toValue(root.node))) {
    const key = path.at(-1) ?? "";
    if (kind === "missing") report(path, "missing-key", `The key ${quote(key)} is missing.`);
    else if (kind === "unknown") report(path, "unknown-key", `Unknown key ${quote(key)}.${suggestOrList(key, known)}`);
    else report(path, "invalid-value", `${path.join(".") || "The document"} ${what}.`);
  }
}
