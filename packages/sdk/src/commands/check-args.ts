import { formatFaults, listSchemaFaults, StackyardError } from "@stackyard/core";
import { type TObject, type TSchema, Type } from "typebox";

/**
 * Returns the arguments when they match the schema. Throws `USAGE` with every fault, each under the flag of its argument, or
 * under its name in capitals for `positionals`. The keyword `expected` of an argument describes its pattern.
 */
export function checkArgs(
  { properties, required }: TObject,
  given: Readonly<Record<string, unknown>>,
  positionals: readonly string[] = (required ?? []).filter((name: string) => isString(properties[name])),
): Readonly<Record<string, unknown>> {
  const faults = listSchemaFaults(Type.Object(properties, { additionalProperties: false }), given);
  if (faults.length === 0) return given;
  const toPlace = ([name = ""]: readonly string[]) => (positionals.includes(name) ? name.toUpperCase() : toFlag(name));
  throw new StackyardError("USAGE", formatFaults(faults, toPlace).join(" "));
}

/** Returns the flag of an argument: `--state-dir` for `stateDir`. */
export function toFlag(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

function isString(schema: TSchema | undefined): boolean {
  return schema !== undefined && "type" in schema && schema.type === "string";
}
