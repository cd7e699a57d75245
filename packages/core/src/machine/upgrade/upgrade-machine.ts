import { Document, parseDocument } from "yaml";
import { MACHINE_LIMITS } from "../document/compile-context.ts";
import { createProblemList, type Problem } from "../document/problem-list.ts";
import { readYaml } from "../document/read-yaml.ts";
import { type Place, type TreeNode, toValue } from "../document/tree.ts";
import { parseJson } from "../json.ts";
import type { Machine, State, Task } from "../machine.ts";
import { type ParseMachineOptions, parseMachine } from "../parse-machine.ts";
import { editDocument, printDocument } from "./edit-document.ts";

/** The result of upgrading a machine. */
type UpgradedMachine =
  /** `problems`: warnings of handlers whose several advances became one, at their places in the old document. */
  | { readonly kind: "upgraded"; readonly source: string; readonly problems: readonly Problem[] }
  /** Nothing is to be written: at least one of the problems is an error; places are those of the old document. */
  | { readonly kind: "refused"; readonly problems: readonly Problem[] };

/**
 * Upgrades a v1 document to one of version 2 with the same states, task messages and metadata for the same events.
 * Comments, anchors and the order of keys are kept if possible; a JSON document remains JSON. Anything that v1 accepts
 * and version 2 does not (a task without executor, an event called `FAILED`) is refused with the code of version 2,
 * never guessed.
 */
export function upgradeMachine(source: string, options: ParseMachineOptions): UpgradedMachine {
  const old = parseMachine(source, options);
  const text = source.replace(/^\uFEFF/, "");
  const tree = old.machine && readYaml(text, { ...MACHINE_LIMITS, ...options.limits }, createProblemList(QUIET));
  if (old.machine === undefined || tree === undefined) return { kind: "refused", problems: old.problems };
  if (old.machine.version !== 1) return { kind: "refused", problems: [alreadyUpgraded(findPlace(tree, "version"))] };
  const upgraded = findUpgraded(text, { machine: old.machine, tree, options });
  if (upgraded.kind === "refused") {
    return { kind: "refused", problems: upgraded.problems.map((problem) => movePlace(tree, problem)) };
  }
  return { ...upgraded, problems: [...old.machine.states.values()].flatMap((state) => reportCollapsed(tree, state)) };
}

const QUIET = { strict: false, maxProblems: 1 };

interface Upgrade {
  readonly machine: Machine;
  readonly tree: TreeNode;
  readonly options: ParseMachineOptions;
}

/**
 * Returns the document edited in place; one without aliases and merges when that is impossible or does not mean the
 * same.
 */
function findUpgraded(text: string, { machine, tree, options }: Upgrade): UpgradedMachine {
  const inPlace = parseDocument(text, YAML);
  if (!isJson(text) && editDocument(inPlace, machine)) {
    const judged = judge(printDocument(text, inPlace, false), machine, options);
    if (judged.kind === "upgraded") return judged;
  }
  const plain = new Document(toValue(tree), { ...YAML, aliasDuplicateObjects: false });
  editDocument(plain, machine);
  return judge(printDocument(text, plain, true), machine, options);
}

const YAML = { version: "1.2", schema: "core", merge: false, uniqueKeys: false } as const;

function judge(source: string, machine: Machine, options: ParseMachineOptions): UpgradedMachine {
  const { strict: _strict, ...lenient } = options;
  const { machine: upgraded, problems } = parseMachine(source, lenient);
  if (upgraded === undefined) return { kind: "refused", problems };
  if (isSameMachine(machine, upgraded)) return { kind: "upgraded", source, problems: [] };
  return { kind: "refused", problems: [notTheSame] };
}

function isJson(text: string): boolean {
  return text.trimStart().startsWith("{") && parseJson(text) !== undefined;
}

