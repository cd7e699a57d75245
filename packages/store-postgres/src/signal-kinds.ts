import type { Change } from "@stackyard/core/engine";
import type { StoreSignal } from "./port-types.ts";

type Kind = StoreSignal["kind"];

/** What listeners may want to know of these changes. */
export function signalsOf(changes: readonly Change[]): ReadonlySet<Kind> {
  const kinds = new Set<Kind>();
  for (const { history, dispatches, cancels, closes } of changes) {
    if (history.length > 0) kinds.add("history");
    // The end of an attempt may pass a key on to another one.
    if (dispatches.length + cancels.length + closes.length > 0) kinds.add("task");
    if (cancels.length > 0) kinds.add("event");
  }
  return kinds;
}
