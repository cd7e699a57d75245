import type { Aggregate } from "./aggregate.ts";
import { mutateRow } from "./mutate-row.ts";
import { SHADOWS, type ShadowRow } from "./shadow-row.ts";
import type { StoreContext } from "./store-context.ts";

/** Writes what was committed while there is no stack; false when the shadow is not as it was. */
export async function writeShadow(
  context: StoreContext,
  stackId: string,
  seen: ShadowRow | undefined,
  next: Aggregate,
): Promise<boolean> {
  const { version, ids, idCount, idsMoved, parked, parkedHidden, outbox } = next;
  const removedVersion = seen?.removedVersion ?? 0;
  const write = { stackId, version, removedVersion, ids, idCount, idsMoved, parked, parkedHidden, outbox };
  return mutateRow<ShadowRow, boolean>(context, SHADOWS, stackId, (row) => {
    return row?.nonce === seen?.nonce ? { write: { ...row, ...write }, result: true } : { result: false };
  });
}
