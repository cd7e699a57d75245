import { type Aggregate, EMPTY, type ParkedMark } from "./aggregate.ts";
import { fromItem } from "./attributes.ts";
import type { ParkedRow } from "./parked.ts";
import type { StoreContext } from "./store-context.ts";
import { toStackKey } from "./work-keys.ts";

/** Versions that were lost with an item that the predecessor wrote over are below. */
const LOST_VERSIONS = 1_000_000;

/**
 * An item that the predecessor wrote. If it wrote over one of ours, versions and entries continue above those that there
 * were, so that no attempt's id is used again, and what was parked stays parked. `kept`: what we know of the stack beside
 * the item; `lastVersion`: that of the shadow, 0 without one.
 */
export async function takeOver(
  context: StoreContext,
  stackId: string,
  { stack, stackVersion }: Aggregate,
  kept: Aggregate | undefined,
  lastVersion: number,
): Promise<Aggregate> {
  if (stack === undefined) return EMPTY;
  if (kept !== undefined) return { ...kept, stack, stackVersion, version: Math.max(kept.version, stackVersion) };
  const [last, parked] = await Promise.all([findLast(context, stackId), listParkedMarks(context, stackId)]);
  const version = Math.max(lastVersion, last.version);
  return {
    ...EMPTY,
    version: version === 0 ? stackVersion : version + LOST_VERSIONS,
    stackVersion,
    stack: { ...stack, entry: Math.max(stack.entry, last.entry) },
    // Nothing tells whether ids had been moved: they are looked up.
    idsMoved: version > 0,
    parked,
  };
}

/** What the newest row of the history says. */
async function findLast({ work }: StoreContext, stackId: string) {
  const { pk, sk } = toStackKey(stackId, "history#");
  const condition = { expression: "pk = :pk AND begins_with(sk, :sk)", values: { ":pk": pk, ":sk": sk } };
  for await (const item of work.query({ condition, descending: true, pageSize: 1 })) {
    const version = Number(/^history#(\d+)/.exec(item["sk"]?.S ?? "")?.[1] ?? 0);
    return { version, entry: Number(item["entry"]?.N ?? 0) };
  }
  return { version: 0, entry: 0 };
}

async function listParkedMarks({ work }: StoreContext, stackId: string): Promise<readonly ParkedMark[]> {
  const { pk, sk } = toStackKey(stackId, "parked#");
  const condition = { expression: "pk = :pk AND begins_with(sk, :sk)", values: { ":pk": pk, ":sk": sk } };
  const marks = new Map<string, ParkedMark & { readonly at: number }>();
  for await (const item of work.query({ condition })) {
    const { id, parked } = fromItem(item) as unknown as ParkedRow;
    // A row that was replaced may still be there: the last try counts.
    const mark = { id, nextTryAt: parked.nextTryAt, name: item["sk"]?.S ?? "", at: parked.parkedAt };
    if ((marks.get(id)?.nextTryAt ?? 0) <= mark.nextTryAt) marks.set(id, mark);
  }
  return [...marks.values()].sort((a, b) => a.at - b.at).map(({ id, nextTryAt, name }) => ({ id, nextTryAt, name }));
}
