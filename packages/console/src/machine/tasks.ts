import {
  machineV1Schema,
  machineV2Schema,
  parseMachine,
  toDot,
  toGraph,
  toMermaid,
  toSvg,
  upgradeMachine,
} from "@stackyard/core/machine";
import { planEdit } from "./edits/plan-edit.ts";
import { listRemovals } from "./edits/removal.ts";
import { readSource } from "./edits/source.ts";
import type { JsonSchema, ParsedMachine, Removals, Tasks, UpgradedText } from "./messages.ts";
import { toOutline } from "./outline.ts";
import { simulate } from "./simulate.ts";

/** What the worker does. Every function is pure. */
export const tasks: { readonly [Kind in keyof Tasks]: (input: Tasks[Kind]["in"]) => Tasks[Kind]["out"] } = {
  parse,
  plan: ({ text, operation }) => planEdit(text, operation),
  removals,
  schemas: () => ({ v1: toJson(machineV1Schema), v2: toJson(machineV2Schema) }),
  upgrade,
  export: exportGraph,
  simulate,
};

function parse({ name, text }: Tasks["parse"]["in"]): ParsedMachine {
  const { machine, problems } = parseMachine(text, { name });
  const outline = toOutline(text);
  return {
    problems,
    ...(outline && { outline }),
    ...(machine && { graph: toGraph(machine), hash: machine.hash }),
  };
}

/** Without the functions that schemas carry, which cannot be posted. */
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

function exportGraph({ name, text, format, vertical, positions }: Tasks["export"]["in"]): string {
  const { machine } = parseMachine(text, { name });
  if (machine === undefined) throw new Error("The machine has errors; correct them first.");
  const write = { mermaid: toMermaid, dot: toDot, svg: toSvg }[format];
  return write(toGraph(machine), {
    direction: vertical ? "vertical" : "horizontal",
    ...(positions && { positions }),
  });
}
