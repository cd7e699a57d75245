import { parseJson } from "../machine/json.ts";
import { foreignCursor, type Page, type PageInput, type PageRow } from "./records.ts";

/** One thing that a store remembers of a stack's id, whether there is a stack of it or not. */
export type Remembered =
  /** The last version that was given, and how many events were counted. `goneAt`: since when the stack is gone. */
  | {
      readonly kind: "stack";
      readonly stackId: string;
      readonly version: number;
      readonly events: number;
      readonly goneAt?: number;
    }
  /**
   * An event that was applied, answered or withdrawn, so that another one with its key is a duplicate. `number`: its
   * place among those of its stack, from 1.
   */
  | {
      readonly kind: "event";
      readonly stackId: string;
      /** As `toEventKey` returns it. */
      readonly key: string;
      readonly at: number;
      readonly number: number;
    };

/**
 * All that a store remembers of what is gone: the keys of events, and the versions of stacks that were removed. `prune` removes
 * from it by age, backups contain it, and a copy of a store takes and compares all of it, so nothing else may be
 * remembered elsewhere.
 */
export interface StoreMemory {
  /**
   * Lists all of it, in any order. What the store keeps only as a hash is an unreadable row of its page: such a store
   * cannot be copied.
   */
  list(page: PageInput): Promise<Page<Remembered>>;
  /** Adds what the store does not know. Entries of one stack are in the order of their numbers. May be repeated. */
  add(entries: readonly Remembered[]): Promise<void>;
  /** Returns the entries that the store does not remember: an unknown event, or a stack of a lower version. */
  findMissing(entries: readonly Remembered[]): Promise<readonly Remembered[]>;
}

/** Where a page of a list in order begins: after that stack or, where all stacks come before, after that event. */
export interface RememberedPlace {
  readonly stackId: string;
  readonly key?: string;
}

/** Returns an entry as a row of a list whose stacks come first, in order of ids, and then events, in order of keys. */
export function toRememberedRow(entry: Remembered): PageRow<Remembered> {
  const { stackId } = entry;
  const place = entry.kind === "event" ? [stackId, entry.key] : [stackId];
  const cursor = JSON.stringify(place);
  return { id: place.at(-1) ?? "", cursor, bytes: Buffer.byteLength(cursor), read: () => entry };
}

/** Reads the cursor of such a list. Throws `USAGE` for that of another list. */
export function parseRememberedPlace(cursor: string | undefined): RememberedPlace {
  const place = cursor === undefined ? [""] : parseJson(cursor);
  if (!Array.isArray(place) || !place.every((part) => typeof part === "string")) throw foreignCursor();
  const [stackId = "", key] = place;
  return key === undefined ? { stackId } : { stackId, key };
}
