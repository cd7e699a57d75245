import type { Clock } from "@stackyard/core";
import type { Item } from "./attributes.ts";
import type { Table } from "./database.ts";
import { WORK_INDEXES } from "./table-definitions.ts";
import type { DueKey } from "./work-keys.ts";

/** What this process has just written into the index of work, which shows it a little later. */
export interface RecentWork {
  /** Due by then. Like an entry of the index it is a hint: the item may say otherwise by now. */
  list<Kind extends string>(kinds: readonly Kind[], now: number): readonly DueKey<Kind>[];
}

interface Entry {
  readonly found: DueKey<string>;
  readonly writtenAt: number;
}

/** An index lags for less than a second as a rule; after this it is believed. */
const KEPT_MS = 10_000;
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

  function listAll(): readonly DueKey<string>[] {
    for (const [name, { writtenAt }] of entries) {
      if (clock.now() - writtenAt < KEPT_MS) break;
      entries.delete(name);
    }
    return [...entries.values()].map(({ found }) => found);
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
      list: (kinds, now) =>
        kinds.flatMap((kind) =>
          listAll().flatMap(({ kind: own, key, at }) => (own === kind && at <= now ? [{ kind, key, at }] : [])),
        ),
    },
  };
}

function toName({ pk, sk }: Readonly<Record<string, unknown>> | DueKey<string>["key"]): string {
  return JSON.stringify([pk, sk]);
}
