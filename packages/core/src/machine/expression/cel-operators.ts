import { Duration, UnsignedInt } from "@marcbachmann/cel-js/evaluator";
import { checkInt, compareBytes, EARLIEST_MS, LATEST_MS, toDuration, toNanosOf } from "./cel-functions.ts";
import { isTyped } from "./cel-types.ts";
import { EvaluationError, type Meter } from "./meter.ts";

/** The part of the library's evaluator that operators use. */
interface Evaluator {
  run(node: unknown, context: unknown): unknown;
}

/** A node after its types were inferred. */
interface OperatorNode {
  readonly op: string;
  readonly args: unknown;
  /** Calls the library's operator for the values of the operands, which its types have chosen. */
  handle?(...input: readonly unknown[]): unknown;
  evaluate(evaluator: Evaluator, node: OperatorNode, context: unknown): unknown;
}

type Operator = (node: OperatorNode, meter: () => Meter) => OperatorNode["evaluate"] | undefined;

/** Replaces the operators of a tree with which the library computes something else than the language has. */
export function adaptOperators(value: unknown, meter: () => Meter): void {
  if (Array.isArray(value)) for (const each of value) adaptOperators(each, meter);
  else if (isTyped(value)) {
    const node: OperatorNode = value;
    node.evaluate = OPERATORS[node.op]?.(node, meter) ?? node.evaluate;
    adaptOperators(value.args, meter);
  }
}

const OPERATORS: Readonly<Record<string, Operator>> = {
  "==": binary((left, right, { meter }) => areEqual(left, right, meter)),
  "!=": binary((left, right, { meter }) => !areEqual(left, right, meter)),
  in: binary((left, right, { meter }) => isIn(left, right, meter)),
  "+": binary((left, right, { library }) => addTimes(left, right) ?? library()),
  "-": binary((left, right, { library }) => subtractTimes(left, right) ?? library()),
  "/": binary((_left, _right, { library }) => toChecked(library())),
  "[]": binary((left, right, { library }) => library(left, toKey(right))),
  "-_": (node) => (evaluator, _node, context) => {
    const value = evaluator.run(node.args, context);
    return toChecked(node.handle?.(value, node, evaluator));
  },
  // The library makes an object, whose keys are texts.
  map: (node, meter) => (evaluator, _node, context) => toMap(node, meter(), (each) => evaluator.run(each, context)),
};

interface BinaryInput {
  readonly meter: Meter;
  /** Calls the library's operator, with these operands or with the values of the node. */
  library(left?: unknown, right?: unknown): unknown;
}

function binary(apply: (left: unknown, right: unknown, input: BinaryInput) => unknown): Operator {
  return (node, meter) => {
    const [first, second] = Array.isArray(node.args) ? node.args : [];
    return (evaluator, _node, context) => {
      const left = evaluator.run(first, context);
      const right = evaluator.run(second, context);
      const library = (...values: readonly unknown[]) => {
        const [a, b] = values.length === 0 ? [left, right] : values;
        return node.handle?.(a, b, node, evaluator);
      };
      return apply(left, right, { meter: meter(), library });
    };
  };
}

/**
 * Returns true for equal values: numbers of any kind by their value, lists and maps by their items. Values of
 * different kinds are not equal.
 */
function areEqual(left: unknown, right: unknown, meter: Meter): boolean {
  meter.charge(1);
  const [a, b] = [toNumber(left), toNumber(right)];
  if (a !== undefined || b !== undefined) return areEqualNumbers(a, b);
  if (Array.isArray(left) && Array.isArray(right)) {
    return left.length === right.length && left.every((item, index) => areEqual(item, right[index], meter));
  }
  return left instanceof Map && right instanceof Map ? areEqualMaps(left, right, meter) : areEqualScalars(left, right);
}

type AnyMap = ReadonlyMap<unknown, unknown>;

function areEqualMaps(left: AnyMap, right: AnyMap, meter: Meter): boolean {
  if (left.size !== right.size) return false;
  return [...left].every(([key, item]) => right.has(key) && areEqual(item, right.get(key), meter));
}

function areEqualScalars(left: unknown, right: unknown): boolean {
  if (left instanceof Date && right instanceof Date) return left.getTime() === right.getTime();
  if (left instanceof Duration && right instanceof Duration) return toNanosOf(left) === toNanosOf(right);
  if (left instanceof Uint8Array && right instanceof Uint8Array) return compareBytes(left, right) === 0;
  return left === right;
}

function toNumber(value: unknown): number | bigint | undefined {
  if (value instanceof UnsignedInt) return value.valueOf();
  return typeof value === "number" || typeof value === "bigint" ? value : undefined;
}

function areEqualNumbers(a: number | bigint | undefined, b: number | bigint | undefined): boolean {
  if (typeof a === typeof b) return a === b;
  const [whole, other] = typeof a === "bigint" ? [a, b] : [b, a];
  return typeof whole === "bigint" && typeof other === "number" && Number.isInteger(other) && BigInt(other) === whole;
}

function isIn(item: unknown, items: unknown, meter: Meter): boolean {
  if (items instanceof Map) return items.has(toKey(item));
  if (Array.isArray(items)) return items.some((each) => areEqual(item, each, meter));
  throw new EvaluationError("in needs a list or a map");
}

/** Returns the key or index that is equal to a value: whole numbers of any kind are the same key. */
function toKey(value: unknown): unknown {
  if (value instanceof UnsignedInt) return value.valueOf();
  return typeof value === "number" && Number.isInteger(value) ? BigInt(value) : value;
}

function toMap({ args }: OperatorNode, meter: Meter, run: (node: unknown) => unknown): Map<unknown, unknown> {
  const map = new Map<unknown, unknown>();
  for (const [keyNode, itemNode] of Array.isArray(args) ? args : []) {
    meter.charge(1);
    const key = run(keyNode);
    if (typeof key === "number" || (typeof key === "object" && !(key instanceof UnsignedInt))) {
      throw new EvaluationError("a key of a map must be a text, a whole number, true or false");
    }
    const known = toKey(key);
    if (map.has(known)) throw new EvaluationError("a map has a duplicate key");
    map.set(known, run(itemNode));
  }
  return map;
}

const NANOS_OF_MS = 1_000_000n;

function addTimes(left: unknown, right: unknown): unknown {
  if (left instanceof Duration && right instanceof Date) return move(right, toNanosOf(left));
  if (!(right instanceof Duration)) return undefined;
  if (left instanceof Date) return move(left, toNanosOf(right));
  return left instanceof Duration ? toDuration(toNanosOf(left) + toNanosOf(right)) : undefined;
}

function subtractTimes(left: unknown, right: unknown): unknown {
  if (left instanceof Date && right instanceof Date) {
    return toDuration(BigInt(left.getTime() - right.getTime()) * NANOS_OF_MS);
  }
  if (!(right instanceof Duration)) return undefined;
  if (left instanceof Date) return move(left, -toNanosOf(right));
  return left instanceof Duration ? toDuration(toNanosOf(left) - toNanosOf(right)) : undefined;
}

function move(date: Date, nanos: bigint): Date {
  const rest = ((nanos % NANOS_OF_MS) + NANOS_OF_MS) % NANOS_OF_MS;
  const ms = date.getTime() + Number((nanos - rest) / NANOS_OF_MS);
  if (ms >= EARLIEST_MS && ms <= LATEST_MS) return new Date(ms);
  throw new EvaluationError("an instant is out of the years 1 to 9999");
}

function toChecked(value: unknown): unknown {
  return typeof value === "bigint" ? checkInt(value) : value;
}
