import type { StackSummary } from "@stackyard/sdk";
import { useEffect, useRef } from "react";
import type { Selection } from "./selection-bar.tsx";

type Rows = readonly (Pick<StackSummary, "id"> | undefined)[];

/** Returns the chosen ids without those whose rows have left the list; a row that is only not loaded now has not. */
export function keepListed(ids: ReadonlySet<string>, before: Rows, now: Rows): ReadonlySet<string> {
  const listed = new Set(now.map((row) => row?.id));
  const gone = before.flatMap((row, index) => {
    const isUnloaded = index < now.length && now[index] === undefined;
    return row === undefined || listed.has(row.id) || isUnloaded || !ids.has(row.id) ? [] : [row.id];
  });
  return gone.length === 0 ? ids : new Set([...ids].filter((id) => !gone.includes(id)));
}

/** Takes stacks that leave the list out of the selection: an action is about what is shown. */
export function useListedOnly(rows: Rows | undefined, { ids, all }: Selection, select: (next: Selection) => void) {
  const before = useRef(rows);
  useEffect(() => {
    const kept = keepListed(ids, before.current ?? [], rows ?? []);
    before.current = rows;
    if (kept !== ids) select({ ids: kept, all });
  });
}
