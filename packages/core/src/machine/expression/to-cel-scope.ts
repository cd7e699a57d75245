import type { MetadataValue } from "../stack.ts";
import type { CelScope } from "./cel-engine.ts";
import type { ExpressionScope, ScopeTask } from "./expression.ts";
import type { ExpressionPlace } from "./expression-place.ts";

// Beyond, a number is no CEL int, which has 64 bits.
const INT_LIMIT = 2 ** 63;

/**
 * A scope as the library wants it: instants as dates, whole numbers as int. What the place may not see is left out,
 * whatever the scope holds: `event`, other tasks, sensitive metadata. Maps, because the library takes the key `constructor`
 * of an object for its class.
 */
export function toCelScope(scope: ExpressionScope, place: ExpressionPlace): CelScope {
  const { stack, event, tasks, now } = scope;
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
    tasks: place.tasks && tasks ? toCelTasks(place.tasks, tasks) : undefined,
    now: new Date(now),
  };
}

const NOTHING: ReadonlySet<string> = new Set();

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
