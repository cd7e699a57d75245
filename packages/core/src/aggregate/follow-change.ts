import { toEventKey } from "../machine/event-message.ts";
import { defined } from "../machine/json.ts";
import { toParkedHead } from "../ports/parked-head.ts";
import type { Change, LoadedStack } from "../ports/stack-store.ts";

/** Returns the aggregate after the change was committed. */
export function followChange(
  { stackId, version, stack, parked }: LoadedStack,
  { write, park, retried = [], unpark }: Change,
): LoadedStack {
  const next = write.kind === "keep" ? stack : write.kind === "put" ? write.stack : undefined;
  const left = new Map(parked.map((each) => [toEventKey(each.event), each]));
  for (const key of unpark) left.delete(key);
  for (const each of [...park.map(toParkedHead), ...retried]) left.set(toEventKey(each.event), each);
  return { stackId, version: version + 1, parked: [...left.values()], ...defined({ stack: next }) };
}
