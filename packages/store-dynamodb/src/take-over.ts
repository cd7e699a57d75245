import type { Aggregate, ParkedMark } from "./aggregate.ts";
import { ATTEMPTS } from "./attempt-row.ts";
import { loadRow, parseRow } from "./mutate-row.ts";
import type { ParkedRow } from "./parked-row.ts";
import type { ShadowRow } from "./shadow-row.ts";
import type { StoreContext } from "./store-context.ts";
import { WORK_INDEXES } from "./table-definitions.ts";
import { toKeyPart, toStackKey } from "./work-keys.ts";

/**
 * An item that the predecessor wrote. Should it have written over one of ours, versions and entries go on above those
 * that there were, so that no attempt's id is used again, and what was parked stays so.
 */
export async function takeOver(
  context: StoreContext,
  stackId: string,
  aggregate: Aggregate,
  shadow: ShadowRow | undefined,
): Promise<Aggregate> {
  const [version, entry, parked] = await Promise.all([
    findLastVersion(context, stackId),
    findLastEntry(context, stackId),
    listParkedMarks(context, stackId),
  ]);
  const { stack } = aggregate;
  return {
    ...aggregate,
    stack: stack === undefined ? undefined : { ...stack, entry },
    floor: Math.max(aggregate.version, version, shadow?.version ?? 0, shadow?.removedVersion ?? 0),
    ids: shadow?.ids ?? [],
    idCount: shadow?.idCount ?? 0,
    // Of a life of ours that was written over nothing says whether ids had been moved: they are looked up.
    idsMoved: shadow?.idsMoved ?? version > 0,
    parked,
    shadowVersion: shadow?.version ?? 0,
  };
}

async function findLastVersion({ work }: StoreContext, stackId: string): Promise<number> {
  const { pk, sk } = toStackKey(stackId, "history#");
  const condition = { expression: "pk = :pk AND begins_with(sk, :sk)", values: { ":pk": pk, ":sk": sk } };
  for await (const item of work.query({ condition, descending: true, pageSize: 1 })) {
    return Number(/^history#(\d+)/.exec(item["sk"]?.S ?? "")?.[1] ?? 0);
  }
  return 0;
}

async function findLastEntry(context: StoreContext, stackId: string): Promise<number> {
  const condition = { expression: "listKey = :key", values: { ":key": `attempts#${toKeyPart(stackId)}` } };
  const index = WORK_INDEXES.list.name;
  for await (const item of context.work.query({ index, condition, descending: true, pageSize: 1 })) {
    const attemptId = item["pk"]?.S?.replace(/^attempt#/, "") ?? "";
    return (await loadRow(context, ATTEMPTS, attemptId))?.entry ?? 0;
  }
  return 0;
}

async function listParkedMarks({ work }: StoreContext, stackId: string): Promise<readonly ParkedMark[]> {
  const { pk, sk } = toStackKey(stackId, "parked#");
  const condition = { expression: "pk = :pk AND begins_with(sk, :sk)", values: { ":pk": pk, ":sk": sk } };
  const rows: ParkedRow[] = [];
  for await (const item of work.query({ condition })) rows.push(parseRow<ParkedRow>(item));
  rows.sort((a, b) => a.parked.parkedAt - b.parked.parkedAt);
  return rows.map(({ parked, version }) => ({ id: parked.event.id, nextTryAt: parked.nextTryAt, version }));
}
