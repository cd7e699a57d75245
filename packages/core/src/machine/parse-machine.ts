import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import { type CompileContext, MACHINE_LIMITS, type MachineLimits } from "./document/compile-context.ts";
import { findNotUtf8 } from "./document/find-not-utf8.ts";
import { createProblemList, type ProblemList } from "./document/problem-list.ts";
import { readValue } from "./document/read-value.ts";
import { readYaml } from "./document/read-yaml.ts";
import { type Field, isMapField, type TreeNode, toCanonicalJson } from "./document/tree.ts";
import { describe } from "./document/wording.ts";
import type { ExecutorRegistry } from "./executor-definition.ts";
import { findVersion } from "./find-version.ts";
import type { CompileResult, Machine } from "./machine.ts";
import { compileV1 } from "./v1/compile-v1.ts";
import { compileV2 } from "./v2/compile-v2.ts";

/** The options of reading a machine. */
export interface ParseMachineOptions {
  /** The machine's name: that of its file, without the last ending. */
  readonly name: string;
  /** Executors of the yard. Without it any name is accepted, and configs are not checked. */
  readonly executors?: ExecutorRegistry;
  /** Names of executors that runners have without a definition here: their configs are only warned about. */
  readonly uncheckedExecutors?: Iterable<string>;
  /**
   * The source is that of a revision that a store keeps: rules that came later do not make it unusable. Default: false.
   */
  readonly kept?: boolean;
  /** Every warning is an error. Default: false. */
  readonly strict?: boolean;
  /** Default: `MACHINE_LIMITS`. */
  readonly limits?: Partial<MachineLimits>;
}

/**
 * Reads and compiles a machine from its source, YAML 1.2 (so JSON too). Pure; never throws: every fault of the document
 * is a problem with its place. The same name and source have the same hash.
 */
export function parseMachine(source: string, options: ParseMachineOptions): CompileResult {
  const limits = { ...MACHINE_LIMITS, ...options.limits };
  const problems = createProblemList({ strict: options.strict ?? false, maxProblems: limits.maxProblems });
  // A byte is at least a third of a UTF-16 unit, so that huge texts are not even encoded.
  const bytes = source.length > limits.maxBytes ? source.length : utf8ToBytes(source).length;
  if (bytes > limits.maxBytes) {
    const message = `The document has ${bytes} bytes or more; ${limits.maxBytes} are allowed.`;
    problems.error("limit-exceeded", { path: [], at: { line: 1, column: 1 } }, message);
    return { problems: problems.toProblems() };
  }
  const foreign = options.kept === true ? undefined : findNotUtf8(source);
  if (foreign !== undefined) {
    problems.error("not-utf8", { path: [], at: foreign.at }, foreign.message);
    return { problems: problems.toProblems() };
  }
  const tree = readYaml(source.replace(/^\uFEFF/, ""), limits, problems);
  return compileTree(tree, { options, limits, problems, identity: () => source });
}

/**
 * Returns the source text of a document given as a value, canonical JSON: `parseMachine` computes the same hash for it
 * as `parseMachineDocument` for the value. Undefined when JSON cannot represent it.
 */
export function toMachineSource(value: unknown): string | undefined {
  const problems = createProblemList({ strict: false, maxProblems: 1 });
  const tree = readValue(value, MACHINE_LIMITS, problems);
  return tree && toCanonicalJson(tree);
}

/**
 * Parses like `parseMachine` a document that is a value: from TypeScript (also from `defineMachine`), or JSON that was
 * parsed elsewhere. Places are line 1, column 1; the hash is that of its canonical JSON.
 */
export function parseMachineDocument(value: unknown, options: ParseMachineOptions): CompileResult {
  const limits = { ...MACHINE_LIMITS, ...options.limits };
  const problems = createProblemList({ strict: options.strict ?? false, maxProblems: limits.maxProblems });
  const tree = readValue(value, limits, problems);
  return compileTree(tree, { options, limits, problems, identity: (node) => toCanonicalJson(node) });
}

interface Compilation {
  readonly options: ParseMachineOptions;
  readonly limits: MachineLimits;
  readonly problems: ProblemList;
  /** Returns the text that identifies the revision. */
  readonly identity: (tree: TreeNode) => string;
}

function compileTree(tree: TreeNode | undefined, compilation: Compilation): CompileResult {
  const machine = tree && compileRoot({ path: [], keyAt: tree.at, node: tree }, compilation);
  const problems = compilation.problems.toProblems();
  if (!tree || !machine || compilation.problems.hasErrors()) return { problems };
  const hash = toHash(machine.name, compilation.identity(tree));
  return { machine: { ...machine, hash }, problems };
}

function toHash(name: string, identity: string): string {
  return bytesToHex(sha256(utf8ToBytes(`${name}\u0000${identity}`)));
}

function compileRoot(root: Field, { options, limits, problems }: Compilation): Omit<Machine, "hash"> | undefined {
  if (!isMapField(root)) {
    const message = `A machine must be a map with version, events, states and tasks, but this is ${describe(root.node)}.`;
    problems.error("document-not-map", { path: [], at: root.node.at }, message);
    return undefined;
  }
  const version = findVersion(root.node);
  const context: CompileContext = {
    name: options.name,
    version,
    problems,
    limits,
    executors: options.executors ?? new Map(),
    anyExecutor: options.executors === undefined && options.uncheckedExecutors === undefined,
    uncheckedExecutors: new Set(options.uncheckedExecutors),
    isKept: options.kept ?? false,
  };
  return version === 2 ? compileV2(context, root) : compileV1(context, root);
}