function reportCollapsed(tree: TreeNode, { name, on }: State): readonly Problem[] {
  return [...on].flatMap(([event, [reaction]]) => {
    const advance = reaction?.advance ?? [];
    if (advance.length < 2) return [];
    const path = `states.${name}.on.${event}`;
    const message =
      `This handler advances ${advance.length} times; version 2 keeps the last one, to ${JSON.stringify(advance.at(-1))}. ` +
      "The previous state is then the one that was really left.";
    return [{ severity: "warning", code: "advance-collapsed", path, ...findPlace(tree, path), message }];
  });
}

function movePlace(tree: TreeNode, problem: Problem): Problem {
  return { ...problem, ...findPlace(tree, problem.path) };
}

function alreadyUpgraded(place: Place): Problem {
  const message = "The machine has version 2 already; there is nothing to upgrade.";
  return { severity: "error", code: "version-unsupported", path: "version", ...place, message };
}

const notTheSame: Problem = {
  severity: "error",
  code: "upgrade-differs",
  path: "",
  line: 1,
  column: 1,
  message:
    "The upgraded document would not behave like this one, so nothing is written. Please report it with the file.",
};

/**
 * Returns the place of a problem's path (keys joined by dots) in a tree: of the key, in lists of the value; of the
 * nearest part around it when the tree does not have the key. Keys may contain dots themselves.
 */
export function findPlace(tree: TreeNode, path: string): Place {
  return path === "" ? tree.at : findDeepest(tree, path.split("."), tree.at);
}

function findDeepest(node: TreeNode, segments: readonly string[], here: Place): Place {
  if (segments.length === 0) return here;
  if (node.kind === "list") {
    const item = node.items[Number(segments[0])];
    return item === undefined ? here : findDeepest(item, segments.slice(1), item.at);
  }
  if (node.kind === "scalar") return here;
  for (let length = segments.length; length > 0; length -= 1) {
    const entry = node.entries.get(segments.slice(0, length).join("."));
    if (entry) return findDeepest(entry.value, segments.slice(length), entry.keyAt);
  }
  return here;
}

/** Returns true when a machine of version 2 behaves like one of version 1, of several advances the last one. */
function isSameMachine(old: Machine, upgraded: Machine): boolean {
  return JSON.stringify(toFacts(old, 1)) === JSON.stringify(toFacts(upgraded, 2));
}

/** Returns all parts that decide a machine's behavior, in a fixed order. */
function toFacts(machine: Machine, version: 1 | 2): unknown {
  return {
    plain: machine.version === version && machine.revision === "follow" && machine.requiredMetadata.size === 0,
    metadata: [machine.metadata.keys.size, machine.metadata.additional, machine.targets.size],
    events: [...machine.events].toSorted(),
    states: sortEntries(machine.states).map(([, state]) => toStateFacts(state)),
    tasks: sortEntries(machine.tasks).map(([, task]) => toTaskFacts(task)),
  };
}

function toStateFacts(state: State): unknown {
  const { name, terminal, tasks, on, after, leaving, timeoutMs } = state;
  const reactions = sortEntries(on).map(([event, list]) => {
    return [event, list.length, list[0]?.advance.at(-1) ?? null, list[0]?.when !== undefined, list[0]?.set.size];
  });
  return [name, terminal, tasks, reactions, after.length, leaving, timeoutMs ?? null, state.protected];
}

function toTaskFacts(task: Task): unknown {
  const { name, executor, definition, timeoutMs, cancelWithinMs, needs, retry, outputs } = task;
  const plain = !(task.dynamicConfig || task.when || task.exclusive || task.target);
  const config = toStable(definition["config"]);
  return [name, executor, config, timeoutMs, cancelWithinMs, needs, retry.attempts, outputs.size, plain];
}

function sortEntries<Value>(map: ReadonlyMap<string, Value>): readonly (readonly [string, Value])[] {
  return [...map].toSorted(([a], [b]) => (a < b ? -1 : 1));
}

/** Turns maps into lists of pairs in the order of their keys, so that equal values have equal texts. */
function toStable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toStable);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return { map: entries.map(([key, inner]) => [key, toStable(inner)]) };
}
