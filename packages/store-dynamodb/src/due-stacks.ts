import type { DueItem, TakeDueInput } from "@stackyard/core/engine";
import { type Aggregate, findNextDueAt, findParkedAt, findRepairAt, findTimerAt } from "./aggregate.ts";
import { attemptLater } from "./attempt-later.ts";
import { afterHidden, type Hidden } from "./attempt-row.ts";
import { findDueStacks } from "./find-due-keys.ts";
import { repairCommit } from "./finish-commit.ts";
import { inParallel } from "./in-parallel.ts";
import { parseStackItem } from "./stack-item.ts";
import type { StoreContext } from "./store-context.ts";

const REPAIR_AGAIN_MS = 60_000;

/** A stack of which something is due. */
export interface DueStackWork {
  readonly kind: "timer" | "parked";
  readonly stackId: string;
  readonly aggregate: Aggregate;
  readonly at: number;
  readonly order: number;
}

/** Stacks with due timers or parked events. Commits that are not finished are finished first. */
export async function findDueStackWork(
  context: StoreContext,
  { kinds, now, limit }: Pick<TakeDueInput, "kinds" | "now" | "limit">,
): Promise<readonly DueStackWork[]> {
  const due = await findDueStacks(context, { now, limit });
  const found = await inParallel(due.slice(0, 2 * limit), async ({ id }) => {
    const aggregate = await loadSettled(context, id, now);
    return aggregate === undefined ? [] : listDue(id, aggregate, now);
  });
  return found.flat().filter(({ kind }) => kinds.includes(kind));
}

function listDue(stackId: string, aggregate: Aggregate, now: number): readonly DueStackWork[] {
  const timerAt = findTimerAt(aggregate);
  const parkedAt = findParkedAt(aggregate);
  const isDue = (at: number | undefined, hidden: Hidden | undefined) =>
    at !== undefined && afterHidden(at, hidden) <= now;
  const same = { stackId, aggregate, order: 0 };
  return [
    ...(timerAt !== undefined && isDue(timerAt, aggregate.timerHidden)
      ? [{ ...same, kind: "timer", at: timerAt } as const]
      : []),
    ...(parkedAt !== undefined && isDue(parkedAt, aggregate.parkedHidden)
      ? [{ ...same, kind: "parked", at: parkedAt } as const]
      : []),
  ];
}

/** The stack as its item says; undefined where the index said too much. */
async function loadSettled(context: StoreContext, id: string, now: number): Promise<Aggregate | undefined> {
  const item = await context.stacks.get({ id });
  if (item === undefined) return undefined;
  const { kind, aggregate } = parseStackItem(item);
  if (kind === "taken-over") return undefined;
  const repairAt = findRepairAt(aggregate);
  if (repairAt !== undefined && afterHidden(repairAt, aggregate.repairHidden) <= now) {
    const repaired = await repairNow(context, id, aggregate, { at: repairAt, until: now + REPAIR_AGAIN_MS });
    if (aggregate.isRemoved) return undefined;
    return repaired;
  }
  if ((findNextDueAt(aggregate) ?? Number.POSITIVE_INFINITY) <= now) return aggregate;
  await correct(context, id, aggregate);
  return undefined;
}

/** One that fails is tried again after a while, so that it keeps nobody busy. */
async function repairNow(context: StoreContext, id: string, aggregate: Aggregate, repairHidden: Hidden) {
  const what = `what follows from a commit of the stack ${JSON.stringify(id)}`;
  const isDone = await attemptLater(context, what, () => repairCommit(context, id, aggregate));
  if (isDone) return { ...aggregate, outbox: [], isFresh: false };
  await writeDue(context, id, { ...aggregate, repairHidden });
  return undefined;
}

/** Its index entry is older than the item: two writes of attributes have crossed. */
async function correct(context: StoreContext, id: string, aggregate: Aggregate): Promise<void> {
  await attemptLater(context, "an index entry", () => writeDue(context, id, aggregate).then(() => undefined));
}

/** Marks chosen work, that of a stack by one write; a stack that has changed meanwhile gives none. */
export async function takeStackWork(context: StoreContext, chosen: readonly DueStackWork[], input: TakeDueInput) {
  const until = input.now + input.leaseMs;
  const byStack = Map.groupBy(chosen, ({ stackId }) => stackId);
  const taken = await inParallel([...byStack], async ([stackId, works]) => {
    const [first] = works;
    if (first === undefined) return [];
    const hidden = Object.fromEntries(works.map(({ kind, at }) => [`${kind}Hidden`, { at, until }]));
    return (await writeDue(context, stackId, { ...first.aggregate, ...hidden })) ? works : [];
  });
  return taken.flat().map(({ kind, stackId, at, order }) => {
    const item: DueItem = { kind, stackId, dueAt: at };
    return { at, order, item };
  });
}

/** What was handed out, and when the next thing is due; false when the item was written meanwhile. */
async function writeDue({ stacks, clock, random }: StoreContext, id: string, aggregate: Aggregate): Promise<boolean> {
  const { timerHidden, parkedHidden, repairHidden, nonce = "" } = aggregate;
  const at = findNextDueAt(aggregate);
  const set = Object.entries({ timerHidden, parkedHidden, repairHidden, nextDueAt: at }).filter(
    ([, value]) => value !== undefined,
  );
  // Another nonce, so that of two who take at the same time one comes too late.
  const next = `${clock.now().toString(36)}-${random().toString(36).slice(2)}`;
  const updated = await stacks.update(
    { id },
    {
      update: [
        `SET ${[...set.map(([name]) => `${name} = :${name}`), "nonce = :next"].join(", ")}`,
        at === undefined ? "REMOVE nextDueAt, dueShard" : "",
      ].join(" "),
      condition: "nonce = :nonce",
      values: {
        ...Object.fromEntries(set.map(([name, value]) => [`:${name}`, value])),
        ":nonce": nonce,
        ":next": next,
      },
    },
  );
  return updated !== undefined;
}
