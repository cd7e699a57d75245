import type { LoadedStack } from "@stackyard/core/engine";
import type { Database } from "./database.ts";
import { loadParked } from "./park-events.ts";
import type { Stack } from "./port-types.ts";

/** A stack as the engine decides on it. */
export function loadStack(database: Database, stackId: string): LoadedStack {
  const row = database.get<{ version: number; body: string }>(
    "select version, body from stack where stack_id = ? and body is not null",
    stackId,
  );
  const parked = loadParked(database, stackId);
  if (row === undefined) return { stackId, version: 0, parked };
  return { stackId, version: row.version, stack: parseStack(row.body), parked };
}

/** A record as it was written. */
export function parseStack(body: string): Stack {
  return JSON.parse(body) as Stack;
}
