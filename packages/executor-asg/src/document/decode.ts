import { cutText, isMap } from "@stackyard/core";
import { type Static, type TObject, type TSchema, Type } from "typebox";
import { pointTo, quote, type ReleaseProblem } from "./release.ts";
import type {
  AutoscalingDocument,
  HookDocument,
  PolicyDocument,
  ReleaseDocument,
  ServiceDocument,
  VolumeDocument,
} from "./schema.ts";

/** Maximum size of a document, in bytes of UTF-8. */
const MAX_DOCUMENT_BYTES = 1_048_576;

/** Maximum nesting depth of objects and lists. */
const MAX_DEPTH = 32;

/** The parsed value, or the reason why it is invalid. */
type ReadJson =
  | { readonly kind: "value"; readonly value: unknown }
  | { readonly kind: "refused"; readonly problems: readonly ReleaseProblem[] };

/** Parses JSON (RFC 8259). Rejects duplicate keys, because parsers differ in which one counts. */
export function readJson(text: string): ReadJson {
  if (text.length > MAX_DOCUMENT_BYTES || Buffer.byteLength(text) > MAX_DOCUMENT_BYTES) {
    return refuse("release-too-large", `The document has more than ${MAX_DOCUMENT_BYTES} bytes.`);
  }
  const { tooDeep, duplicates } = scanJson(text, MAX_DEPTH);
  if (tooDeep) return refuse("release-too-deep", `The document has more than ${MAX_DEPTH} levels.`);
  const parsed = parse(text);
  if (parsed.kind === "refused" || duplicates.length === 0) return parsed;
  const problems = duplicates.map((pointer) => ({
    class: "UnmarshalError" as const,
    code: "release-duplicate-key" as const,
    pointer,
    message: `${pointer} is given more than once. Remove all but one.`,
  }));
  return { kind: "refused", problems };
}

function parse(text: string): ReadJson {
  try {
    return { kind: "value", value: JSON.parse(text) };
  } catch (cause) {
    if (text.startsWith("\uFEFF")) {
      return refuse("release-not-json", "The document starts with a byte order mark. Save it without one.");
    }
    return refuse("release-not-json", `The document is not JSON: ${cutText(String(Object(cause).message), 200)}.`);
  }
}

function refuse(code: ReleaseProblem["code"], message: string): ReadJson {
  return { kind: "refused", problems: [{ class: "UnmarshalError", code, pointer: "", message }] };
}

/**
 * A decoded document: members of the right JSON type and nothing else. The rules check presence and values. Items of
 * lists and maps may be null.
 */
type Decoded<T> = T extends readonly (infer Item)[]
  ? readonly (Decoded<Item> | null)[]
  : T extends string
    ? string
    : T extends object
      ? string extends keyof T
        ? Readonly<Record<string, Decoded<T[string]> | null>>
        : { readonly [K in keyof T]?: Decoded<T[K]> | undefined }
      : T;

/** The treatment of unknown keys. */
type UnknownKeys = "refused" | "ignored";

/** The decoded value, and all problems. */
interface DecodedDocument<T> {
  readonly value: Decoded<T>;
  readonly problems: readonly ReleaseProblem[];
}

/** Maximum number of reported problems of each class. */
export const MAX_PROBLEMS = 100;

