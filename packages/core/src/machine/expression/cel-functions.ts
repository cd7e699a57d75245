import type { Duration, Environment } from "@marcbachmann/cel-js/evaluator";
import { parseCelDuration, toDurationText } from "./cel-durations.ts";
import { INSTANT_FIELDS, parseInstant, toInstantOfSeconds, toInstantText, toZonedDate } from "./instant-functions.ts";
import type { Meter } from "./meter.ts";
import { containsText, joinTexts, lowerAscii, replaceText, splitText, upperAscii } from "./text-functions.ts";

/** What a function needs of the evaluation that it runs in. */
export interface FunctionDeps {
  meter(): Meter;
  search(text: string, pattern: string): boolean;
}

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
const REPLACED_METHODS = new Set("contains matches split join replace lowerAscii upperAscii getDayOfYear".split(" "));
const REPLACED_FUNCTIONS = new Set(["timestamp", "duration", "matches"]);

/** The name under which the environment knows the bounded form of a function. */
export function toBoundedName(name: string, input: { method: boolean; args: number }): string {
  if (!input.method) return REPLACED_FUNCTIONS.has(name) ? name + OURS : name;
  const zoned = input.args === 1 && Object.hasOwn(INSTANT_FIELDS, name);
  return zoned || REPLACED_METHODS.has(name) ? name + OURS : name;
}

/** The message of the library with the names as they were written. */
export function toWrittenNames(message: string): string {
  return message.replace(/(\w)_\(/g, "$1(").replace(/dyn<([^<>]*)>/g, "$1");
}

/** Adds the functions that the library has not, or has without bounds. */
export function registerFunctions(environment: Environment, deps: FunctionDeps): void {
  const add: AddFunction = (signature, handler) => {
    environment.registerFunction(signature, handler, { async: false });
  };
  // The library compares `1` with a computed `1.0`, but not with a written one.
  environment.registerOperator("int == double", (left: bigint, right: number) => Number(left) === right);
  addTextFunctions(add, deps);
  addTimeFunctions(add);
  for (const [name, read] of Object.entries(INSTANT_FIELDS)) addField(add, { name, read, deps });
}

type AddFunction = (signature: string, handler: (...args: never[]) => unknown) => void;

const INSTANT = "google.protobuf.Timestamp";
const SPAN = "google.protobuf.Duration";

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
  add("string.lowerAscii_(): string", lowerAscii);
  add("string.upperAscii_(): string", upperAscii);
}

function addTimeFunctions(add: AddFunction): void {
  add(`timestamp_(string): ${INSTANT}`, parseInstant);
  add(`timestamp_(int): ${INSTANT}`, toInstantOfSeconds);
  add(`timestamp_(${INSTANT}): ${INSTANT}`, (date: Date) => date);
  add(`duration_(string): ${SPAN}`, parseCelDuration);
  add(`duration_(${SPAN}): ${SPAN}`, (duration: Duration) => duration);
  add(`string(${INSTANT}): string`, toInstantText);
  add(`string(${SPAN}): string`, toDurationText);
  add(`int(${INSTANT}): int`, (date: Date) => BigInt(Math.floor(date.getTime() / 1000)));
}

function addField(add: AddFunction, field: { name: string; read: (date: Date) => number; deps: FunctionDeps }): void {
  const { name, read, deps } = field;
  add(`${INSTANT}.${name}_(): int`, (date: Date) => BigInt(read(date)));
  add(`${INSTANT}.${name}_(string): int`, (date: Date, zone: string) =>
    BigInt(read(toZonedDate(date, zone, deps.meter()))),
  );
}
