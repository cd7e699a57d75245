import { REFERENCE_KEYS } from "../secrets.ts";
import type { MetadataValue } from "../stack.ts";
import type { CelScope } from "./cel-engine.ts";
import type { ExpressionPlace, ExpressionScope, ScopeActor, ScopeTask } from "./expression.ts";
import { EvaluationError, EXPRESSION_LIMITS } from "./meter.ts";

// Beyond it, a number is not a CEL int, which has 64 bits.
const INT_LIMIT = 2 ** 63;

/**
 * Returns a scope in the library's types: instants as dates, whole numbers as int. Leaves out everything that the place
 * may not use, whatever the scope contains: `event`, other tasks, sensitive metadata. Uses Maps, because the library
 * takes the key `constructor` of an object for its class.
 */
export function toCelScope(scope: ExpressionScope, place: ExpressionPlace): CelScope {
  const { stack, event, tasks, actor, now } = scope;
  const hidden = place.sensitive === "always" ? NOTHING : place.metadata.sensitive;
  return {
    stack: new Map<string, unknown>([
      ["id", stack.id],
      ["machine", stack.machine],
      ["state", stack.state],
      ["previousState", stack.previousState],
      ["createdAt", new Date(stack.createdAt)],
      ["enteredAt", new Date(stack.enteredAt)],
      ["visits", toCelMap(stack.visits)],
    ]),
    metadata: toCelMap(scope.metadata, hidden),
    event: place.event && event ? toCelEvent(event, hidden) : undefined,
    actor: place.actor && actor ? toCelActor(actor) : undefined,
    tasks: place.tasks && tasks ? toCelTasks(place.tasks, tasks) : undefined,
    now: new Date(now),
  };
}

const NOTHING: ReadonlySet<string> = new Set();

/**
 * Returns the variables of an expression outside of machines: JSON values, and dates as instants. Other values become
 * null.
 */
export function toCelVariables(values: Readonly<Record<string, unknown>>): CelScope {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, fromJson(value)]));
}

function fromJson(value: unknown): unknown {
  if (typeof value === "number") return toCelValue(value);
  if (typeof value === "string" || typeof value === "boolean" || value instanceof Date) return value;
  if (Array.isArray(value)) return value.map(fromJson);
  if (typeof value !== "object" || value === null) return null;
  return new Map(Object.entries(value).map(([key, item]) => [key, fromJson(item)]));
}

function toCelMap(values: Readonly<Record<string, MetadataValue>>, hidden = NOTHING): Map<string, unknown> {
  const shown = Object.entries(values).filter(([key]) => !hidden.has(key));
  return new Map(shown.map(([key, value]) => [key, toCelValue(value)]));
}

function toCelValue(value: MetadataValue): MetadataValue | bigint {
  const isInt = typeof value === "number" && Number.isInteger(value) && Math.abs(value) < INT_LIMIT;
  return isInt ? BigInt(value) : value;
}

function toCelEvent(event: NonNullable<ExpressionScope["event"]>, hidden: ReadonlySet<string>): Map<string, unknown> {
  return new Map<string, unknown>([
    ["name", event.name],
    ["metadata", toCelMap(event.metadata, hidden)],
  ]);
}

function toCelActor({ id, kind, groups, machine = "" }: ScopeActor): Map<string, unknown> {
  return new Map<string, unknown>([
    ["id", id],
    ["kind", kind],
    ["groups", [...groups]],
    ["machine", machine],
  ]);
}

function toCelTasks(names: readonly string[], tasks: Readonly<Record<string, ScopeTask>>): Map<string, unknown> {
  const known = names.filter((name) => Object.hasOwn(tasks, name));
  return new Map(known.map((name) => [name, toCelTask(tasks[name])]));
}

function toCelTask(task: ScopeTask | undefined): Map<string, unknown> {
  return new Map<string, unknown>([
    ["status", task?.status ?? "PENDING"],
    ["outputs", toCelMap(task?.outputs ?? {})],
  ]);
}

/** Returns a value of the library as JSON; throws for values that JSON does not have. Instants become ISO 8601 text. */
export function fromCelValue(value: unknown, depth = 0): unknown {
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "bigint") return toNumber(value);
  if (typeof value === "number") return toFinite(value);
  if (value instanceof Date) return toIsoText(value);
  if (depth > EXPRESSION_LIMITS.maxNesting) throw new EvaluationError("the result is nested too deep");
  if (Array.isArray(value)) return value.map((item) => fromCelValue(item, depth + 1));
  if (value instanceof Map) return toRecord([...value], depth);
  if (isPlain(value)) return toRecord(Object.entries(value), depth);
  return fromObject(value);
}

/** Returns the text of a value inside text: scalars only, as in JSON. */
export function toPlaceholderText(value: unknown): string {
  const json = fromCelValue(value);
  if (typeof json === "string") return json;
  if (json === null) throw new EvaluationError("the value is null, which cannot be part of a string");
  if (typeof json !== "object") return JSON.stringify(json);
  const kind = Array.isArray(json) ? "list" : "map";
  throw new EvaluationError(`the value is a ${kind}, which cannot be part of a string`);
}

function toRecord(entries: readonly (readonly [unknown, unknown])[], depth: number): Readonly<Record<string, unknown>> {
  const named = entries.map(([key, item]) => [String(key), fromCelValue(item, depth + 1)] as const);
  const lost = named.find(([key]) => REFERENCE_KEYS.includes(key) || key === "__proto__");
  if (lost) throw new EvaluationError(`the result has the key "${lost[0]}", which is reserved`);
  return Object.fromEntries(named);
}

function toNumber(value: bigint): number {
  const number = Number(value);
  if (Math.abs(number) > 2 ** 53 || BigInt(number) !== value) {
    throw new EvaluationError("the result is a whole number beyond 2^53, which JSON cannot hold");
  }
  return number;
}

function toFinite(value: number): number {
  // JSON does not have a negative zero.
  if (Number.isFinite(value)) return value === 0 ? 0 : value;
  throw new EvaluationError("the result is infinite or not a number, which JSON does not support");
}

function toIsoText(date: Date): string {
  if (Number.isNaN(date.getTime())) throw new EvaluationError("the result is an instant out of range");
  return date.toISOString();
}

function isPlain(value: unknown): value is object {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

function fromObject(value: unknown): unknown {
  if (value instanceof Uint8Array) throw new EvaluationError("the result is bytes; write string(x) for a string");
  const tag = Object.prototype.toString.call(value);
  if (tag.includes("Duration")) throw new EvaluationError("the result is a duration; write string(x) for a string");
  if (tag.includes("Type<")) throw new EvaluationError("the result is a type, which JSON does not support");
  const inner: unknown = typeof value === "object" && value !== null ? value.valueOf() : undefined;
  if (typeof inner === "bigint") return toNumber(inner);
  throw new EvaluationError("the result has a type that JSON does not support");
}
