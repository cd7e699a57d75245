import type { Page, PageInput } from "../ports/records.ts";
import type { SetAsideEvent } from "../ports/stack-store.ts";
import { toPage } from "./memory-page.ts";

/** Which events that were set aside are listed. */
export interface SetAsideFilter {
  readonly stackId?: string;
  readonly code?: string;
}

/** Events that were set aside. */
export interface MemorySetAside {
  add(event: SetAsideEvent): void;
  /** The entry that is gone now. */
  remove(id: string): SetAsideEvent | undefined;
  list(filter: SetAsideFilter, page: PageInput): Page<SetAsideEvent>;
  prune(before: number): void;
  readonly size: number;
}

interface Row {
  readonly sequence: number;
  readonly entry: SetAsideEvent;
}

/** Few rows that people look at: lists walk through all of them. */
export function createMemorySetAside(): MemorySetAside {
  const rows = new Map<string, Row>();
  let sequence = 0;

  return {
    add(entry) {
      sequence += 1;
      rows.set(entry.id, { sequence, entry });
    },
    remove(id) {
      const row = rows.get(id);
      rows.delete(id);
      return row?.entry;
    },
    list(filter, page) {
      const before = page.cursor === undefined ? Number.POSITIVE_INFINITY : Number(page.cursor);
      const found = [...rows.values()].filter((row) => row.sequence < before && matches(row.entry, filter)).reverse();
      const listed = toPage(found, page, (row) => String(row.sequence));
      return { ...listed, items: listed.items.map(({ entry }) => entry) };
    },
    prune(before) {
      for (const [id, { entry }] of rows) if (entry.setAsideAt < before) rows.delete(id);
    },
    get size() {
      return rows.size;
    },
  };
}

function matches({ event, code }: SetAsideEvent, filter: SetAsideFilter): boolean {
  return (
    (filter.stackId === undefined || filter.stackId === event.stackId) &&
    (filter.code === undefined || filter.code === code)
  );
}
