import { Errors } from "typebox/value";
import { describeThrown } from "../../errors/describe-value.ts";
import type { ExecutorDefinition } from "../executor-definition.ts";
import { isReference } from "../secrets.ts";
import { type Opening, relaxSchema } from "./relax-schema.ts";

/**
 * What is wrong with a resolved config, by the executor's schema; undefined: nothing. References that stand for sensitive
 * values, `{"$secret": …}` and `{"$concat": […]}`, may stand for any scalar.
 */
export function findConfigFault({ name, config: schema }: ExecutorDefinition, config: unknown): string | undefined {
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

function findReferences(value: unknown): Opening | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  if (isReference(value)) return "here";
  const inner = Object.entries(value).flatMap(([key, item]) => {
    const opening = findReferences(item);
    return opening === undefined ? [] : [[key, opening] as const];
  });
  return inner.length > 0 ? new Map(inner) : undefined;
}
