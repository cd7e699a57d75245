import type { QueuedEvent } from "./stack-store.ts";

type Kind = "string" | "number" | "object" | "array";

/** The fields of a stored document that readers depend on, with the kinds of their values. */
export type Shape = Readonly<Record<string, Kind>>;

const EVENT: Shape = {
  id: "string",
  stackId: "string",
  origin: "string",
  message: "object",
  receivedAt: "number",
};
const ORIGINS: ReadonlySet<string> = new Set(["external", "stack", "worker"]);

/** Returns why a value is not a queued event; undefined when it is one. */
export function findEventFault(value: unknown): string | undefined {
  const fault = findShapeFault(value, EVENT);
  if (fault !== undefined) return fault;
  const { origin } = value as QueuedEvent;
  return ORIGINS.has(origin) ? undefined : '"origin" is neither "external" nor "stack" nor "worker"';
}

/** Returns why a value does not have the shape; undefined when it has. */
export function findShapeFault(value: unknown, shape: Shape): string | undefined {
  if (kindOf(value) !== "object") return "it is not an object";
  const fields = value as Readonly<Record<string, unknown>>;
  for (const name in shape) {
    if (kindOf(fields[name]) !== shape[name]) return `"${name}" is not of type ${shape[name]}`;
  }
  return undefined;
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return "array";
  return value === null ? "null" : typeof value;
}
