import { StackyardError } from "@stackyard/core";
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

/** One fault of a value, as a schema reports it. */
export interface Fault {
  readonly instancePath: string;
  readonly keyword: string;
  readonly message: string;
  readonly params?: unknown;
}

/** Formats the faults of a schema, each with its place: `server.port must be <= 65535.` */
export function formatFaults(
  faults: readonly Fault[],
  toPlace: (path: readonly string[]) => string = (path) => path.join("."),
): readonly string[] {
  const told = faults.flatMap((fault) =>
    formatFault(fault, faults).map(([path, what]) => {
      const place = toPlace(path);
      return `${place === "" ? "It" : place} ${what}.`;
    }),
  );
  return [...new Set(told)];
}

type Told = readonly [path: readonly string[], what: string];

function formatFault(fault: Fault, all: readonly Fault[]): readonly Told[] {
  const { instancePath, keyword, message } = fault;
  const path = instancePath.split("/").slice(1);
  switch (keyword) {
    case "boolean":
      return [];
    case "required":
      return namesIn(fault, "requiredProperties").map((name) => [[...path, name], "is missing"]);
    case "additionalProperties":
      return namesIn(fault, "additionalProperties").map((name) => [[...path, name], "is not a known key"]);
    case "anyOf":
      // The faults of the alternatives are listed already.
      return all.some((other) => other !== fault && other.instancePath.startsWith(instancePath))
        ? []
        : [[path, message]];
    case "const":
    case "type":
      return [[path, `must be ${toAlternatives(all.filter((other) => other.instancePath === instancePath))}`]];
    case "minLength":
      return [[path, readParam(fault, "limit") === 1 ? "must not be empty" : message]];
    default:
      return message === "" ? [] : [[path, message]];
  }
}

const KINDS: Readonly<Record<string, string>> = {
  array: "a list",
  boolean: "true or false",
  integer: "a whole number",
  number: "a number",
  object: "a map",
  string: "text",
};

// A union fails once for each of its members, all at the same place.
function toAlternatives(faults: readonly Fault[]): string {
  const words = faults.flatMap((fault) => {
    if (fault.keyword === "const") return [JSON.stringify(readParam(fault, "allowedValue"))];
    const type = readParam(fault, "type");
    return fault.keyword === "type" && typeof type === "string" ? [KINDS[type] ?? type] : [];
  });
  const different = [...new Set(words)];
  const last = different.at(-1) ?? "";
  return different.length < 2 ? last : `${different.slice(0, -1).join(", ")} or ${last}`;
}

function namesIn(fault: Fault, name: string): readonly string[] {
  const value = readParam(fault, name);
  return Array.isArray(value) ? value.map(String) : [];
}

function readParam({ params }: Fault, name: string): unknown {
  const entries = typeof params === "object" && params !== null ? Object.entries(params) : [];
  return entries.find(([key]) => key === name)?.[1];
}
