import type { Remembered } from "@stackyard/core";
import type { Page } from "@stackyard/core/engine";
import type { Aggregate } from "./aggregate.ts";
import { inParallel } from "./database.ts";
import { addIds, findKnownIds, writeMovedIds } from "./keys.ts";
import { changeStack, loadStack } from "./stack-home.ts";
import type { StoreContext } from "./store-context.ts";

/** Returns a page that says why it is empty. */
export function listRemembered(): Page<Remembered> {
  const reason = "This store keeps the ids of events as hashes, from which no other store can know them";
  return { items: [], unreadable: [{ id: "event ids", reason }] };
}

/** Adds versions and ids to the items of stacks, or to their shadows. */
export async function addRemembered(context: StoreContext, entries: readonly Remembered[]): Promise<void> {
  await inParallel(groupByStack(entries), ([stackId, ofStack]) => addToStack(context, stackId, ofStack));
}

/** Returns the entries that the store does not remember. */
export async function findMissing(
  context: StoreContext,
  entries: readonly Remembered[],
): Promise<readonly Remembered[]> {
  const missing = await inParallel(groupByStack(entries), ([stackId, ofStack]) => findIn(context, stackId, ofStack));
  return missing.flat();
}

type ByStack = readonly (readonly [string, readonly Remembered[]])[];

function groupByStack(entries: readonly Remembered[]): ByStack {
  return [...Map.groupBy(entries, ({ stackId }) => stackId)];
}

async function addToStack(context: StoreContext, stackId: string, entries: readonly Remembered[]): Promise<void> {
  await changeStack<void>(context, stackId, async (before) => {
    const missing = await listMissing(context, before, entries);
    if (missing.length === 0) return { result: undefined };
    const events = missing.flatMap((entry) => (entry.kind === "event" ? [entry] : []));
    // The first of these ids has its own number, whatever was pruned before it.
    const idCount = Math.max(before.idCount, (events[0]?.number ?? 1) - 1);
    const ids = events.map(({ key, at }) => ({ key, at }));
    const { aggregate, moved } = addIds({ ...before, idCount }, ids);
    if (moved !== undefined) await writeMovedIds(context, stackId, moved);
    const versions = missing.flatMap((entry) => (entry.kind === "stack" ? [entry.version] : []));
    return { next: withVersion(aggregate, Math.max(0, ...versions)), result: undefined };
  });
}

/** A stack that is created next continues above that version. */
function withVersion(aggregate: Aggregate, version: number): Aggregate {
  const { stack, stackVersion } = aggregate;
  if (stack !== undefined) return aggregate;
  return { ...aggregate, version: Math.max(aggregate.version, version), stackVersion: Math.max(stackVersion, version) };
}

async function findIn(context: StoreContext, stackId: string, entries: readonly Remembered[]) {
  const { aggregate } = await loadStack(context, stackId);
  return listMissing(context, aggregate, entries);
}

async function listMissing(
  context: StoreContext,
  aggregate: Aggregate,
  entries: readonly Remembered[],
): Promise<readonly Remembered[]> {
  const [first] = entries;
  const keys = entries.flatMap((entry) => (entry.kind === "event" ? [entry.key] : []));
  const known = new Set(await findKnownIds(context, first?.stackId ?? "", aggregate, keys));
  const version = Math.max(aggregate.version, aggregate.stackVersion);
  return entries.filter((entry) => (entry.kind === "event" ? !known.has(entry.key) : entry.version > version));
}
