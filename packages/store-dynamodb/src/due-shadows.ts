import type { DueItem, TakeDueInput } from "@stackyard/core/engine";
import { findParkedAt, findRepairAt } from "./aggregate.ts";
import { attemptLater } from "./attempt-later.ts";
import { afterHidden } from "./attempt-row.ts";
import { findDueKeys } from "./find-due-keys.ts";
import { adoptShadow, finishShadow } from "./finish-commit.ts";
import { inParallel } from "./in-parallel.ts";
import { loadRow, loadRowAt, mutateRow } from "./mutate-row.ts";
import { SHADOWS, type ShadowRow, toShadowAggregate } from "./shadow-row.ts";
import type { StoreContext } from "./store-context.ts";

const REPAIR_AGAIN_MS = 60_000;

/** An absent stack with a due parked event. */
export interface DueShadow {
  readonly row: ShadowRow;
  readonly at: number;
  readonly order: number;
}

/** Absent stacks with due parked events. What was committed for them and is not finished is finished first. */
export async function findDueShadows(
  context: StoreContext,
  { now, limit }: Pick<TakeDueInput, "now" | "limit">,
): Promise<readonly DueShadow[]> {
  const keys = await findDueKeys(context, "sweep", ["shadow"], { now, limit });
  const found = await inParallel(keys.slice(0, 2 * limit), async ({ key }) => {
    const row = await loadRowAt<ShadowRow>(context, key);
    if (row === undefined) return [];
    await settle(context, row, now);
    const current = await loadRow(context, SHADOWS, row.stackId);
    const at = current === undefined ? undefined : findDueParked(current, now);
    return current === undefined || at === undefined ? [] : [{ row: current, at, order: 0 }];
  });
  return found.flat();
}

/** Finishes a commit that is not; a stack may also have begun at the same time as something was parked for none. */
async function settle(context: StoreContext, row: ShadowRow, now: number): Promise<void> {
  const { stackId } = row;
  const aggregate = toShadowAggregate(row);
  const at = findRepairAt(aggregate);
  const isUnfinished = at !== undefined && afterHidden(at, row.repairHidden) <= now;
  if (!isUnfinished && row.parked.length === 0) return;
  const what = `what follows from a commit for the absent stack ${JSON.stringify(stackId)}`;
  const finish = () => (isUnfinished ? finishShadow(context, stackId, aggregate) : adoptShadow(context, stackId));
  if ((await attemptLater(context, what, finish)) || at === undefined) return;
  await mutateRow<ShadowRow, void>(context, SHADOWS, stackId, (current) => {
    if (current?.version !== row.version) return { result: undefined };
    return { write: { ...current, repairHidden: { at, until: now + REPAIR_AGAIN_MS } }, result: undefined };
  });
}

function findDueParked(row: ShadowRow, now: number): number | undefined {
  const at = findParkedAt(toShadowAggregate(row));
  return at !== undefined && afterHidden(at, row.parkedHidden) <= now ? at : undefined;
}

/** Marks chosen ones. */
export async function takeShadows(context: StoreContext, chosen: readonly DueShadow[], input: TakeDueInput) {
  const until = input.now + input.leaseMs;
  const taken = await inParallel(chosen, async ({ row: seen, at, order }) => {
    const { stackId } = seen;
    const isTaken = await mutateRow<ShadowRow, boolean>(
      context,
      SHADOWS,
      stackId,
      (row) => {
        if (row === undefined || findDueParked(row, input.now) === undefined) return { result: false };
        return { write: { ...row, parkedHidden: { at, until } }, result: true };
      },
      seen,
    );
    const item: DueItem = { kind: "parked", stackId, dueAt: at };
    return isTaken ? [{ at, order, item }] : [];
  });
  return taken.flat();
}
