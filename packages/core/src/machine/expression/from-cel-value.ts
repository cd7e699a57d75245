import { REFERENCE_KEYS } from "../secrets.ts";
import { EvaluationError } from "./evaluation-error.ts";
import { EXPRESSION_LIMITS } from "./expression-limits.ts";

/** A value of the library as JSON; throws where JSON has no such value. Instants become ISO 8601 text. */
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

/** A value inside text: scalars only, as JSON writes them. */
export function toPlaceholderText(value: unknown): string {
  const json = fromCelValue(value);
  if (typeof json === "string") return json;
  if (json === null) throw new EvaluationError("the value is null, which cannot stand inside text");
  if (typeof json !== "object") return JSON.stringify(json);
  const kind = Array.isArray(json) ? "list" : "map";
  throw new EvaluationError(`the value is a ${kind}, which cannot stand inside text`);
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
  // JSON has no zero below zero.
  if (Number.isFinite(value)) return value === 0 ? 0 : value;
  throw new EvaluationError("the result is a number that JSON has not (infinite or not a number)");
}

function toIsoText(date: Date): string {
  if (Number.isNaN(date.getTime())) throw new EvaluationError("the result is an instant out of range");
  return date.toISOString();
}

function isPlain(value: unknown): value is object {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

function fromObject(value: unknown): unknown {
  if (value instanceof Uint8Array) throw new EvaluationError("the result is bytes; write string(x) for text");
  const tag = Object.prototype.toString.call(value);
  if (tag.includes("Duration")) throw new EvaluationError("the result is a duration; write string(x) for text");
  if (tag.includes("Type<")) throw new EvaluationError("the result is a type, which JSON has not");
  const inner: unknown = typeof value === "object" && value !== null ? value.valueOf() : undefined;
  if (typeof inner === "bigint") return toNumber(inner);
  throw new EvaluationError("the result is of a kind that JSON has not");
}
