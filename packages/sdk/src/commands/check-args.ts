import { describeFaults, type Fault, StackyardError } from "@stackyard/core";
import { type TObject, type TSchema, Type } from "typebox";
import { Value } from "typebox/value";

/**
 * Returns the arguments when they match the schema. Throws `USAGE` with every fault, each under the flag of its argument, or
 * under its name in capitals for `positionals`. The keyword `expected` of an argument describes its pattern.
 */
export function checkArgs(
  { properties, required }: TObject,
  given: Readonly<Record<string, unknown>>,
  positionals: readonly string[] = (required ?? []).filter((name: string) => isString(properties[name])),
): Readonly<Record<string, unknown>> {
  if (Value.Check(Type.Object(properties, { additionalProperties: false }), given)) return given;
  const toPlace = ([name = ""]: readonly string[]) => (positionals.includes(name) ? name.toUpperCase() : toFlag(name));
  const faults = listFaults(properties, given).map((fault) => describePattern(fault, properties));
  throw new StackyardError("USAGE", formatFaults(faults, toPlace).join(" "));
}

/** The flag of an argument: `--state-dir` for `stateDir`. */
export function toFlag(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

// Each argument on its own: a validator of the whole object stops at its eighth error.
function listFaults(properties: TObject["properties"], given: Readonly<Record<string, unknown>>): readonly Fault[] {
  const frame = Object.fromEntries(
    Object.entries(properties).map(([name, schema]) => [
      name,
      Type.IsOptional(schema) ? Type.Optional(Type.Unknown()) : Type.Unknown(),
    ]),
  );
  const ofArguments = Object.entries(properties)
    .flatMap(([name, argument]) => Value.Errors(Type.Object({ [name]: argument }), given))
    // The frame reports missing arguments.
    .filter(({ instancePath }) => instancePath !== "");
  return [...Value.Errors(Type.Object(frame, { additionalProperties: false }), given), ...ofArguments];
}

function isString(schema: TSchema | undefined): boolean {
  return schema !== undefined && "type" in schema && schema.type === "string";
}

function describePattern(fault: Fault, properties: TObject["properties"]): Fault {
  const [, name = ""] = fault.instancePath.split("/");
  const schema = properties[name];
  if (fault.keyword !== "pattern" || schema === undefined) return fault;
  if (!("expected" in schema) || typeof schema.expected !== "string") return fault;
  return { ...fault, message: `must be ${schema.expected}` };
}

/** Formats the faults of a schema, each with its place: `server.port must be <= 65535.` */
export function formatFaults(
  faults: readonly Fault[],
  toPlace: (path: readonly string[]) => string = (path) => path.join("."),
): readonly string[] {
  const told = describeFaults(faults).map(({ path, what }) => `${toPlace(path) || "It"} ${what}.`);
  return [...new Set(told)];
}
