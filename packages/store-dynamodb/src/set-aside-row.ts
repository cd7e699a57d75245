import type { SetAsideEvent } from "@stackyard/core/engine";
import { REPAIR_AFTER_MS } from "./attempt-row.ts";
import type { Row } from "./attributes.ts";
import { toItem } from "./attributes.ts";
import type { RowKind, WorkRow } from "./mutate-row.ts";
import type { StoreContext } from "./store-context.ts";
import { toKeyPart } from "./work-keys.ts";

/** An event that was set aside. One that was sent again stays for a while, so that no late writer brings it back. */
export interface SetAsideRow extends WorkRow {
  readonly entry: SetAsideEvent;
  /** Grows over the yard. */
  readonly sequence: number;
  readonly sentAgain?: { readonly at: number; readonly isQueued: boolean } | undefined;
}

/** All of them stand under this key of the list index. */
export const SET_ASIDE_LIST = "set-aside";

/** How they are kept: by the id of the entry, listed until they are sent again. */
export const SET_ASIDE: RowKind<SetAsideRow> = {
  name: "event that was set aside",
  toKey: (id) => ({ pk: `set-aside#${toKeyPart(id)}`, sk: "event" }),
  toIndex({ sequence, sentAgain }): Row {
    if (sentAgain === undefined) return { listKey: SET_ASIDE_LIST, listAt: sequence };
    if (sentAgain.isQueued) return { sweepKey: "sent-again", sweepAt: sentAgain.at };
    return { sweepKey: "redriven", sweepAt: sentAgain.at + REPAIR_AFTER_MS };
  },
};

/** Puts it there unless it is. */
export async function putSetAside({ work }: StoreContext, entry: SetAsideEvent, sequence: number): Promise<void> {
  const row = { entry, sequence };
  const item = toItem({ ...row, ...SET_ASIDE.toIndex(row), ...SET_ASIDE.toKey(entry.id) });
  await work.put(item, { expression: "attribute_not_exists(pk)" });
}
