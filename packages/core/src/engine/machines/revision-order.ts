import { mayBeUndeclared, type NewestMachine } from "../../aggregate/choose-machine.ts";
import type { WantedMachine } from "../../aggregate/stack-input.ts";
import type { Machine } from "../../machine/machine.ts";
import { RecentMap } from "../../machine/recent-map.ts";
import type { Clock } from "../../ports/clock.ts";
import type { ListedRevision, LocatedMachine } from "../../ports/locator.ts";
import type { Revisions } from "../../ports/store.ts";
import type { RevisionCache } from "./revision-cache.ts";

type FoundDocument = Extract<LocatedMachine, { kind: "found" }>;

type FoundNewest = Extract<NewestMachine, { kind: "found" }>;

/** The order in which the yard has seen the revisions of a machine, whatever document this process reads. */
export interface RevisionOrder {
  /** Notes that this process has read a document now, if it had not before. */
  note(hash: string): void;
  /** Returns the document with its place among the stored revisions. */
  place(located: FoundDocument, own: Machine | undefined, wanted: WantedMachine): Promise<FoundNewest>;
}

const MOST_REVISIONS = 1_000;

/** At most so many later revisions are searched for an event. */
const MOST_LATER = 20;

/**
 * Creates the order over the store's revisions. A document counts from when the store has it, or else from when this
 * process has read it first: a server that was started with an older document, and uses it late, must not count as the newer one.
 */
export function createRevisionOrder(
  { revisions, clock }: { readonly revisions: Revisions; readonly clock: Pick<Clock, "now"> },
  cache: Pick<RevisionCache, "find">,
): RevisionOrder {
  const readAt = new RecentMap<string, number>(MOST_REVISIONS);

  function noteRead(hash: string): number {
    const known = readAt.get(hash);
    if (known !== undefined) return known;
    const now = clock.now();
    readAt.set(hash, now);
    return now;
  }

  async function isEarlier(hash: string, own: Machine): Promise<boolean> {
    const stored = await revisions.get(own.hash);
    return stored !== undefined && (await openPlace(hash))(stored);
  }

  /** Returns whether a document has its place before another revision. One that is not stored yet gets a place after all others. */
  async function openPlace(hash: string): Promise<(other: Place) => boolean> {
    const stored = await revisions.get(hash);
    const readAt = noteRead(hash);
    return (other) => (stored === undefined ? readAt < other.firstSeenAt : isBefore(stored, other));
  }

  async function declaresLater({ machine }: FoundDocument, { name, event }: WantedMachine): Promise<boolean> {
    const { items } = await revisions.list(name, { limit: MOST_LATER });
    const isBeforeOther = await openPlace(machine.hash);
    for (const listed of items) {
      if (!isBeforeOther(listed)) return false;
      const later = await cache.find(listed.hash);
      if (later?.events.has(event.name)) return true;
    }
    return false;
  }

  return {
    note: noteRead,
    async place(located, own, wanted) {
      const { machine } = located;
      noteRead(machine.hash);
      const isBehind = own !== undefined && own.hash !== machine.hash && (await isEarlier(machine.hash, own));
      const chosen = isBehind ? own : machine;
      const isUndeclared = mayBeUndeclared(chosen, wanted.event);
      return {
        kind: "found",
        machine,
        isEarlier: isBehind,
        isDeclaredLater: isUndeclared && (await declaresLater(located, wanted)),
      };
    },
  };
}

/** Where a revision stands among those of its machine. */
type Place = Pick<ListedRevision, "hash" | "firstSeenAt">;

/** Two processes may store two revisions at once, and so with one instant: then the hash decides, for all processes alike. */
function isBefore(a: Place, b: Place): boolean {
  return a.firstSeenAt < b.firstSeenAt || (a.firstSeenAt === b.firstSeenAt && a.hash < b.hash);
}
