import { type TSchema, Type } from "typebox";
import { isMap } from "../decode.ts";
import { type Fault, pointTo, quote } from "../release-problem.ts";

/** Of lists and maps whose schema names no limit. */
const MAX_ITEMS = 1000;

/**
 * What breaks the schema's own limits, in its order: members that must be there, numbers, lengths, patterns, known values, lists.
 * The value has been decoded by the same schema.
 */
export function* checkBounds(schema: TSchema, value: unknown, pointer: string): Generator<Fault> {
  if (value === null) {
    yield { code: "release-item-null", pointer, message: `${pointer} is null. Give a value, or remove it.` };
  } else if (Type.IsObject(schema)) yield* checkMembers(schema, value, pointer);
  else if (Type.IsRecord(schema)) yield* checkMap(schema, value, pointer);
  else if (Type.IsArray(schema)) yield* checkList(schema, value, pointer);
  else if (Type.IsUnion(schema)) yield* checkBounds(findBranch(schema.anyOf, value), value, pointer);
  else yield* checkScalar(schema, value, pointer);
}

function* checkMembers(schema: TSchema, value: unknown, pointer: string): Generator<Fault> {
  const { properties = {}, required = [] } = toLimits(schema);
  for (const [key, inner] of Object.entries(properties)) {
    const place = pointTo(pointer, key);
    const member = isMap(value) ? value[key] : undefined;
    if (member !== undefined) yield* checkBounds(inner, member, place);
    else if (required.includes(key)) {
      yield { code: "release-member-missing", pointer: place, message: `${place} must be given.` };
    }
  }
}

function* checkMap(schema: TSchema, value: unknown, pointer: string): Generator<Fault> {
  const { patternProperties = {}, minProperties = 0, maxProperties = MAX_ITEMS } = toLimits(schema);
  const members = Object.entries(Object(value));
  if (members.length < minProperties || members.length > maxProperties) {
    const message = `${pointer} has ${members.length} members; it takes ${minProperties} to ${maxProperties}.`;
    yield { code: "release-map-size", pointer, message };
  }
  const inner = Object.values(patternProperties)[0] ?? Type.Unknown();
  for (const [key, item] of members) yield* checkBounds(inner, item, pointTo(pointer, key));
}

function* checkList(schema: TSchema, value: unknown, pointer: string): Generator<Fault> {
  const { minItems = 0, maxItems = MAX_ITEMS, uniqueItems = false, items = Type.Unknown() } = toLimits(schema);
  const list: readonly unknown[] = Array.isArray(value) ? value : [];
  if (list.length < minItems || list.length > maxItems) {
    const message = `${pointer} has ${list.length} items; it takes ${minItems} to ${maxItems}.`;
    yield { code: "release-list-length", pointer, message };
  }
  const before = new Set<unknown>();
  for (const [index, item] of list.entries()) {
    const place = pointTo(pointer, index);
    yield* checkBounds(items, item, place);
    if (uniqueItems && item !== null && before.has(item)) {
      yield { code: "release-item-duplicate", pointer: place, message: `${place} is ${quote(item)} again. Remove it.` };
    }
    before.add(item);
  }
}

function* checkScalar(schema: TSchema, value: unknown, pointer: string): Generator<Fault> {
  const limits = toLimits(schema);
  if (limits.enum && !limits.enum.includes(value)) {
    const message = `${pointer} is ${quote(value)}; it must be one of ${limits.enum.map(quote).join(", ")}.`;
    yield { code: "release-value-unknown", pointer, message };
  } else if (typeof value === "number") yield* checkNumber(limits, value, pointer);
  else if (typeof value === "string") yield* checkText(limits, value, pointer);
}

function* checkNumber(limits: Limits, value: number, pointer: string): Generator<Fault> {
  const { minimum, maximum, exclusiveMinimum } = limits;
  const fits =
    value >= (minimum ?? value) &&
    value <= (maximum ?? value) &&
    value > (exclusiveMinimum ?? Number.NEGATIVE_INFINITY);
  if (fits) return;
  const least = exclusiveMinimum === undefined ? `at least ${minimum}` : `above ${exclusiveMinimum}`;
  const most = maximum === undefined ? "" : ` and at most ${maximum}`;
  yield { code: "release-out-of-range", pointer, message: `${pointer} is ${value}; it must be ${least}${most}.` };
}

function* checkText(limits: Limits, value: string, pointer: string): Generator<Fault> {
  if (value.length < (limits.minLength ?? 0)) {
    yield { code: "release-text-empty", pointer, message: `${pointer} is empty. Give a value, or remove it.` };
  } else if (value.length > (limits.maxLength ?? value.length)) {
    const message = `${pointer} has ${value.length} characters; ${limits.maxLength} are the limit.`;
    yield { code: "release-text-too-long", pointer, message };
  } else if (limits.pattern !== undefined && !new RegExp(limits.pattern).test(value)) {
    const message = `${pointer} is ${quote(value)}; it must be as ${limits.pattern} says.`;
    yield { code: "release-text-unknown", pointer, message };
  }
}

function findBranch(branches: readonly TSchema[], value: unknown): TSchema {
  const fits = (branch: TSchema) => (typeof value === "number") === Type.IsInteger(branch);
  return branches.find(fits) ?? Type.Unknown();
}

interface Limits {
  readonly properties?: Readonly<Record<string, TSchema>>;
  readonly patternProperties?: Readonly<Record<string, TSchema>>;
  readonly required?: readonly string[];
  readonly items?: TSchema;
  readonly minProperties?: number;
  readonly maxProperties?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly uniqueItems?: boolean;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
}

function toLimits(schema: TSchema): Limits {
  return schema as Limits;
}
