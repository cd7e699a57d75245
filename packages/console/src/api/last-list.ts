import { useSyncExternalStore } from "react";
import { createListeners } from "./listeners.ts";

/** The stacks that a list showed last, in its order: `[` and `]` go through them on a stack's page. */
let shown: readonly string[] = [];
const listeners = createListeners();

/** Remembers the stacks that a list shows. Kept until the page is closed. */
export function rememberList(stackIds: readonly string[]): void {
  if (stackIds.length === shown.length && stackIds.every((id, index) => id === shown[index])) return;
  shown = stackIds;
  listeners.notify();
}

/** Returns the stacks that a list showed last, in its order. */
export function useRememberedList(): readonly string[] {
  return useSyncExternalStore(listeners.subscribe, () => shown);
}

/** The place of a stack in the list that was shown last. */
export interface ListPlace {
  /** From 1. */
  readonly place: number;
  readonly total: number;
  readonly previous?: string | undefined;
  readonly next?: string | undefined;
}

/** Returns the place of a stack in the last list; undefined when it is not in it. */
export function useListPlace(stackId: string): ListPlace | undefined {
  const ids = useRememberedList();
  const index = ids.indexOf(stackId);
  if (index === -1) return undefined;
  return { place: index + 1, total: ids.length, previous: ids[index - 1], next: ids[index + 1] };
}
