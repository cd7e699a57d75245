/** What is wrong with a property, and where: a JSON pointer such as `/Overrides/containerOverrides/0/cpu`. */
export interface PropertyProblem {
  readonly path: string;
  readonly message: string;
}

/** Where a value stands, and where its faults go. */
export interface Place {
  readonly path: string;
  readonly report: (problem: PropertyProblem) => void;
}

/** Reads one value in the string or the native form; undefined after it has reported why it cannot. */
export type Reader<Value> = (value: unknown, place: Place) => Value | undefined;

/** What a reader gives. */
export type ValueOf<R> = R extends Reader<infer Value> ? Value : never;

const MAX_TEXT = 2_048;
const SHOWN = 60;

/** Reports a fault. */
export function refuse({ path, report }: Place, message: string): undefined {
  report({ path, message });
}

/** A value as a message shows it. */
export function toShown(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object" && value !== null) return "an object";
  const text = typeof value === "bigint" ? String(value) : (JSON.stringify(value) ?? String(value));
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
}

/** True for what JSON calls an object. */
export function isJsonObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Text that is not empty. */
export function readText(value: unknown, place: Place): string | undefined {
  if (typeof value !== "string") return refuse(place, `must be text; it is ${toShown(value)}.`);
  if (value.trim() === "") return refuse(place, "must not be empty.");
  if (value.length > MAX_TEXT) return refuse(place, `must have at most ${MAX_TEXT} characters.`);
  return value;
}

/** A whole number, or its digits: CloudFormation hands numbers over as text. */
export function toInteger(value: unknown): number | undefined {
  if (typeof value === "string" && /^\d{1,15}$/.test(value)) return Number(value);
  return typeof value === "number" && Number.isSafeInteger(value) ? value : undefined;
}

/** A whole number in a range. */
export function integerFrom(min: number, max: number): Reader<number> {
  return (value, place) => {
    const number = toInteger(value);
    if (number !== undefined && number >= min && number <= max) return number;
    return refuse(place, `must be a whole number from ${min} to ${max}; it is ${toShown(value)}.`);
  };
}

/** `true` or `false`, or one of the words true, yes, false and no in any case. */
export function readBoolean(value: unknown, place: Place): boolean | undefined {
  if (typeof value === "boolean") return value;
  const word = typeof value === "string" ? value.toLowerCase() : "";
  if (word === "true" || word === "yes") return true;
  if (word === "false" || word === "no") return false;
  return refuse(place, `must be true, false, yes or no; it is ${toShown(value)}.`);
}

/** One of some words, spelled so. */
export function oneOf<const Word extends string>(...words: readonly Word[]): Reader<Word> {
  return (value, place) => {
    const found = words.find((word) => word === value);
    return found ?? refuse(place, `must be one of ${words.join(", ")}; it is ${toShown(value)}.`);
  };
}

/** A list of so many entries, each of one kind. */
export function listOf<Value>(entry: Reader<Value>, min: number, max: number): Reader<Value[]> {
  return (value, { path, report }) => {
    const place = { path, report };
    if (!Array.isArray(value)) return refuse(place, `must be a list; it is ${toShown(value)}.`);
    if (value.length < min) return refuse(place, `must have at least ${min} ${min === 1 ? "entry" : "entries"}.`);
    if (value.length > max) return refuse(place, `must have at most ${max} entries; it has ${value.length}.`);
    const read = value.map((item: unknown, index) => entry(item, { path: `${path}/${index}`, report }));
    return read.every((item) => item !== undefined) ? read : undefined;
  };
}

type Shape = Readonly<Record<string, Reader<unknown>>>;
type Read<S extends Shape, Required extends keyof S> = { readonly [K in Required]: ValueOf<S[K]> } & {
  readonly [K in Exclude<keyof S, Required>]?: ValueOf<S[K]>;
};

/**
 * An object of known keys. ECS spells them with a small first letter; authors of templates often begin with a capital one,
 * so both are taken.
 */
export function fieldsOf<S extends Shape, Required extends keyof S & string>(
  shape: S,
  required: readonly Required[],
): Reader<Read<S, Required>> {
  return (value, place) => {
    if (!isJsonObject(value)) return refuse(place, `must be an object; it is ${toShown(value)}.`);
    const { path, report } = countFaults(place);
    const read = readKnown(shape, value, { path, report });
    const absent = required.filter((key) => !read.has(key));
    for (const key of absent) refuse({ path: `${path}/${key}`, report }, "is required.");
    return report.count() > 0 ? undefined : (Object.fromEntries(read) as Read<S, Required>);
  };
}

function readKnown(shape: Shape, value: Readonly<Record<string, unknown>>, { path, report }: Place) {
  const read = new Map<string, unknown>();
  for (const [written, item] of Object.entries(value)) {
    const key = written.charAt(0).toLowerCase() + written.slice(1);
    const at = { path: `${path}/${toSegment(written)}`, report };
    const reader = Object.hasOwn(shape, key) ? shape[key] : undefined;
    if (reader === undefined) refuse(at, `is not known here; known are ${Object.keys(shape).join(", ")}.`);
    else if (read.has(key)) refuse(at, "is given twice.");
    else read.set(key, reader(item, at));
  }
  return read;
}

/** The same place, with a count of what is reported there. */
export function countFaults({ path, report }: Place) {
  let count = 0;
  const counting = (problem: PropertyProblem): void => {
    count += 1;
    report(problem);
  };
  return { path, report: Object.assign(counting, { count: () => count }) };
}

/** A key as a segment of a JSON pointer (RFC 6901, section 3), bounded. */
export function toSegment(key: string): string {
  const shown = key.length > SHOWN ? `${key.slice(0, SHOWN)}…` : key;
  return shown.replaceAll("~", "~0").replaceAll("/", "~1");
}
