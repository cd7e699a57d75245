import type { ExecutorDefinition } from "@stackyard/core";
import {
  type DrawOptions,
  machineV1Schema,
  machineV2Schema,
  type ParseMachineOptions,
  parseMachine,
  toDot,
  toGraph,
  toMermaid,
  upgradeMachine,
} from "@stackyard/core/machine";
import { loadDefinition, loadOwnExecutors, toJson } from "./definitions.ts";
import { listLiterals } from "./edits/names.ts";
import { planEdit } from "./edits/plan-edit.ts";
import { listRemovals } from "./edits/removal.ts";
import { readSource } from "./edits/source.ts";
import type { KnownExecutor, ParsedMachine, Removals, Tasks, UpgradedText } from "./messages.ts";
import { type Outline, toOutline } from "./outline.ts";
import { simulate } from "./simulate.ts";

type Later = "parse" | "executors";

/** The tasks of the worker. Every function is pure; some load what they need first. */
export const tasks: {
  readonly [Kind in Exclude<keyof Tasks, Later>]: (input: Tasks[Kind]["in"]) => Tasks[Kind]["out"];
} & { readonly [Kind in Later]: (input: Tasks[Kind]["in"]) => Promise<Tasks[Kind]["out"]> } = {
  parse,
  plan: ({ text, operation }) => planEdit(text, operation),
  removals,
  literals: ({ text, name }) => listLiterals(readSource(text), name),
  schemas: () => ({ v1: toJson(machineV1Schema), v2: toJson(machineV2Schema) }),
  executors: loadOwnExecutors,
  upgrade,
  export: exportGraph,
  simulate,
};

async function parse({ name, text, executors = [] }: Tasks["parse"]["in"]): Promise<ParsedMachine> {
  const outline = toOutline(text);
  const { machine, problems } = parseMachine(text, { name, ...(outline && (await loadRegistry(executors, outline))) });
  return {
    problems,
    ...(outline && { outline }),
    ...(machine && { graph: toGraph(machine) }),
  };
}

/**
 * Returns the executors for checks: those of Stackyard by their own rules, as the command line has them, others by their
 * schemas. In version 1 a config that fails when it runs is valid, which schemas do not describe.
 */
async function loadRegistry(
  known: readonly KnownExecutor[],
  { version, tasks: declared }: Outline,
): Promise<Pick<ParseMachineOptions, "executors" | "uncheckedExecutors">> {
  const used = new Set(declared.map(({ executor }) => executor));
  // A task of version 1 without an executor may be of any.
  const isNeeded = ({ name }: KnownExecutor) => used.has(name) || used.has(undefined);
  const found = await Promise.all(
    known.map(async (each) => (isNeeded(each) ? await loadDefinition(each) : undefined) ?? toDefinition(each, version)),
  );
  const described = found.flatMap((each) => (each === undefined ? [] : [[each.name, each] as const]));
  if (described.length === 0) return {};
  // The yard may have workers with executors that its server does not know.
  return { executors: new Map(described), uncheckedExecutors: declared.flatMap(({ executor }) => executor ?? []) };
}

/** Returns an executor as its schemas describe it. */
function toDefinition({ name, config, documents }: KnownExecutor, version: 1 | 2): ExecutorDefinition | undefined {
  const schema = version === 1 ? undefined : (documents?.v2 ?? config);
  return schema === undefined ? undefined : { name, resumable: false, config: schema };
}

function removals({ text, what, name }: Tasks["removals"]["in"]): Removals {
  const { removed, blocked } = listRemovals(readSource(text), what, name);
  return { removed: removed.map(({ path, place }) => ({ path: path.join("."), ...place })), blocked };
}

function upgrade({ name, text }: Tasks["upgrade"]["in"]): UpgradedText {
  const upgraded = upgradeMachine(text, { name });
  return upgraded.kind === "upgraded"
    ? { text: upgraded.source, problems: upgraded.problems }
    : { problems: upgraded.problems };
}

function exportGraph({ name, text, format, vertical }: Tasks["export"]["in"]): string {
  const { machine } = parseMachine(text, { name });
  if (machine === undefined) throw new Error("The machine has errors; correct them first.");
  const options: DrawOptions = { direction: vertical ? "vertical" : "horizontal" };
  return format === "mermaid" ? toMermaid(toGraph(machine), options) : toDot(toGraph(machine), options);
}