/**
 * Decodes the members that the schema knows, in its order. Null counts as missing, as for the predecessor, except for
 * items, where it is kept. Members with `readOnly` are checked and dropped: they contain results of earlier deployers.
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
    addProblem(
      decoding,
      "release-wrong-type",
      pointer,
      `${nameOf(pointer)} must be ${formatType(schema)}, not ${describeValue(value)}.`,
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
  // Do not suggest keys that only deployers write.
  const own = Object.keys(schema.properties).filter((key) => !("readOnly" in Object(schema.properties[key])));
  for (const key of unknown.sort().slice(0, MAX_PROBLEMS)) {
    const hint = hintAt(key, own);
    addProblem(
      decoding,
      "release-unknown-key",
      pointTo(pointer, key),
      `${nameOf(pointer)} has no key ${quote(key)}.${hint}`,
    );
  }
}

function decodeMap(decoding: Decoding, schema: TSchema, value: Members, pointer: string): unknown {
  const inner = Object.values(Object(schema).patternProperties ?? {}).find(Type.IsSchema) ?? Type.Never();
  const members = Object.keys(value)
    .sort()
    .flatMap((key) => {
      const place = pointTo(pointer, key);
      if (key === "__proto__")
        addProblem(decoding, "release-key-forbidden", place, `${nameOf(place)} cannot be a name.`);
      if (key === "__proto__" || value[key] === undefined) return [];
      // The predecessor decodes null as an empty text.
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

// Lists keep null items, so that later items are reported with their own index.
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

function formatType(schema: TSchema): string {
  if (Type.IsUnion(schema)) return schema.anyOf.map(formatType).join(" or ");
  if (Type.IsInteger(schema)) return "a whole number";
  if (Type.IsNumber(schema)) return "a number";
  if (Type.IsBoolean(schema)) return "true or false";
  if (Type.IsArray(schema)) return "a list";
  if (Type.IsObject(schema) || Type.IsRecord(schema)) return "an object";
  return Object(schema).format === "date-time" ? "a time as RFC 3339 has it, such as 2026-01-02T03:04:05Z" : "a text";
}

function describeValue(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object" && value !== null) return "an object";
  if (typeof value === "function" || typeof value === "symbol") return `a ${typeof value}`;
  return quote(value);
}

function nameOf(pointer: string): string {
  return pointer === "" ? "The release" : pointer;
}

function addProblem({ problems }: Decoding, code: ReleaseProblem["code"], pointer: string, message: string): void {
  if (problems.length < MAX_PROBLEMS) problems.push({ class: "UnmarshalError", code, pointer, message });
}

/** A decoded document of either generation, before its rules are checked. */
export type RawRelease = Decoded<ReleaseDocument> & { readonly user_data?: string | undefined };

/** A decoded service. */
export type RawService = Decoded<Static<typeof ServiceDocument>>;

/** A decoded `autoscaling`. */
export type RawAutoscaling = Decoded<Static<typeof AutoscalingDocument>>;

/** A decoded scaling policy. */
export type RawPolicy = Decoded<Static<typeof PolicyDocument>>;

/** A decoded lifecycle hook. */
export type RawHook = Decoded<Static<typeof HookDocument>>;

/** A decoded additional volume. */
export type RawVolume = Decoded<Static<typeof VolumeDocument>>;

/** Properties of a JSON text that `JSON.parse` does not report. Unreliable for invalid JSON, but never throws. */
interface JsonScan {
  readonly tooDeep: boolean;
  /** Pointers of duplicate members; at most 20. */
  readonly duplicates: readonly string[];
}

interface Level {
  readonly pointer: string;
  /** Names of an object read so far; undefined for a list. */
  readonly names: Set<string> | undefined;
  /** Name or index of the current item. */
  key: string | number;
}

interface Scan {
  readonly levels: Level[];
  readonly duplicates: string[];
  /** The previous token. */
  previous: string;
}

// A string, or a structural character. An unterminated string is one token; otherwise each quote in it would start a new one.
const TOKEN = /"(?:[^"\\]|\\.)*"?|[{}[\],:]/gs;

/** Scans JSON for its depth and for duplicate names. */
export function scanJson(text: string, maxDepth: number): JsonScan {
  const scan: Scan = { levels: [], duplicates: [], previous: "" };
  for (const [token] of text.matchAll(TOKEN)) {
    HANDLERS[token]?.(scan);
    if (scan.levels.length > maxDepth) return { tooDeep: true, duplicates: scan.duplicates };
    scan.previous = token;
  }
  return { tooDeep: false, duplicates: scan.duplicates };
}

const HANDLERS: Readonly<Record<string, (scan: Scan) => void>> = {
  "{": (scan) => open(scan, new Set()),
  "[": (scan) => open(scan, undefined),
  "}": ({ levels }) => void levels.pop(),
  "]": ({ levels }) => void levels.pop(),
  ",": nextItem,
  ":": noteName,
};

