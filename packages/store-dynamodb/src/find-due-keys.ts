import { STACK_SHARDS } from "./aggregate.ts";
import type { Item } from "./attributes.ts";
import { inParallel } from "./in-parallel.ts";
import { toWorkKey } from "./load-listed.ts";
import type { StoreContext } from "./store-context.ts";
import { DUE_INDEX, WORK_INDEXES } from "./table-definitions.ts";
import type { DueKey } from "./work-keys.ts";

/** A stack that the index, or a scan, says to be due. */
export interface DueStack {
  readonly id: string;
  readonly at: number;
}

/** Due work of some kinds by then, oldest first; of every kind at most so many, and what this process has just written. */
export async function findDueKeys<Kind extends string>(
  { work, recentWork, takesOwnOnly = false }: StoreContext,
  indexName: "work" | "sweep",
  kinds: readonly Kind[],
  { now, limit }: { readonly now: number; readonly limit: number },
): Promise<readonly DueKey<Kind>[]> {
  const { name, key, at } = WORK_INDEXES[indexName];
  if (takesOwnOnly) return recentWork.listOwn(kinds, now).toSorted((a, b) => a.at - b.at);
  const found = await inParallel(kinds, async (kind) => {
    const values = { ":key": kind, ":now": now };
    const condition = { expression: `${key} = :key AND ${at} <= :now`, values };
    const items = await takeFirst(work.query({ index: name, condition, pageSize: limit }), limit);
    return items.map((item) => ({ kind, key: toWorkKey(item), at: Number(item[at]?.N) }));
  });
  const listed = found.flat();
  const recent = indexName === "work" ? recentWork.list(kinds, now) : [];
  return [...listed, ...withoutListed(recent, listed)].sort((a, b) => a.at - b.at);
}

function withoutListed<Kind extends string>(
  recent: readonly DueKey<Kind>[],
  listed: readonly DueKey<Kind>[],
): readonly DueKey<Kind>[] {
  const known = new Set(listed.map(({ kind, key }) => JSON.stringify([kind, key.pk, key.sk])));
  return recent.filter(({ kind, key }) => !known.has(JSON.stringify([kind, key.pk, key.sk])));
}

/** Stacks that are due by then, oldest first. Without the index it reads the whole table. */
export async function findDueStacks(
  context: StoreContext,
  { now, limit }: { readonly now: number; readonly limit: number },
): Promise<readonly DueStack[]> {
  const { stacks, hasDueIndex } = context;
  const { name, shard: key, at } = DUE_INDEX;
  if (!hasDueIndex) return scanDueStacks(context, { expression: `${at} <= :now`, values: { ":now": now } });
  const shards = Array.from({ length: STACK_SHARDS }, (_, shard) => shard);
  const found = await inParallel(shards, async (shard) => {
    const condition = { expression: `${key} = :shard AND ${at} <= :now`, values: { ":shard": shard, ":now": now } };
    return takeFirst(stacks.query({ index: name, condition, pageSize: limit }), limit);
  });
  return toDueStacks(found.flat());
}

/** The first instant in the index of some kinds; undefined: there is none. */
export async function findNextAt(
  { work }: StoreContext,
  indexName: "work" | "sweep",
  kinds: readonly string[],
): Promise<number | undefined> {
  const { name, key, at } = WORK_INDEXES[indexName];
  const found = await inParallel(kinds, async (kind) => {
    const condition = { expression: `${key} = :key`, values: { ":key": kind } };
    const [first] = await takeFirst(work.query({ index: name, condition, pageSize: 1 }), 1);
    return first === undefined ? [] : [Number(first[at]?.N)];
  });
  return toEarliest(found.flat());
}

/** The first instant at which a stack is due; undefined: there is none. */
export async function findNextStackAt(context: StoreContext): Promise<number | undefined> {
  const { stacks, hasDueIndex } = context;
  const { name, shard: key, at } = DUE_INDEX;
  if (!hasDueIndex) return (await scanDueStacks(context, { expression: `attribute_exists(${at})` }))[0]?.at;
  const shards = Array.from({ length: STACK_SHARDS }, (_, shard) => shard);
  const found = await inParallel(shards, async (shard) => {
    const condition = { expression: `${key} = :shard`, values: { ":shard": shard } };
    return takeFirst(stacks.query({ index: name, condition, pageSize: 1 }), 1);
  });
  return toDueStacks(found.flat())[0]?.at;
}

async function scanDueStacks({ stacks }: StoreContext, filter: Parameters<typeof stacks.scan>[0]["filter"] & object) {
  const items: Item[] = [];
  let from: Item | undefined;
  do {
    const page = await stacks.scan({ filter, attributes: ["id", DUE_INDEX.at], from });
    items.push(...page.items);
    from = page.next;
  } while (from !== undefined);
  return toDueStacks(items);
}

function toDueStacks(items: readonly Item[]): readonly DueStack[] {
  return items
    .map((item) => ({ id: item["id"]?.S ?? "", at: Number(item[DUE_INDEX.at]?.N) }))
    .sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1));
}

function toEarliest(instants: readonly number[]): number | undefined {
  return instants.length === 0 ? undefined : Math.min(...instants);
}

/** The first so many; further pages are not asked for. */
export async function takeFirst<T>(items: AsyncIterable<T>, limit: number): Promise<readonly T[]> {
  const taken: T[] = [];
  if (limit <= 0) return taken;
  for await (const item of items) {
    taken.push(item);
    if (taken.length >= limit) break;
  }
  return taken;
}
