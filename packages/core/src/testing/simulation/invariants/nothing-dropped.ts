import { DEFAULT_PARKING } from "../../../aggregate/round.ts";
import type { Change, HistoryEntry, QueuedEvent } from "../../../ports/stack-store.ts";
import type { Store } from "../../../ports/store.ts";
import { type Invariant, keyOfEvent, keyOfLine } from "./invariant.ts";

/** Every event that was accepted has a line in its stack's history before the queue lets it go. */
export const nothingDropped: Invariant = {
  name: "nothing-dropped",
  promise:
    "No event is dropped without a word; a parked one soon ends as applied, refused or set aside, which is listed.",
  create(tell) {
    // What is to be told of an event that never gets its line.
    const owed = new Map<string, string>();
    const met = new Set<string>();
    const applied = new Set<string>();
    const parking = createParking(tell);
    function owe(event: QueuedEvent): void {
      const { stackId, id } = event;
      const key = keyOfEvent(event);
      if (!met.has(key)) owed.set(key, `${stackId}: ${id} was never worked.`);
    }
    return {
      onSent(events) {
        for (const event of events) owe(event);
      },
      onRedriven(events) {
        for (const event of events) {
          const { stackId, id } = event;
          const key = keyOfEvent(event);
          // One that came a second time may have been applied since: it is not queued again.
          if (!applied.has(key)) owed.set(key, `${stackId}: ${id} was sent again and never worked.`);
        }
      },
      onSettled(_grant, { event }) {
        if (event !== undefined) owe(event);
      },
      async onCommitted({ change }, store) {
        for (const line of change.history) {
          const { outcome } = line;
          const key = keyOfLine(line);
          met.add(key);
          owed.delete(key);
          if (outcome === "applied" || outcome === "removed") applied.add(key);
        }
        parking.note(change);
        for (const sentence of await findUnlisted(change, store)) tell(sentence);
      },
      onAcknowledged(events) {
        for (const event of events) {
          if (!met.has(keyOfEvent(event))) tell(`${event.stackId}: ${event.id} has left the queue without a word.`);
        }
      },
      async onRest(store) {
        for (const sentence of owed.values()) tell(sentence);
        for (const what of parking.list()) tell(`${what} was parked and forgotten.`);
        const { queuedEvents, parkedEvents } = await store.queries.stats();
        if (queuedEvents > 0) tell(`${queuedEvents} event(s) stay in the queue.`);
        if (parkedEvents > 0) tell(`${parkedEvents} event(s) stay parked.`);
      },
    };
  },
};

const MINUTE_MS = 60_000;
/** Who looks for what is parked may be late, and its clock another one. */
const LATE_MS = 15 * MINUTE_MS;

interface Parked {
  readonly what: string;
  readonly since: number;
}

/** What is parked, and whether it is so for longer than it may be. */
function createParking(tell: (sentence: string) => void) {
  const parked = new Map<string, Parked>();
  function noteLine(line: HistoryEntry, now: number): void {
    const { stackId, eventId, outcome } = line;
    const key = keyOfLine(line);
    const known = parked.get(key);
    if (outcome === "parked") {
      parked.set(key, known ?? { what: `${stackId}: ${eventId}`, since: now });
      return;
    }
    parked.delete(key);
    const keptMs = now - (known?.since ?? now);
    if (keptMs > DEFAULT_PARKING.keepMs + LATE_MS) tell(`${known?.what} was parked for ${toMinutes(keptMs)} min.`);
  }
  return {
    note({ stackId, history, park, now }: Change): void {
      for (const line of history) noteLine(line, now);
      for (const { event, tries, parkedAt } of park) {
        const what = `${stackId}: ${event.id} is parked after`;
        const keptMs = now - parkedAt;
        if (tries >= DEFAULT_PARKING.maxTries) tell(`${what} ${tries} tries.`);
        if (keptMs >= DEFAULT_PARKING.keepMs) tell(`${what} ${toMinutes(keptMs)} min.`);
      }
    },
    list: () => [...parked.values()].map(({ what }) => what),
  };
}

function toMinutes(ms: number): number {
  return Math.round(ms / MINUTE_MS);
}

/** What the change sets aside can be found and sent again. */
async function findUnlisted({ stackId, history }: Change, store: Store): Promise<readonly string[]> {
  const gone = history.filter(({ outcome }) => outcome === "set-aside");
  if (gone.length === 0) return [];
  const { items } = await store.queries.listSetAside({ stackId }, { limit: 1_000 });
  const listed = new Set(items.map(({ event }) => keyOfEvent(event)));
  const unlisted = gone.filter((line) => !listed.has(keyOfLine(line)));
  return unlisted.map(({ eventId }) => `${stackId}: ${eventId} was set aside and is not listed.`);
}
