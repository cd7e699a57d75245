import { StackyardError } from "@stackyard/core";
import { type Change, type CommitResult, toEventKey } from "@stackyard/core/engine";
import type { Aggregate } from "./aggregate.ts";
import { attemptLater } from "./attempt-later.ts";
import { toItem } from "./attributes.ts";
import { finishCommit, finishRemoval, finishShadow } from "./finish-commit.ts";
import { inParallel } from "./in-parallel.ts";
import { MAX_ITEM_BYTES, sizeOfItem } from "./item-size.ts";
import { findKnownIds, toIdKey } from "./known-ids.ts";
import { loadAggregate } from "./load-aggregate.ts";
import { pause, tooLarge } from "./mutate-row.ts";
import type { PlacedAggregate } from "./placed-aggregate.ts";
import { type CommitPlan, type MovedId, planCommit } from "./plan-commit.ts";
import { SHADOWS } from "./shadow-row.ts";
import { toStackItem } from "./stack-item.ts";
import type { StoreContext } from "./store-context.ts";
import { writeShadow } from "./write-shadow.ts";

const MOST_TRIES = 30;

/** Commits one change by one conditional write, and does what follows from it as far as it gets. */
export async function commitChange(context: StoreContext, change: Change): Promise<CommitResult> {
  return context.serialize(`stack ${change.stackId}`, async () => {
    for (let tries = 1; tries <= MOST_TRIES; tries += 1) {
      const result = await tryCommit(context, change);
      if (result !== undefined) return result;
      await pause(context, tries);
    }
    const message = `The stack ${JSON.stringify(change.stackId)} is written by too many at once. Try again.`;
    throw new StackyardError("STORE_UNAVAILABLE", message);
  });
}

/** Undefined: somebody else wrote meanwhile. */
async function tryCommit(context: StoreContext, change: Change): Promise<CommitResult | undefined> {
  const { stackId } = change;
  const loaded = context.recent.take(stackId);
  const isAsLoaded = loaded !== undefined && loaded.stackVersion === change.expectedVersion;
  const base = isAsLoaded ? loaded : await loadAggregate(context, stackId);
  if (base.stackVersion !== change.expectedVersion) return { kind: "conflict" };
  if (await clearAway(context, stackId, base)) return undefined;
  const eventIds = await findKnownIds(context, stackId, base, listIds(change));
  if (eventIds.length > 0) return { kind: "duplicate", eventIds };
  const plan = planCommit(base, change);
  await moveIds(context, stackId, plan.moved);
  if (!(await write(context, stackId, base, plan))) return undefined;
  const { home, next } = plan;
  if (home === "live" && !next.isRemoved) {
    const isStack = await finishCommit(context, stackId, next);
    return isStack ? { kind: "committed", version: next.stackVersion } : { kind: "conflict" };
  }
  const finish = next.isRemoved ? finishRemoval : finishShadow;
  const what = `what follows from a commit of the stack ${JSON.stringify(stackId)}`;
  await attemptLater(context, what, () => finish(context, stackId, next, next.version));
  return { kind: "committed", version: 0 };
}

function listIds({ appliedIds, park, setAside }: Change): readonly string[] {
  return [...appliedIds, ...[...park, ...setAside].map(({ event }) => toEventKey(event))];
}

/** True when an item stood in the way that is no stack any more. */
async function clearAway(context: StoreContext, stackId: string, { place }: PlacedAggregate): Promise<boolean> {
  if (place.kind === "removed") await finishRemoval(context, stackId, place.live);
  else if (place.kind === "zombie") await removeZombie(context, stackId, place.version);
  else return false;
  return true;
}

async function removeZombie({ stacks }: StoreContext, id: string, version: number): Promise<void> {
  await stacks.remove({ id }, { expression: "version = :version", values: { ":version": version } });
}

/** An id is looked up where it goes before it leaves the item: at no instant it is in neither. */
async function moveIds({ work }: StoreContext, stackId: string, moved: readonly MovedId[]): Promise<void> {
  await inParallel(moved, ({ id, at, no }) =>
    work.put(toItem({ ...toIdKey(stackId, id), stackId, id, at, no, sweepKey: "id", sweepAt: at })),
  );
}

async function write(
  context: StoreContext,
  stackId: string,
  { place }: PlacedAggregate,
  { home, next }: CommitPlan,
): Promise<boolean> {
  if (home === "shadow") return writeShadow(context, stackId, place.kind === "shadow" ? place.row : undefined, next);
  const item = toStackItem(next, requireStack(next));
  const bytes = sizeOfItem(item);
  if (bytes > MAX_ITEM_BYTES - 100) throw tooLarge("item of the stack", stackId, bytes);
  if (place.kind === "shadow") return context.stacks.put(item, { expression: "attribute_not_exists(id)" });
  if (place.kind === "taken-over") {
    return context.stacks.put(item, { expression: "attribute_exists(id) AND attribute_not_exists(version)" });
  }
  const values = { ":version": place.kind === "live" ? place.version : 0 };
  return context.stacks.put(item, { expression: "version = :version", values });
}

function requireStack({ stack }: Aggregate) {
  if (stack === undefined) throw new StackyardError("INTERNAL", `A ${SHADOWS.name} was to be written as a stack.`);
  return stack;
}
