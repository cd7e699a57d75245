import { Duration, type Environment, UnsignedInt } from "@marcbachmann/cel-js/evaluator";
import { trimEndOf } from "../cut-text.ts";
import { checkListLength, EvaluationError, EXPRESSION_LIMITS, type Meter, toTextSteps } from "./meter.ts";

/** The parts of the evaluation that a function needs. */
interface FunctionDeps {
  meter(): Meter;
  search(text: string, pattern: string): boolean;
}

/** Functions of CEL that read an instant, as a field of the UTC date that shows the same digits. */
export const INSTANT_FIELDS: Readonly<Record<string, (date: Date) => number>> = {
  getDate: (date) => date.getUTCDate(),
  getDayOfMonth: (date) => date.getUTCDate() - 1,
  getDayOfWeek: (date) => date.getUTCDay(),
  getDayOfYear: (date) => Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / DAY_MS),
  getFullYear: (date) => date.getUTCFullYear(),
  getHours: (date) => date.getUTCHours(),
  getMilliseconds: (date) => date.getUTCMilliseconds(),
  getMinutes: (date) => date.getUTCMinutes(),
  getMonth: (date) => date.getUTCMonth(),
  getSeconds: (date) => date.getUTCSeconds(),
};

/** Functions that are called alone, and those that are called on a value. No others exist. */
export const CEL_FUNCTIONS: ReadonlySet<string> = new Set(
  "has size int uint double string bool bytes dyn type timestamp duration matches".split(" "),
);
/** @see CEL_FUNCTIONS */
export const CEL_METHODS: ReadonlySet<string> = new Set([
  ..."all exists exists_one map filter size contains startsWith endsWith matches".split(" "),
  ..."split join replace lowerAscii upperAscii trim".split(" "),
  ...Object.keys(INSTANT_FIELDS),
]);

// The library refuses a second definition of a function that it has. So ours have another name, which calls are given
// after their names were checked.
const OURS = "_";
const REPLACED_METHODS = new Set(
  "contains matches split join replace lowerAscii upperAscii trim getDayOfYear getMilliseconds".split(" "),
);
const REPLACED_FUNCTIONS = new Set(["timestamp", "duration", "matches", "int", "uint", "string"]);

/** Returns the name of the bounded form of a function in the environment. */
export function toBoundedName(name: string, input: { method: boolean; args: number }): string {
  if (!input.method) return REPLACED_FUNCTIONS.has(name) ? name + OURS : name;
  const zoned = input.args === 1 && Object.hasOwn(INSTANT_FIELDS, name);
  return zoned || REPLACED_METHODS.has(name) ? name + OURS : name;
}

