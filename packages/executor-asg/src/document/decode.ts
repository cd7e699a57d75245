import { type Static, type TObject, type TSchema, Type } from "typebox";
import { hintAt } from "./hint.ts";
import { parseInstant } from "./parse-instant.ts";
import { pointTo, quote, type ReleaseProblem } from "./release-problem.ts";

/**
 * What is left of a document when it is decoded: members of the right JSON type and nothing else. Whether they are there, and
 * which texts and numbers they may hold, is for the rules. Items of lists and of maps may be null.
 */
export type Decoded<T> = T extends readonly (infer Item)[]
  ? readonly (Decoded<Item> | null)[]
  : T extends string
    ? string
    : T extends object
      ? string extends keyof T
        ? Readonly<Record<string, Decoded<T[string]> | null>>
        : { readonly [K in keyof T]?: Decoded<T[K]> | undefined }
      : T;

/** What becomes of keys that the schema does not know. */
export type UnknownKeys = "refused" | "ignored";

/** What was decoded, and everything in it that could not be. */
export interface DecodedDocument<T> {
  readonly value: Decoded<T>;
  readonly problems: readonly ReleaseProblem[];
}

/** At most so many faults are told of a document, of each class; the rest is for the next try. */
export const MAX_PROBLEMS = 100;

/**
 * Takes over what the schema knows, in its order. Null is as absent, as for the predecessor, except as an item, where it is kept.
 * Members with `readOnly` are checked and left out: they say what a deployer once found out, and nobody may tell it that.
 */
export function decode<T extends TObject>(
  schema: T,
  document: unknown,
  unknownKeys: UnknownKeys,
): DecodedDocument<Static<T>> {
  const problems: ReleaseProblem[] = [];
  const value = decodeValue({ problems, unknownKeys }, schema, document, "");
  return { value: (isMap(value) ? value : {}) as Decoded<Static<T>>, problems };
}

/** True for an object that is neither null nor a list. */
export function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

interface Decoding {
  readonly problems: ReleaseProblem[];
  readonly unknownKeys: UnknownKeys;
}

const LOST = Symbol("not decodable");

function decodeValue(decoding: Decoding, schema: TSchema, value: unknown, pointer: string): unknown {
  if (value === null && pointer !== "") return null;
  if (Type.IsObject(schema)) return isMap(value) ? decodeObject(decoding, schema, value, pointer) : lose();
  if (Type.IsRecord(schema)) return isMap(value) ? decodeMap(decoding, schema, value, pointer) : lose();
  if (Type.IsArray(schema)) return Array.isArray(value) ? decodeList(decoding, schema.items, value, pointer) : lose();
  if (!hasType(schema, value)) return lose();
  return value;

  function lose(): typeof LOST {
    tell(
      decoding,
      "release-wrong-type",
      pointer,
      `${nameOf(pointer)} must be ${tellType(schema)}, not ${told(value)}.`,
    );
    return LOST;
  }
}

type Members = Readonly<Record<string, unknown>>;

function decodeObject(decoding: Decoding, schema: TObject, value: Members, pointer: string): unknown {
  const members = Object.entries(schema.properties).flatMap(([key, inner]) => {
    if (!Object.hasOwn(value, key) || value[key] === undefined || value[key] === null) return [];
    const member = decodeValue(decoding, inner, value[key], pointTo(pointer, key));
    return member === LOST || "readOnly" in inner ? [] : [[key, member] as const];
  });
  if (decoding.unknownKeys === "refused") refuseUnknown(decoding, schema, value, pointer);
  return Object.fromEntries(members);
}

function refuseUnknown(decoding: Decoding, schema: TObject, value: Members, pointer: string): void {
  const unknown = Object.keys(value).filter((key) => !Object.hasOwn(schema.properties, key));
  // Nobody is told to write what only a deployer does.
  const own = Object.keys(schema.properties).filter((key) => !("readOnly" in Object(schema.properties[key])));
  for (const key of unknown.sort().slice(0, MAX_PROBLEMS)) {
    const hint = hintAt(key, own);
    tell(decoding, "release-unknown-key", pointTo(pointer, key), `${nameOf(pointer)} has no key ${quote(key)}.${hint}`);
  }
}

function decodeMap(decoding: Decoding, schema: TSchema, value: Members, pointer: string): unknown {
  const inner = Object.values(Object(schema).patternProperties ?? {}).find(Type.IsSchema) ?? Type.Never();
  const members = Object.keys(value)
    .sort()
    .flatMap((key) => {
      const place = pointTo(pointer, key);
      if (key === "__proto__") tell(decoding, "release-key-forbidden", place, `${nameOf(place)} cannot be a name.`);
      if (key === "__proto__" || value[key] === undefined) return [];
      // As the predecessor decodes it: no text is the empty text.
      const item = value[key] === null && Type.IsString(inner) ? "" : value[key];
      return [[key, keepPlace(decodeValue(decoding, inner, item, place))] as const];
    });
  return Object.fromEntries(members);
}

function decodeList(decoding: Decoding, schema: TSchema, value: readonly unknown[], pointer: string): unknown {
  return Array.from(value, (item, index) =>
    keepPlace(decodeValue(decoding, schema, item ?? null, pointTo(pointer, index))),
  );
}

// So that what stands behind it is told by its own place.
function keepPlace(item: unknown): unknown {
  return item === LOST ? null : item;
}

function hasType(schema: TSchema, value: unknown): boolean {
  if (Type.IsUnion(schema)) return schema.anyOf.some((one) => hasType(one, value));
  if (Type.IsString(schema) || Type.IsEnum(schema)) {
    if (typeof value !== "string") return false;
    return Object(schema).format !== "date-time" || parseInstant(value) !== undefined;
  }
  if (Type.IsInteger(schema)) return Number.isSafeInteger(value);
  if (Type.IsNumber(schema)) return Number.isFinite(value);
  if (Type.IsBoolean(schema)) return typeof value === "boolean";
  return true;
}

function tellType(schema: TSchema): string {
  if (Type.IsUnion(schema)) return schema.anyOf.map(tellType).join(" or ");
  if (Type.IsInteger(schema)) return "a whole number";
  if (Type.IsNumber(schema)) return "a number";
  if (Type.IsBoolean(schema)) return "true or false";
  if (Type.IsArray(schema)) return "a list";
  if (Type.IsObject(schema) || Type.IsRecord(schema)) return "an object";
  return Object(schema).format === "date-time" ? "a time as RFC 3339 has it, such as 2026-01-02T03:04:05Z" : "a text";
}

function told(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object" && value !== null) return "an object";
  if (typeof value === "function" || typeof value === "symbol") return `a ${typeof value}`;
  return quote(value);
}

function nameOf(pointer: string): string {
  return pointer === "" ? "The release" : pointer;
}

function tell({ problems }: Decoding, code: ReleaseProblem["code"], pointer: string, message: string): void {
  if (problems.length < MAX_PROBLEMS) problems.push({ class: "UnmarshalError", code, pointer, message });
}
