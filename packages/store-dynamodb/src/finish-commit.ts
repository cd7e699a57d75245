import { StackyardError } from "@stackyard/core";
import { type Aggregate, toDueAttributes } from "./aggregate.ts";
import { attemptLater } from "./attempt-later.ts";
import { toTombstone, toUnsettled, withShadow } from "./load-aggregate.ts";
import { loadRow, mutateRow, pause } from "./mutate-row.ts";
import { publishOutbox } from "./publish-outbox.ts";
import { SHADOWS, type ShadowRow } from "./shadow-row.ts";
import { parseStackItem, toStackItem } from "./stack-item.ts";
import type { StoreContext } from "./store-context.ts";

const MOST_TRIES = 30;

// What follows from a commit. Each step may be done again; what does not get done, the sweep finds by `nextDueAt`.

/** Publishes what a commit has left to do; what fails is left to the sweep. False: it never was a stack, see `Place`. */
export async function finishCommit(context: StoreContext, stackId: string, aggregate: Aggregate): Promise<boolean> {
  const current = aggregate.isFresh ? await settleFresh(context, stackId, aggregate) : aggregate;
  if (current === undefined) return false;
  const what = `what follows from a commit of the stack ${JSON.stringify(stackId)}`;
  await attemptLater(context, what, () => publishAndClear(context, stackId, current, aggregate.version));
  return true;
}

/** As `finishCommit`, for the sweep: errors fly. */
export async function repairCommit(context: StoreContext, stackId: string, aggregate: Aggregate): Promise<void> {
  if (aggregate.isRemoved) return finishRemoval(context, stackId, aggregate);
  const current = aggregate.isFresh ? await settleFresh(context, stackId, aggregate) : aggregate;
  if (current !== undefined) await publishAndClear(context, stackId, current);
}

/** Looks whether a life had come and gone, or something was committed for no stack, while this one was written. */
async function settleFresh(context: StoreContext, stackId: string, live: Aggregate): Promise<Aggregate | undefined> {
  const shadow = await loadRow(context, SHADOWS, stackId);
  if (shadow === undefined) return live;
  if (toUnsettled(live, shadow).place.kind === "zombie") {
    await context.stacks.remove({ id: stackId }, isAt(live));
    return undefined;
  }
  const adopted = shadow.version > live.shadowVersion ? await adopt(context, live, shadow) : undefined;
  if (shadow.parked.length > 0) await forgetParked(context, stackId, shadow.version);
  return adopted ?? live;
}

async function publishAndClear(
  context: StoreContext,
  stackId: string,
  aggregate: Aggregate,
  newVersion?: number,
): Promise<void> {
  if (aggregate.outbox.length === 0 && !aggregate.isFresh) return;
  await publishOutbox(context, stackId, aggregate.outbox, newVersion);
  await clear(context, stackId, aggregate);
}

/** What was committed while there was no stack. One may have begun at the same time. */
export async function finishShadow(
  context: StoreContext,
  stackId: string,
  aggregate: Aggregate,
  newVersion?: number,
): Promise<void> {
  await publishOutbox(context, stackId, aggregate.outbox, newVersion);
  // Before the outbox goes, by which the sweep finds what was not adopted.
  await adoptShadow(context, stackId);
  if (aggregate.outbox.length === 0) return;
  await mutateRow<ShadowRow, void>(context, SHADOWS, stackId, (row) => {
    if (row?.version !== aggregate.version) return { result: undefined };
    return { write: { ...row, outbox: [] }, result: undefined };
  });
}

/** Moves what was committed into the shadow into a stack that stood already: it would not be looked for there any more. */
export async function adoptShadow(context: StoreContext, stackId: string): Promise<void> {
  for (let tries = 1; tries <= MOST_TRIES; tries += 1) {
    if (await tryToAdopt(context, stackId)) return;
    await pause(context, tries);
  }
  const message = `The stack ${JSON.stringify(stackId)} is written by too many at once. Try again.`;
  throw new StackyardError("STORE_UNAVAILABLE", message);
}

/** False: the stack has changed meanwhile. */
async function tryToAdopt(context: StoreContext, stackId: string): Promise<boolean> {
  const item = stackId === "" ? undefined : await context.stacks.get({ id: stackId });
  if (item === undefined) return true;
  const { kind, aggregate } = parseStackItem(item);
  const shadow = await loadRow(context, SHADOWS, stackId);
  if (kind === "taken-over" || shadow === undefined) return true;
  if (aggregate.isRemoved || aggregate.version <= shadow.removedVersion) return true;
  if (shadow.version > aggregate.shadowVersion && (await adopt(context, aggregate, shadow)) === undefined) return false;
  if (shadow.parked.length > 0) await forgetParked(context, stackId, shadow.version);
  return true;
}

/** Undefined: the stack has changed meanwhile. */
async function adopt(context: StoreContext, live: Aggregate, shadow: ShadowRow): Promise<Aggregate | undefined> {
  const merged = withShadow(live, shadow);
  if (merged.stack === undefined) return undefined;
  const version = merged.floor + 1;
  const next = { ...merged, version, floor: version, parkedHidden: undefined };
  return (await context.stacks.put(toStackItem(next, merged.stack), isAt(live))) ? next : undefined;
}

/** The stack has them now. */
async function forgetParked(context: StoreContext, stackId: string, version: number): Promise<void> {
  await mutateRow<ShadowRow, void>(context, SHADOWS, stackId, (row) => {
    if (row?.version !== version || row.parked.length === 0) return { result: undefined };
    return { write: { ...row, parked: [], parkedHidden: undefined }, result: undefined };
  });
}

/** The tombstone, then what is to be published, then the item goes. */
export async function finishRemoval(
  context: StoreContext,
  stackId: string,
  live: Aggregate,
  newVersion?: number,
): Promise<void> {
  await mutateRow<ShadowRow, void>(context, SHADOWS, stackId, (row) => {
    const write = toTombstone(live, row, stackId);
    return { write: write === row ? undefined : write, result: undefined };
  });
  await publishOutbox(context, stackId, live.outbox, newVersion);
  await context.stacks.remove({ id: stackId }, isAt(live));
}

async function clear({ stacks }: StoreContext, stackId: string, aggregate: Aggregate): Promise<void> {
  const due = toDueAttributes(stackId, { ...aggregate, outbox: [], isFresh: false });
  const values = { ...isAt(aggregate).values, ...(due["nextDueAt"] === undefined ? {} : { ":at": due["nextDueAt"] }) };
  const update =
    due["nextDueAt"] === undefined
      ? "REMOVE outbox, fresh, nextDueAt, dueShard"
      : "SET nextDueAt = :at REMOVE outbox, fresh";
  await stacks.update({ id: stackId }, { update, condition: "version = :version", values });
}

function isAt({ version }: Aggregate) {
  return { expression: "version = :version", values: { ":version": version } };
}