/** Returns the message of the library with the names as they were written. */
export function toWrittenNames(message: string): string {
  return message.replace(/(\w)_\(/g, "$1(").replace(/dyn<([^<>]*)>/g, "$1");
}

/** Adds the functions that the library has not, or has without bounds. */
export function registerFunctions(environment: Environment, deps: FunctionDeps): void {
  const add: AddFunction = (signature, handler) => {
    environment.registerFunction(signature, handler, { async: false });
  };
  addMixedNumbers(environment);
  addBytes(environment);
  addIntegers(add);
  addTexts(add);
  addTextFunctions(add, deps);
  addTimeFunctions(add);
  for (const [name, read] of Object.entries(INSTANT_FIELDS)) addField(add, { name, read, deps });
}

type AddFunction = (signature: string, handler: (...args: never[]) => unknown) => void;

/** The library's name of instants. */
export const INSTANT = "google.protobuf.Timestamp";
/** The library's name of durations. */
export const SPAN = "google.protobuf.Duration";

/** A number of metadata is an int when it is whole, and a double otherwise: its arithmetic must not depend on that. */
function addMixedNumbers(environment: Environment): void {
  const operations: Readonly<Record<string, (a: number, b: number) => number>> = {
    "+": (a, b) => a + b,
    "-": (a, b) => a - b,
    "*": (a, b) => a * b,
    "/": (a, b) => a / b,
  };
  for (const [operator, apply] of Object.entries(operations)) {
    environment.registerOperator(`int ${operator} double: double`, (a: bigint, b: number) => apply(Number(a), b));
    environment.registerOperator(`double ${operator} int: double`, (a: number, b: bigint) => apply(a, Number(b)));
  }
}

function addBytes(environment: Environment): void {
  const compare = (test: (order: number) => boolean) => (a: Uint8Array, b: Uint8Array) => test(compareBytes(a, b));
  environment.registerOperator(
    "bytes < bytes: bool",
    compare((order) => order < 0),
  );
  environment.registerOperator(
    "bytes <= bytes: bool",
    compare((order) => order <= 0),
  );
  environment.registerOperator(
    "bytes > bytes: bool",
    compare((order) => order > 0),
  );
  environment.registerOperator(
    "bytes >= bytes: bool",
    compare((order) => order >= 0),
  );
}

/** Compares bytes as unsigned numbers, from the first on. */
export function compareBytes(left: Uint8Array, right: Uint8Array): number {
  const at = left.findIndex((byte, index) => byte !== right[index]);
  return at === -1 ? left.length - right.length : (left[at] ?? -1) - (right[at] ?? -1);
}

const MIN_INT = -(2n ** 63n);
const MAX_INT = 2n ** 63n - 1n;

/** The library converts an empty text to 0, `0b1` to 1, and numbers outside of 64 bits to themselves or to 0. */
function addIntegers(add: AddFunction): void {
  add("int_(int): int", (value: bigint) => value);
  add("int_(uint): int", (value: UnsignedInt) => checkInt(value.valueOf()));
  add("int_(double): int", (value: number) => {
    const whole = truncate(value, "int");
    // As in the reference implementation, whose conversion is not defined for it.
    return checkInt(whole === MIN_INT ? whole - 1n : whole);
  });
  add("int_(string): int", (text: string) => checkInt(readWhole(text, /^[+-]?0{0,40}\d{1,20}$/, "int")));
  add("uint_(uint): uint", (value: UnsignedInt) => value);
  add("uint_(int): uint", (value: bigint) => new UnsignedInt(value));
  add("uint_(double): uint", (value: number) => new UnsignedInt(value < 0 ? -1n : truncate(value, "uint")));
  add("uint_(string): uint", (text: string) => new UnsignedInt(readWhole(text, /^0{0,40}\d{1,20}$/, "uint")));
}

function truncate(value: number, name: string): bigint {
  if (Number.isFinite(value)) return BigInt(Math.trunc(value));
  throw new EvaluationError(`${name}() cannot convert this number`);
}

function readWhole(text: string, form: RegExp, name: string): bigint {
  if (form.test(text)) return BigInt(text);
  throw new EvaluationError(`${name}() cannot convert this text`);
}

/** Returns a whole number of 64 bits; throws for others. */
export function checkInt(value: bigint): bigint {
  if (value >= MIN_INT && value <= MAX_INT) return value;
  throw new EvaluationError("a number is out of the range of its type");
}

/** The library makes a text of any bytes. */
function addTexts(add: AddFunction): void {
  for (const type of ["string", "bool", "int", "uint"]) add(`string_(${type}): string`, String);
  add("string_(double): string", (value: number) => {
    if (Number.isFinite(value) || Number.isNaN(value)) return String(value);
    return value > 0 ? "+Inf" : "-Inf";
  });
  add("string_(bytes): string", (bytes: Uint8Array) => {
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
      throw new EvaluationError("string() needs bytes that are UTF-8");
    }
  });
}