function open({ levels }: Scan, names: Level["names"]): void {
  const level = levels.at(-1);
  levels.push({ pointer: level ? pointTo(level.pointer, level.key) : "", names, key: names ? "" : 0 });
}

function nextItem({ levels }: Scan): void {
  const level = levels.at(-1);
  if (typeof level?.key === "number") level.key += 1;
}

function noteName({ levels, duplicates, previous }: Scan): void {
  const level = levels.at(-1);
  if (!level?.names) return;
  level.key = toName(previous);
  if (level.names.has(level.key) && duplicates.length < 20) duplicates.push(pointTo(level.pointer, level.key));
  level.names.add(level.key);
}

function toName(token: string): string {
  try {
    return String(JSON.parse(token));
  } catch {
    return token;
  }
}

/** Known keys of other tools, and what to use instead. */
const HINTS: ReadonlyMap<string, string> = new Map([
  [
    "user_data",
    "User data is stored separately and referenced by user_data_sha256; or use the preset step-asg-deployer.",
  ],
  ["user_data_kms_key", "User data is encrypted with the key of the bucket."],
  ["release_sha256", "The deployer hashes the document itself; remove the key."],
  ["force_safe_deploy", "Use safe_release."],
  ["warm_pool", "Warm pools are not supported."],
  ["instance_refresh", "A release creates new groups; instance refresh is not supported."],
  ["instance_maintenance_policy", "Instance maintenance policies are not supported."],
  ["traffic_sources", "Use elbs and target_groups."],
  ["instance_requirements", "Use instance_types; selection by attributes is not supported."],
]);

/** Returns a hint for an unknown key, with a leading space; empty without a similar key. */
export function hintAt(key: string, known: readonly string[]): string {
  const hint = HINTS.get(key);
  if (hint !== undefined) return ` ${hint}`;
  const near = known.find((name) => isNear(name, key));
  return near === undefined ? "" : ` Do you mean ${JSON.stringify(near)}?`;
}

// Typing errors: other case, or a letter added, missing, replaced or swapped.
function isNear(name: string, key: string): boolean {
  if (key.length > 64) return false;
  const [one, other] = [toPlain(name), toPlain(key)];
  if (one === other) return true;
  if (Math.min(one.length, other.length) < 4 || Math.abs(one.length - other.length) > 1) return false;
  let from = 0;
  while (from < one.length && one[from] === other[from]) from += 1;
  const [restOfOne, restOfOther] = [one.slice(from), other.slice(from)];
  return (
    restOfOne.slice(1) === restOfOther.slice(1) ||
    restOfOne.slice(1) === restOfOther ||
    restOfOne === restOfOther.slice(1) ||
    (restOfOne.slice(2) === restOfOther.slice(2) && restOfOne[0] === restOfOther[1] && restOfOne[1] === restOfOther[0])
  );
}

function toPlain(name: string): string {
  return name.toLowerCase().replaceAll(/[-_]/g, "");
}

const RFC_3339 = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(\.\d+)?(?:Z|([+-])(\d\d):(\d\d))$/;

/**
 * Parses a time in RFC 3339 format (section 5.6, capital letters only) to epoch milliseconds, or returns undefined.
 * Leap seconds are invalid, as for the predecessor.
 */
export function parseInstant(text: string): number | undefined {
  const found = RFC_3339.exec(text);
  if (!found) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = found.slice(1, 7).map(Number);
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  const offset = readOffset(found.slice(8));
  const midnight = new Date(0).setUTCFullYear(year, month - 1, day);
  if (offset === undefined || !isDate(midnight, month, day)) return undefined;
  const milliseconds = Math.floor(Number(`0${found[7] ?? ""}`) * 1000);
  return midnight + ((hour * 60 + minute - offset) * 60 + second) * 1000 + milliseconds;
}

function readOffset([sign, hours = "0", minutes = "0"]: readonly (string | undefined)[]): number | undefined {
  if (Number(hours) > 23 || Number(minutes) > 59) return undefined;
  return (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
}

// Date turns the 31st of a shorter month into a day of the next month.
function isDate(midnight: number, month: number, day: number): boolean {
  const date = new Date(midnight);
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
}
