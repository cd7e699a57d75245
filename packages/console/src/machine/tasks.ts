import {
  machineV1Schema,
  machineV2Schema,
  type ParseMachineOptions,
  parseMachine,
  toDot,
  toGraph,
  toMermaid,
  toSvg,
  upgradeMachine,
} from "@stackyard/core/machine";
import { listLiterals } from "./edits/names.ts";
import { planEdit } from "./edits/plan-edit.ts";
import { listRemovals } from "./edits/removal.ts";
import { readSource } from "./edits/source.ts";
import type { JsonSchema, KnownExecutor, ParsedMachine, Removals, Tasks, UpgradedText } from "./messages.ts";
import { type Outline, toOutline } from "./outline.ts";
import { simulate } from "./simulate.ts";

/** The tasks of the worker. Every function is pure. */
export const tasks: { readonly [Kind in keyof Tasks]: (input: Tasks[Kind]["in"]) => Tasks[Kind]["out"] } = {
  parse,
  plan: ({ text, operation }) => planEdit(text, operation),
  removals,
  literals: ({ text, name }) => listLiterals(readSource(text), name),
  schemas: () => ({ v1: toJson(machineV1Schema), v2: toJson(machineV2Schema) }),
  upgrade,
  export: exportGraph,
  simulate,
};

function parse({ name, text, executors = [] }: Tasks["parse"]["in"]): ParsedMachine {
  const outline = toOutline(text);
  const { machine, problems } = parseMachine(text, { name, ...(outline && toRegistry(executors, outline)) });
  return {
    problems,
    ...(outline && { outline }),
    ...(machine && { graph: toGraph(machine) }),
  };
}

/**
 * Returns the executors for checks. In version 1 a config that fails when it runs is valid, which schemas do not
 * describe.
 */
function toRegistry(
  known: readonly KnownExecutor[],
  { version, tasks: declared }: Outline,
): Pick<ParseMachineOptions, "executors" | "uncheckedExecutors"> {
  const described = known.flatMap(({ name, config, documents }) => {
    const schema = documents?.v2 ?? config;
    return schema === undefined ? [] : [[name, { name, resumable: false, config: schema }] as const];
  });
  if (version === 1 || described.length === 0) return {};
  // The yard may have workers with executors that its server does not know.
  return { executors: new Map(described), uncheckedExecutors: declared.flatMap(({ executor }) => executor ?? []) };
}

/** Returns a schema without its functions, which cannot be posted. */
function toJson(schema: object): JsonSchema {
  return JSON.parse(JSON.stringify(schema)) as JsonSchema;
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

function exportGraph({ name, text, format, vertical, places }: Tasks["export"]["in"]): string {
  const { machine } = parseMachine(text, { name });
  if (machine === undefined) throw new Error("The machine has errors; correct them first.");
  const write = { mermaid: toMermaid, dot: toDot, svg: toSvg }[format];
  return write(toGraph(machine), {
    direction: vertical ? "vertical" : "horizontal",
    ...places,
  });
}
