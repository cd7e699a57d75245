import { chunk, listPages, type Store } from "@stackyard/core";
import {
  type DeadLetter,
  findParked,
  listHeldSecrets,
  listHiddenValues,
  maskText,
  type ParkedEvent,
  parseParkedId,
  toEventKey,
} from "@stackyard/core/engine";
import { loadReadable } from "../access/reach.ts";

/** The subjects of a reason. */
export interface ReasonSubjects {
  readonly stackIds?: readonly string[];
  /** Ids of dead letters. */
  readonly deadLetters?: readonly string[];
  /** Ids of parked events. */
  readonly parked?: readonly string[];
}

const AT_ONCE = 50;
const PAGE = 1_000;

/**
 * Returns the reason of a person without the sensitive values of the stacks, dead letters and parked events that it is about. Every operation that
 * keeps a reason itself calls it; the engine masks those of events in the same way.
 */
export async function maskReason<Reason extends string | undefined>(
  store: Pick<Store, "load" | "loadParked" | "queries">,
  reason: Reason,
  { stackIds = [], deadLetters = [], parked = [] }: ReasonSubjects,
): Promise<Reason | string> {
  if (reason === undefined) return reason;
  const found = [await findLetters(store, deadLetters), await findParkedEvents(store, parked)];
  const letters = found.flatMap((each) => each.letters);
  const damaged = found.flatMap((each) => each.damaged);
  const own = letters.flatMap(({ event, masked }) => listHiddenValues(event.message, masked));
  let text = maskText(own, reason);
  const ids = new Set([...stackIds, ...letters.map(({ event }) => event.stackId)].filter((id) => id !== ""));
  for (const part of chunk([...ids], AT_ONCE)) {
    const loaded = await loadReadable(store, part);
    damaged.push(...part.filter((id) => !loaded.has(id)));
    const stacks = [...loaded.values()].flatMap(({ stack }) => (stack === undefined ? [] : [stack]));
    text = maskText(stacks.flatMap(listHeldSecrets), text);
  }
  return damaged[0] === undefined ? text : withhold(damaged[0]);
}

/** Returns what is kept instead of a reason that may quote unknown values. The operation continues: it may repair the damage. */
export function withhold(id: string): string {
  return `*** (The reason is not kept: "${id}" cannot be read, so its sensitive values are not known.)`;
}

/** The events that a reason is about, and what cannot be read of them. */
interface Subjects {
  readonly letters: readonly (DeadLetter | ParkedEvent)[];
  readonly damaged: readonly string[];
}

async function findParkedEvents(store: Pick<Store, "load" | "loadParked">, ids: readonly string[]): Promise<Subjects> {
  const names = ids.flatMap((id) => parseParkedId(id) ?? []);
  const byStack = Map.groupBy(names, ({ stackId }) => stackId);
  const letters: ParkedEvent[] = [];
  const damaged: string[] = [];
  for (const part of chunk([...byStack.keys()], AT_ONCE)) {
    const readable = await loadReadable(store, part);
    damaged.push(...part.filter((id) => !readable.has(id)));
    for (const loaded of readable.values()) {
      const heads = findParked(loaded, byStack.get(loaded.stackId) ?? []);
      letters.push(
        ...(await store.loadParked(
          loaded.stackId,
          heads.map(({ event }) => toEventKey(event)),
        )),
      );
    }
  }
  return { letters, damaged };
}

async function findLetters({ queries }: Pick<Store, "queries">, ids: readonly string[]): Promise<Subjects> {
  const wanted = new Set(ids);
  const letters: DeadLetter[] = [];
  const damaged: string[] = [];
  if (wanted.size === 0) return { letters, damaged };
  for await (const { items, unreadable = [] } of listPages((start) =>
    queries.listDeadLetters({}, { limit: PAGE, ...start }),
  )) {
    letters.push(...items.filter(({ id }) => wanted.has(id)));
    damaged.push(...unreadable.flatMap(({ id }) => (wanted.has(id) ? [id] : [])));
    if (letters.length + damaged.length === wanted.size) break;
  }
  return { letters, damaged };
}