function addTextFunctions(add: AddFunction, { meter, search }: FunctionDeps): void {
  add("string.contains_(string): bool", (a: string, b: string) => containsText(meter(), a, b));
  add("string.matches_(string): bool", search);
  add("matches_(string, string): bool", search);
  add("string.split_(string): list<string>", (a: string, b: string) => splitText(meter(), a, b));
  add("string.split_(string, int): list<string>", (a: string, b: string, n: bigint) => splitText(meter(), a, b, n));
  add("list.join_(): string", (list: readonly unknown[]) => joinTexts(meter(), list));
  add("list.join_(string): string", (list: readonly unknown[], by: string) => joinTexts(meter(), list, by));
  add("string.replace_(string, string): string", (a: string, b: string, c: string) => replaceText(meter(), a, b, c));
  add("string.replace_(string, string, int): string", (a: string, b: string, c: string, n: bigint) =>
    replaceText(meter(), a, b, c, n),
  );
  add("string.trim_(): string", trimText);
  add("string.lowerAscii_(): string", lowerAscii);
  add("string.upperAscii_(): string", upperAscii);
}

function addTimeFunctions(add: AddFunction): void {
  add(`timestamp_(string): ${INSTANT}`, parseInstant);
  add(`timestamp_(int): ${INSTANT}`, toInstantOfSeconds);
  add(`timestamp_(${INSTANT}): ${INSTANT}`, (date: Date) => date);
  add(`duration_(string): ${SPAN}`, parseCelDuration);
  add(`duration_(${SPAN}): ${SPAN}`, (duration: Duration) => duration);
  add(`string_(${INSTANT}): string`, toInstantText);
  add(`string_(${SPAN}): string`, toDurationText);
  add(`${SPAN}.getMilliseconds_(): int`, (duration: Duration) => (toNanosOf(duration) % SECOND) / 1_000_000n);
  add(`int_(${INSTANT}): int`, (date: Date) => BigInt(Math.floor(date.getTime() / 1000)));
}

function addField(add: AddFunction, field: { name: string; read: (date: Date) => number; deps: FunctionDeps }): void {
  const { name, read, deps } = field;
  add(`${INSTANT}.${name}_(): int`, (date: Date) => BigInt(read(date)));
  add(`${INSTANT}.${name}_(string): int`, (date: Date, zone: string) =>
    BigInt(read(toZonedDate(date, zone, deps.meter()))),
  );
}

// Up to this length a search reads each character once or twice; beyond it, hostile texts make it read each many times.
const SHORT_PART = 250;

/**
 * Evaluates `text.contains(part)`. The library's own text functions make any amount of text out of a little; these
 * charge a meter.
 */
export function containsText(meter: Meter, text: string, part: string): boolean {
  chargeSearch(meter, text, part);
  return text.includes(part);
}

/**
 * Evaluates `text.split(separator, limit)`; a limit below zero means unlimited. An empty separator splits into
 * characters.
 */
export function splitText(meter: Meter, text: string, separator: string, limit = -1n): string[] {
  chargeSearch(meter, text, separator);
  const parts = toParts(text, separator);
  if (limit < 0n || BigInt(parts.length) <= limit) return parts;
  const kept = Number(limit) - 1;
  return kept < 0 ? [] : [...parts.slice(0, kept), parts.slice(kept).join(separator)];
}

/** Evaluates `list.join(separator)`, of texts only. */
export function joinTexts(meter: Meter, list: readonly unknown[], separator = ""): string {
  const texts = list.map(toText);
  const characters = texts.reduce((sum, text) => sum + text.length + separator.length, 0);
  meter.charge(toTextSteps(characters) + texts.length);
  return texts.join(separator);
}

/** Evaluates `text.replace(part, by, limit)`: replaces the first `limit` parts, all when the limit is below zero. */
export function replaceText(meter: Meter, text: string, part: string, by: string, limit = -1n): string {
  if (part === "") return insertText(meter, text, by, limit);
  return joinTexts(meter, splitText(meter, text, part, limit < 0n ? -1n : limit + 1n), by);
}

