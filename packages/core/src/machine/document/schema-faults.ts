import type { TSchema } from "typebox";
import { Settings } from "typebox/system";
import { Errors } from "typebox/value";

/** One fault of a value against a schema. */
export interface SchemaFault {
  readonly keyword: string;
  readonly schemaPath: string;
  readonly instancePath: string;
  readonly message: string;
  readonly params: unknown;
}

/** A union of six channels alone has more than the eight that are listed otherwise. */
const MAX_FAULTS = 500;

/**
 * Lists the faults of a value. Of a union of maps only those of the member that is meant: the one whose constants, such as
 * `type: github`, the value has, else the one with the fewest faults. Where no member has the constant, only that is a fault.
 * A pattern with the keyword `expected` says that instead of the regular expression: `must be a duration such as 30m`.
 * A union with the keyword `expected`, such as references to secrets, has one fault `expected` for a value of another kind.
 * A key of a map of names that is not a valid name has the fault `name`.
 */
export function listSchemaFaults(schema: TSchema, value: unknown): readonly SchemaFault[] {
  const { maxErrors } = Settings.Get();
  Settings.Set({ maxErrors: MAX_FAULTS });
  try {
    return nameFaults(chooseMembers(Errors(schema, value), schema), schema).map((fault) =>
      describePattern(fault, schema),
    );
  } finally {
    Settings.Set({ maxErrors });
  }
}

/** From the outermost union inwards. */
function chooseMembers(
  faults: readonly SchemaFault[],
  schema: TSchema,
  done = new Set<string>(),
): readonly SchemaFault[] {
  const union = faults
    .filter((fault) => fault.keyword === "anyOf" && !done.has(toKey(fault)))
    .toSorted((one, other) => one.schemaPath.length - other.schemaPath.length)[0];
  if (union === undefined) return faults;
  done.add(toKey(union));
  const inside = faults.filter((fault) => isInside(fault, union));
  const [first = union] = inside;
  const chosen = chooseFaults(inside, union, schema);
  if (chosen === undefined) return chooseMembers(faults, schema, done);
  const at = faults.indexOf(first);
  const others = faults.filter((fault) => fault !== union && !inside.includes(fault));
  return chooseMembers(others.toSpliced(at, 0, ...chosen), schema, done);
}

function toKey({ schemaPath, instancePath }: SchemaFault): string {
  return `${schemaPath} ${instancePath}`;
}

function isInside(fault: SchemaFault, { schemaPath, instancePath }: SchemaFault): boolean {
  const isBelow = fault.instancePath === instancePath || fault.instancePath.startsWith(`${instancePath}/`);
  return isBelow && fault.schemaPath.startsWith(`${schemaPath}/anyOf/`);
}

/** Undefined: the value is no map or list as a member may be one, so all of them count. */
function chooseFaults(
  inside: readonly SchemaFault[],
  union: SchemaFault,
  schema: TSchema,
): readonly SchemaFault[] | undefined {
  const from = union.schemaPath.length + "/anyOf/".length;
  const members = [...Map.groupBy(inside, ({ schemaPath }) => schemaPath.slice(from).split("/", 1)[0]).values()];
  const fitting = members.filter((faults) => !faults.some((fault) => isOfKind(fault, union)));
  if (fitting.length === 0) {
    const expected = findExpected(schema, union.schemaPath);
    return expected === undefined ? undefined : [{ ...union, keyword: "expected", message: `must be ${expected}` }];
  }
  const meant = fitting.filter((faults) => !faults.some((fault) => isConstant(fault, union)));
  if (meant.length > 0)
    return meant.reduce((best, faults) => (countFaults(faults) < countFaults(best) ? faults : best));
  return fitting.flatMap((faults) => faults.filter((fault) => isConstant(fault, union)));
}

function isOfKind({ keyword, instancePath }: SchemaFault, union: SchemaFault): boolean {
  return instancePath === union.instancePath && (keyword === "type" || keyword === "const");
}

/** A constant of a key of the value itself. */
function isConstant({ keyword, instancePath }: SchemaFault, union: SchemaFault): boolean {
  return keyword === "const" && instancePath.lastIndexOf("/") === union.instancePath.length;
}

function countFaults(faults: readonly SchemaFault[]): number {
  return faults.filter(({ keyword }) => keyword !== "additionalProperties").length;
}

function describePattern(fault: SchemaFault, schema: TSchema): SchemaFault {
  const expected = fault.keyword === "pattern" ? findExpected(schema, fault.schemaPath) : undefined;
  return expected === undefined ? fault : { ...fault, message: `must be ${expected}` };
}

function findExpected(schema: TSchema, schemaPath: string): string | undefined {
  const expected = readKey(findPart(schema, schemaPath), "expected");
  return typeof expected === "string" ? expected : undefined;
}

/** Unknown keys of maps of names are told as such. */
function nameFaults(faults: readonly SchemaFault[], schema: TSchema): readonly SchemaFault[] {
  const toPattern = (schemaPath: string) => findNamePattern(schema, schemaPath);
  return faults.flatMap((fault) => {
    const { keyword, schemaPath } = fault;
    if (keyword === "additionalProperties") return toPattern(schemaPath) === undefined ? [fault] : [];
    if (keyword !== "boolean" || !schemaPath.endsWith(REST)) return [fault];
    const pattern = toPattern(schemaPath.slice(0, -REST.length));
    return [
      pattern === undefined
        ? fault
        : { ...fault, keyword: "name", message: `is not a valid name: names match ${pattern}` },
    ];
  });
}

const REST = "/additionalProperties";

function findNamePattern(schema: TSchema, schemaPath: string): string | undefined {
  const patterns = readKey(findPart(schema, schemaPath), "patternProperties");
  return typeof patterns === "object" && patterns !== null ? Object.keys(patterns)[0] : undefined;
}

function findPart(schema: TSchema, schemaPath: string): unknown {
  const keys = schemaPath.split("/").slice(1);
  return keys.reduce<unknown>((from, key) => readKey(from, key), schema);
}

function readKey(from: unknown, key: string): unknown {
  return typeof from === "object" && from !== null ? Reflect.get(from, key) : undefined;
}
