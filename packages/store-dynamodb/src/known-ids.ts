import type { Aggregate } from "./aggregate.ts";
import { inParallel } from "./in-parallel.ts";
import type { StoreContext } from "./store-context.ts";
import { toKeyPart, toStackKey, type WorkKey } from "./work-keys.ts";

/** An event id of a stack that has left the stack's item. */
export function toIdKey(stackId: string, eventId: string): WorkKey {
  return toStackKey(stackId, `id#${toKeyPart(eventId)}`);
}

/** Those of the ids that the stack applied: the newest stand in its item, older ones are looked up where there are any. */
export async function findKnownIds(
  { work }: StoreContext,
  stackId: string,
  { ids, idsMoved }: Pick<Aggregate, "ids" | "idsMoved">,
  asked: readonly string[],
): Promise<readonly string[]> {
  const unique = [...new Set(asked)];
  const near = new Set(ids.map(([id]) => id));
  const isKnown = await inParallel(unique, async (id) => {
    if (near.has(id)) return true;
    return idsMoved && (await work.get({ ...toIdKey(stackId, id) })) !== undefined;
  });
  return unique.filter((_, index) => isKnown[index]);
}
