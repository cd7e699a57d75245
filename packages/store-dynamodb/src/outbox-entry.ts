import type { Change } from "@stackyard/core/engine";

/** What follows from one commit, until it is done. Its version and home name it: doing it again changes nothing. */
export interface OutboxEntry
  extends Pick<
    Change,
    "now" | "history" | "dispatches" | "cancels" | "closes" | "acknowledges" | "park" | "unpark" | "setAside"
  > {
  readonly version: number;
  /** Versions of a stack's item and of its shadow are counted apart. */
  readonly home: "live" | "shadow";
}

/** What a change leaves to do; undefined: nothing. */
export function toOutboxEntry(
  change: Change,
  { version, home }: Pick<OutboxEntry, "version" | "home">,
): OutboxEntry | undefined {
  const { now, history, dispatches, cancels, closes, acknowledges, park, unpark, setAside } = change;
  const lists = { history, dispatches, cancels, closes, acknowledges, park, unpark, setAside };
  const isEmpty = Object.values(lists).every((list) => list.length === 0);
  return isEmpty ? undefined : { version, home, now, ...lists };
}
