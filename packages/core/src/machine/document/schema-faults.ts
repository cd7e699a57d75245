import type { TSchema } from "typebox";
import { Settings } from "typebox/system";
import { Errors } from "typebox/value";
import { findNearestName } from "./wording.ts";

/** One fault of a value against a schema. */
export interface SchemaFault {
  readonly kind: "missing" | "unknown" | "value";
  /** The path of the value; for `missing` and `unknown` it ends with the key. */
  readonly path: readonly string[];
  /** Such as `must be a whole number`. Never contains the value, which may be a secret. */
  readonly what: string;
  /** For `unknown`: the keys that the map may have. */
  readonly known?: readonly string[];
}

/**
 * Lists the faults of a value, at most 500; none when the value fits. For a union of maps only those of the intended
 * member: the one whose constants, such as `type: github`, the value has, else the one with the fewest faults. When no
 * member has the constant, only that is a fault. A pattern or a union with the keyword `expected` reports that: `must
 * be a duration such as 30m`. Throws typebox's error for a schema that cannot be used.
 */
export function listSchemaFaults(schema: TSchema, value: unknown): readonly SchemaFault[] {
  const all = listErrors(schema, value);
  const errors = nameErrors(chooseMembers(all, schema), schema);
  const seen = new Set<string>();
  const faults = errors
    .flatMap((error) => toFaults(error, errors, schema))
    .filter((fault) => {
      const key = JSON.stringify(fault);
      return !seen.has(key) && seen.add(key);
    });
  return faults.length > 0 || all.length === 0 ? faults : [{ kind: "value", path: [], what: UNFIT }];
}

/** Formats faults as sentences, each with its place: `server.port must be <= 65535.` */
export function formatFaults(
  faults: readonly SchemaFault[],
  toPlace: (path: readonly string[]) => string = (path) => path.join("."),
): readonly string[] {
  const sentences = faults.map(({ path, what, known = [] }) => {
    const near = findNearestName(path.at(-1) ?? "", known);
    const advice = near === undefined ? "" : ` Did you mean ${toPlace([...path.slice(0, -1), near])}?`;
    return `${toPlace(path) || "It"} ${what}.${advice}`;
  });
  return [...new Set(sentences)];
}

/** An error as typebox lists it. */
interface SchemaError {
  readonly keyword: string;
  readonly schemaPath: string;
  readonly instancePath: string;
  readonly message: string;
  readonly params: unknown;
}

/** A union of six channels alone has more than the eight that are listed otherwise. */
const MAX_ERRORS = 500;
const UNFIT = "does not fit the schema";

function listErrors(schema: TSchema, value: unknown): readonly SchemaError[] {
  const { maxErrors } = Settings.Get();
  Settings.Set({ maxErrors: MAX_ERRORS });
  try {
    return Errors(schema, value);
  } finally {
    Settings.Set({ maxErrors });
  }
}

/** Chooses the members of unions, from the outermost union inwards. */
function chooseMembers(
  errors: readonly SchemaError[],
  schema: TSchema,
  done = new Set<string>(),
): readonly SchemaError[] {
  const union = errors
    .filter((error) => error.keyword === "anyOf" && !done.has(toKey(error)))
    .toSorted((one, other) => one.schemaPath.length - other.schemaPath.length)[0];
  if (union === undefined) return errors;
  done.add(toKey(union));
  const inside = errors.filter((error) => isInside(error, union));
  const [first = union] = inside;
  const chosen = chooseErrors(inside, union, schema);
  if (chosen === undefined) return chooseMembers(errors, schema, done);
  const at = errors.indexOf(first);
  const others = errors.filter((error) => error !== union && !inside.includes(error));
  return chooseMembers(others.toSpliced(at, 0, ...chosen), schema, done);
}

function toKey({ schemaPath, instancePath }: SchemaError): string {
  return JSON.stringify([schemaPath, instancePath]);
}

function isInside(error: SchemaError, { schemaPath, instancePath }: SchemaError): boolean {
  const isBelow = error.instancePath === instancePath || error.instancePath.startsWith(`${instancePath}/`);
  return isBelow && error.schemaPath.startsWith(`${schemaPath}/anyOf/`);
}

/** Returns undefined when the value is not a map or list as a member may be one: then all errors count. */
function chooseErrors(
  inside: readonly SchemaError[],
  union: SchemaError,
  schema: TSchema,
): readonly SchemaError[] | undefined {
  const from = union.schemaPath.length + "/anyOf/".length;
  const members = [...Map.groupBy(inside, ({ schemaPath }) => schemaPath.slice(from).split("/", 1)[0]).values()];
  const fitting = members.filter((errors) => !errors.some((error) => isOfKind(error, union)));
  // Its expectation is clearer than the kinds of its members.
  if (fitting.length === 0) return findExpected(schema, union) === undefined ? undefined : [union];
  const meant = fitting.filter((errors) => !errors.some((error) => isConstant(error, union)));
  if (meant.length > 0)
    return meant.reduce((best, errors) => (countErrors(errors) < countErrors(best) ? errors : best));
  return fitting.flatMap((errors) => errors.filter((error) => isConstant(error, union)));
}

function isOfKind({ keyword, instancePath }: SchemaError, union: SchemaError): boolean {
  return instancePath === union.instancePath && (keyword === "type" || keyword === "const");
}

