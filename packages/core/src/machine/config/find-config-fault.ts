import { Errors } from "typebox/value";
import { describeThrown } from "../../errors/describe-value.ts";
import type { CompileContext } from "../document/compile-context.ts";
import { createProblemList } from "../document/problem-list.ts";
import { readValue } from "../document/read-value.ts";
import { isMapField, type Place, type TreeNode } from "../document/tree.ts";
import type { ExecutorDefinition } from "../executor-definition.ts";
import { isReference, REFERENCE_KEYS } from "../secrets.ts";
import { checkConfig } from "./check-config.ts";
import { withoutPlaces } from "./judge-open-config.ts";
import { type Opening, relaxSchema } from "./relax-schema.ts";

/** What a config is checked by once its expressions are resolved. */
export type ConfigRules = Pick<CompileContext, "name" | "limits" | "executors" | "uncheckedExecutors">;

/**
 * What is wrong with a resolved config, by the executor's schema; undefined: nothing. References that stand for sensitive
 * values, `{"$secret": …}` and `{"$concat": […]}`, may stand for any scalar.
 */
export function findConfigFault(rules: ConfigRules, executor: string, config: unknown): string | undefined {
  const definition = rules.executors.get(executor);
  return definition ? findSchemaFault(definition, config) : findRuleFault(rules, executor, config);
}

function findSchemaFault({ name, config: schema }: ExecutorDefinition, config: unknown): string | undefined {
  try {
    const opening = findReferences(config);
    const faults = Errors(opening === undefined ? schema : relaxSchema(schema, opening), config);
    // A key that may not be there is told by the map that may not have it.
    const fault = faults.find(({ keyword }) => keyword !== "boolean") ?? faults[0];
    if (fault === undefined) return undefined;
    const where = fault.instancePath === "" ? "" : ` at ${fault.instancePath}`;
    return `The config of ${name} ${fault.message}${where}.`;
  } catch (cause) {
    const why = describeThrown(cause);
    return `The schema of the executor ${name} cannot be used: ${why.slice(0, 200)}`;
  }
}

// Without a definition: by the same rules as when the machine is loaded.
function findRuleFault(rules: ConfigRules, executor: string, config: unknown): string | undefined {
  const problems = createProblemList({ strict: false, maxProblems: rules.limits.maxProblems });
  const node = readValue(config, rules.limits, problems);
  if (node === undefined) return problems.toProblems()[0]?.message;
  const root = { path: [], keyAt: node.at, node };
  if (!isMapField(root)) return "config must be a map.";
  // Only version 2 has configs that are resolved.
  const ofDocument = { version: 2, isKept: false } as const;
  const context = { ...rules, ...ofDocument, problems: withoutPlaces(problems, findReferencePlaces(node)) };
  checkConfig(context, root, executor);
  return problems.toProblems().find(({ severity }) => severity === "error")?.message;
}

function findReferences(value: unknown): Opening | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  if (isReference(value)) return "here";
  const inner = Object.entries(value).flatMap(([key, item]) => {
    const opening = findReferences(item);
    return opening === undefined ? [] : [[key, opening] as const];
  });
  return inner.length > 0 ? new Map(inner) : undefined;
}

function findReferencePlaces(node: TreeNode): ReadonlySet<Place> {
  const places = new Set<Place>();
  collect(node, places);
  return places;
}

function collect(node: TreeNode, places: Set<Place>): void {
  if (node.kind === "list") for (const item of node.items) collect(item, places);
  if (node.kind !== "map") return;
  if (REFERENCE_KEYS.some((key) => node.entries.has(key))) places.add(node.at);
  else for (const { value } of node.entries.values()) collect(value, places);
}
