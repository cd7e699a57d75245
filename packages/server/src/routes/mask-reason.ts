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

/** What a reason is about. */
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
  const letters = [
    ...(deadLetters.length === 0 ? [] : await findLetters(store, deadLetters)),
    ...(await findParkedEvents(store, parked)),
  ];
  const own = letters.flatMap(({ event, masked }) => listHiddenValues(event.message, masked));
  let text = maskText(own, reason);
  const ids = new Set([...stackIds, ...letters.map(({ event }) => event.stackId)].filter((id) => id !== ""));
  for (const part of chunk([...ids], AT_ONCE)) {
    const loaded = await loadReadable(store, part);
    const stacks = [...loaded.values()].flatMap(({ stack }) => (stack === undefined ? [] : [stack]));
    text = maskText(stacks.flatMap(listHeldSecrets), text);
  }
  return text;
}

async function findParkedEvents(
  store: Pick<Store, "load" | "loadParked">,
  ids: readonly string[],
): Promise<readonly ParkedEvent[]> {
  const names = ids.flatMap((id) => parseParkedId(id) ?? []);
  const byStack = Map.groupBy(names, ({ stackId }) => stackId);
  const found: ParkedEvent[] = [];
  for (const part of chunk([...byStack.keys()], AT_ONCE)) {
    for (const loaded of (await loadReadable(store, part)).values()) {
      const heads = findParked(loaded, byStack.get(loaded.stackId) ?? []);
      found.push(
        ...(await store.loadParked(
          loaded.stackId,
          heads.map(({ event }) => toEventKey(event)),
        )),
      );
    }
  }
  return found;
}

async function findLetters(
  { queries }: Pick<Store, "queries">,
  ids: readonly string[],
): Promise<readonly DeadLetter[]> {
  const wanted = new Set(ids);
  const found: DeadLetter[] = [];
  for await (const { items } of listPages((start) => queries.listDeadLetters({}, { limit: PAGE, ...start }))) {
    found.push(...items.filter(({ id }) => wanted.has(id)));
    if (found.length === wanted.size) break;
  }
  return found;
}