/** Returns true for a constant of a key of the value itself. */
function isConstant({ keyword, instancePath }: SchemaError, union: SchemaError): boolean {
  return keyword === "const" && instancePath.lastIndexOf("/") === union.instancePath.length;
}

function countErrors(errors: readonly SchemaError[]): number {
  return errors.filter(({ keyword }) => keyword !== "additionalProperties").length;
}

/** Reports a key that a map may not have as one error: of the map, or, if the keys are free names, of the key. */
function nameErrors(errors: readonly SchemaError[], schema: TSchema): readonly SchemaError[] {
  const isName = ({ schemaPath }: SchemaError) => findNamePattern(schema, schemaPath) !== undefined;
  const unknown = errors.filter((error) => error.keyword === "additionalProperties");
  const keys = new Set(
    unknown
      .filter((error) => !isName(error))
      .flatMap((error) => listUnknown(error).map((path) => JSON.stringify(path))),
  );
  return errors.filter((error) => {
    if (error.keyword === "additionalProperties") return !isName(error);
    return error.keyword !== "boolean" || !keys.has(JSON.stringify(toKeys(error.instancePath)));
  });
}

function listUnknown(error: SchemaError): readonly (readonly string[])[] {
  return listNames(error, "additionalProperties").map((name) => [...toKeys(error.instancePath), name]);
}

function toFaults(error: SchemaError, all: readonly SchemaError[], schema: TSchema): readonly SchemaFault[] {
  const path = toKeys(error.instancePath);
  switch (error.keyword) {
    case "required":
      return listNames(error, "requiredProperties").map((name) => {
        return { kind: "missing", path: [...path, name], what: "is missing" };
      });
    case "additionalProperties": {
      const properties = readKey(findPart(schema, error.schemaPath), "properties");
      const known = listKeys(properties).filter((key) => readKey(properties, key) !== false);
      return listUnknown(error).map((key) => ({ kind: "unknown", path: key, what: "is not a known key", known }));
    }
    case "anyOf":
      if (all.some((other) => isInside(other, error))) return [];
  }
  return [{ kind: "value", path, what: describeError(error, all, schema) || UNFIT }];
}

function describeError(error: SchemaError, all: readonly SchemaError[], schema: TSchema): string {
  const expected = findExpected(schema, error);
  switch (error.keyword) {
    case "boolean": {
      const pattern = findNamePattern(schema, error.schemaPath.replace(/\/additionalProperties$/, ""));
      return pattern === undefined ? "is not allowed" : `is not a valid name: names match ${pattern}`;
    }
    case "anyOf":
      return expected === undefined ? UNFIT : `must be ${expected}`;
    case "pattern":
      return expected === undefined ? error.message : `must be ${expected}`;
    case "const":
    case "enum":
    case "type":
      return `must be ${toAlternatives(all.filter((other) => other.instancePath === error.instancePath))}`;
    case "minItems":
    case "minLength":
    case "minProperties":
      if (expected !== undefined) return `must be ${expected}`;
      return readKey(error.params, "limit") === 1 ? "must not be empty" : error.message;
    case "not":
      return "is not allowed";
    default:
      return error.message;
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
function toAlternatives(errors: readonly SchemaError[]): string {
  const constants = new Set(errors.flatMap(({ keyword, schemaPath }) => (keyword === "const" ? [schemaPath] : [])));
  const words = errors.flatMap(({ keyword, params, schemaPath }) => {
    if (keyword === "const") return [JSON.stringify(readKey(params, "allowedValue"))];
    if (keyword === "enum") return toList(readKey(params, "allowedValues")).map((value) => JSON.stringify(value));
    // A constant of another type fails twice, and is said once.
    if (keyword !== "type" || constants.has(schemaPath)) return [];
    return toList(readKey(params, "type")).map((type) => KINDS[String(type)] ?? String(type));
  });
  const different = [...new Set(words)];
  const last = different.at(-1) ?? "";
  return different.length < 2 ? last : `${different.slice(0, -1).join(", ")} or ${last}`;
}

function findExpected(schema: TSchema, { schemaPath }: SchemaError): string | undefined {
  const expected = readKey(findPart(schema, schemaPath), "expected");
  return typeof expected === "string" ? expected : undefined;
}

/** Returns the pattern of a map whose keys are free names. */
function findNamePattern(schema: TSchema, schemaPath: string): string | undefined {
  return listKeys(readKey(findPart(schema, schemaPath), "patternProperties"))[0];
}

function findPart(schema: TSchema, schemaPath: string): unknown {
  return toKeys(schemaPath).reduce<unknown>(readKey, schema);
}

/** Returns the keys of a JSON pointer. */
function toKeys(pointer: string): readonly string[] {
  const keys = pointer.split("/").slice(1);
  return keys.map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function listNames({ params }: SchemaError, name: string): readonly string[] {
  return toList(readKey(params, name)).map(String);
}

function toList(value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}

function listKeys(value: unknown): readonly string[] {
  return typeof value === "object" && value !== null ? Object.keys(value) : [];
}

function readKey(from: unknown, key: string): unknown {
  return typeof from === "object" && from !== null && Object.hasOwn(from, key) ? Reflect.get(from, key) : undefined;
}
