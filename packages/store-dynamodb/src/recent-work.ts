import type { Clock } from "@stackyard/core";
import type { Item } from "./attributes.ts";
import type { Table } from "./database.ts";
import { WORK_INDEXES } from "./table-definitions.ts";
import type { DueKey } from "./work-keys.ts";

/** What this process has written into the index of work. */
export interface RecentWork {
  /** Due by then, and not in the index perhaps. Like an entry of the index it is a hint: the item may say otherwise by now. */
  list<Kind extends string>(kinds: readonly Kind[], now: number): readonly DueKey<Kind>[];
  /** The same, of all that the sweep of a minute may not have seen. */
  listOwn<Kind extends string>(kinds: readonly Kind[], now: number): readonly DueKey<Kind>[];
}

interface Entry {
  readonly found: DueKey<string>;
  readonly writtenAt: number;
}

/** An index lags for less than a second as a rule; after this it is believed. */
const LAG_MS = 10_000;
const KEPT_MS = 60_000;
const MOST = 1_000;
const { key: KEY, at: AT } = WORK_INDEXES.work;

/**
 * Watches the writes of a work table. Who commits and then takes what the commit has queued would else find nothing, and
 * the work would wait for the next sweep.
 */
export function watchWork(table: Table, clock: Clock): { readonly table: Table; readonly recent: RecentWork } {
  const entries = new Map<string, Entry>();

  function note(item: Item): void {
    const key = { pk: item["pk"]?.S ?? "", sk: item["sk"]?.S ?? "" };
    const name = toName(key);
    entries.delete(name);
    const kind = item[KEY]?.S;
    const at = item[AT]?.N;
    if (kind === undefined || at === undefined) return;
    entries.set(name, { found: { kind, key, at: Number(at) }, writtenAt: clock.now() });
    const [oldest] = entries.keys();
    if (entries.size > MOST && oldest !== undefined) entries.delete(oldest);
  }

  function listSince<Kind extends string>(ms: number, kinds: readonly Kind[], now: number): readonly DueKey<Kind>[] {
    for (const [name, { writtenAt }] of entries) {
      if (clock.now() - writtenAt < KEPT_MS) break;
      entries.delete(name);
    }
    const recent = [...entries.values()].filter(({ writtenAt }) => clock.now() - writtenAt < ms);
    return kinds.flatMap((kind) =>
      recent.flatMap(({ found: { kind: own, key, at } }) => (own === kind && at <= now ? [{ kind, key, at }] : [])),
    );
  }

  return {
    table: {
      ...table,
      async put(item, condition) {
        const isPut = await table.put(item, condition);
        if (isPut) note(item);
        return isPut;
      },
      remove(key, condition) {
        entries.delete(toName(key));
        return table.remove(key, condition);
      },
    },
    recent: {
      list: (kinds, now) => listSince(LAG_MS, kinds, now),
      listOwn: (kinds, now) => listSince(KEPT_MS, kinds, now),
    },
  };
}

function toName({ pk, sk }: Readonly<Record<string, unknown>> | DueKey<string>["key"]): string {
  return JSON.stringify([pk, sk]);
}