const SPACES = "[\\t-\\r\\u0085\\p{Z}]";
const OUTER_SPACES = new RegExp(`^${SPACES}+|(?<!${SPACES})${SPACES}+$`, "gu");

/** Evaluates `text.trim()`, which removes what Unicode calls white space. */
function trimText(text: string): string {
  return text.replace(OUTER_SPACES, "");
}

/** Evaluates `text.lowerAscii()`, which changes only the letters A to Z. */
export function lowerAscii(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/** Evaluates `text.upperAscii()`, which changes only the letters a to z. */
export function upperAscii(text: string): string {
  return text.replace(/[a-z]+/g, (letters) => letters.toUpperCase());
}

// An empty part is found before each character and at the end.
function insertText(meter: Meter, text: string, by: string, limit: bigint): string {
  const characters = splitText(meter, text, "");
  const all = characters.length + 1;
  const times = limit < 0n || limit > BigInt(all) ? all : Number(limit);
  const pieces = [...characters, ""].map((character, index) => (index < times ? by : "") + character);
  return joinTexts(meter, pieces);
}

function chargeSearch(meter: Meter, text: string, part: string): void {
  const steps = toTextSteps(text.length);
  meter.charge(part.length > SHORT_PART ? Math.ceil((text.length * part.length) / 512) : steps);
}

function toParts(text: string, separator: string): string[] {
  if (separator === "") checkListLength(text.length);
  const parts = separator === "" ? [...text] : text.split(separator, EXPRESSION_LIMITS.maxList + 1);
  checkListLength(parts.length);
  return parts;
}

function toText(item: unknown): string {
  if (typeof item === "string") return item;
  throw new EvaluationError("join() needs a list of texts; write string(x) for other values");
}

const DAY_MS = 86_400_000;
/** The first millisecond of the year 1. */
export const EARLIEST_MS = -62_135_596_800_000;
/** The last millisecond of the year 9999. */
export const LATEST_MS = 253_402_300_799_999;
// Looking a time zone up takes this many steps.
const ZONE_STEPS = 500;
const RFC3339 =
  /^(\d{4})-(\d{2})-(\d{2})T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;

/**
 * Parses RFC 3339 text. Anything else is refused, because JavaScript would read it in the zone of the machine, and move
 * a day that does not exist to the next month.
 */
export function parseInstant(text: string): Date {
  const [, year, month, day] = RFC3339.exec(text) ?? [];
  if (year === undefined || !isDay(Number(year), Number(month), Number(day))) return refuseInstant();
  return toInstant(Date.parse(text));
}

function isDay(year: number, month: number, day: number): boolean {
  const date = new Date(Date.UTC(2000, month - 1, day));
  // Years below 100 would be read as those of the 20th century.
  date.setUTCFullYear(year, month - 1, day);
  return month >= 1 && month <= 12 && date.getUTCMonth() === month - 1 && date.getUTCDate() === day && day > 0;
}

/** Returns the epoch milliseconds of RFC 3339 text; undefined for any other text. */
export function findInstant(text: string): number | undefined {
  try {
    return parseInstant(text).getTime();
  } catch {
    return undefined;
  }
}

/** Returns the instant this number of seconds after 1970. */
export function toInstantOfSeconds(seconds: bigint): Date {
  return toInstant(Number(seconds) * 1000);
}

/** Returns RFC 3339 text, without a fraction that is zero. */
export function toInstantText(date: Date): string {
  return toInstant(date.getTime()).toISOString().replace(".000Z", "Z");
}

/** Returns the UTC date that shows the digits of a clock in this zone (`Europe/Berlin`, `+05:30`). */
export function toZonedDate(date: Date, zone: string, meter: Meter): Date {
  meter.charge(ZONE_STEPS);
  const [, sign, hours, minutes] = /^([+-]?)(\d{1,2}):(\d{2})$/.exec(zone.slice(0, 64)) ?? [];
  if (hours === undefined) return toNamedZone(date, zone.slice(0, 64));
  const offset = (Number(hours) * 60 + Number(minutes)) * 60_000;
  return new Date(date.getTime() + (sign === "-" ? -offset : offset));
}

function toNamedZone(date: Date, timeZone: string): Date {
  const fields: Record<string, number> = {};
  for (const { type, value } of toFormat(timeZone).formatToParts(date)) fields[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = fields;
  return new Date(Date.UTC(year, month - 1, day, hour, minute, second, date.getUTCMilliseconds()));
}

function toFormat(timeZone: string): Intl.DateTimeFormat {
  const digits = "numeric" as const;
  const fields = { year: digits, month: digits, day: digits, hour: digits, minute: digits, second: digits };
  try {
    return new Intl.DateTimeFormat("en-US", { timeZone, hourCycle: "h23", calendar: "gregory", ...fields });
  } catch {
    throw new EvaluationError("the time zone is unknown");
  }
}

function toInstant(ms: number): Date {
  return ms >= EARLIEST_MS && ms <= LATEST_MS ? new Date(ms) : refuseInstant();
}

function refuseInstant(): never {
  throw new EvaluationError("timestamp() needs RFC 3339 text such as 2030-01-31T09:00:00Z, or seconds since 1970");
}

const SECOND = 1_000_000_000n;
const MAX_CHARACTERS = 64;
const UNITS: Readonly<Record<string, bigint>> = {
  h: 3600n * SECOND,
  m: 60n * SECOND,
  s: SECOND,
  ms: 1_000_000n,
  us: 1000n,
  µs: 1000n,
  ns: 1n,
};
const WHOLE = /^[-+]?(?:\d+(?:\.\d+)?(?:h|ms|m|s|us|µs|ns))+$/;
const PART = /(?<!\d)(\d+)(?:\.(\d+))?(h|ms|m|s|us|µs|ns)/g;

/** Parses a duration of CEL, such as `1h30m`. The library's own parser takes quadratic time for long digits. */
export function parseCelDuration(text: string): Duration {
  if (text.length > MAX_CHARACTERS || !WHOLE.test(text)) {
    const [, days] = /^(\d{1,4})d$/.exec(text) ?? [];
    const advice = days === undefined ? "" : `, and has no d: write ${Number(days) * 24}h`;
    throw new EvaluationError(`duration() needs text such as 90m or 1h30m${advice}`);
  }
  let nanos = 0n;
  for (const [, whole = "0", fraction = "", unit = "s"] of text.matchAll(PART)) nanos += toNanos(whole, fraction, unit);
  return toDuration(text.startsWith("-") ? -nanos : nanos);
}

/** Seconds with a fraction, as CEL writes durations: `5400s`, `-0.5s`. */
export function toDurationText(duration: Duration): string {
  const nanos = toNanosOf(duration);
  const size = nanos < 0n ? -nanos : nanos;
  const fraction = trimEndOf((size % SECOND).toString().padStart(9, "0"), "0");
  return `${nanos < 0n ? "-" : ""}${size / SECOND}${fraction && `.${fraction}`}s`;
}

function toNanos(whole: string, fraction: string, unit: string): bigint {
  const scale = UNITS[unit] ?? 0n;
  return BigInt(whole) * scale + (BigInt(fraction || "0") * scale) / 10n ** BigInt(fraction.length);
}

/** Returns a duration in nanoseconds. */
export function toNanosOf({ seconds, nanos }: Duration): bigint {
  return seconds * SECOND + BigInt(nanos);
}

/** Returns a duration of at most 292 years: its nanoseconds have 64 bits, as in the reference implementation. */
export function toDuration(nanos: bigint): Duration {
  if (nanos < MIN_INT || nanos > MAX_INT) throw new EvaluationError("a duration is longer than 292 years");
  // The part below a second is kept positive.
  const rest = ((nanos % SECOND) + SECOND) % SECOND;
  return new Duration((nanos - rest) / SECOND, Number(rest));
}
