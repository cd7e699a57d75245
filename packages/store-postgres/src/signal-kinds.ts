import type { Change } from "@stackyard/core/engine";
import type { StoreSignal } from "./port-types.ts";

type Kind = StoreSignal["kind"];

/** What listeners may want to know of these changes. `passedKeys`: a result has passed a key on to another attempt. */
export function signalsOf(changes: readonly Change[], passedKeys: boolean): ReadonlySet<Kind> {
  const kinds = new Set<Kind>(passedKeys ? ["task"] : []);
  for (const { history, dispatches, claims = [], cancels, closes } of changes) {
    if (history.length > 0) kinds.add("history");
    // The end of an attempt may pass a key on to another one. One that begins as granted waits for nobody.
    if (dispatches.length - claims.length + cancels.length + closes.length > 0) kinds.add("task");
    if (cancels.length > 0) kinds.add("event");
  }
  return kinds;
}
