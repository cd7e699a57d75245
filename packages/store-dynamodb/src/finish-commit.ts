import { type Aggregate, toDueAttributes } from "./aggregate.ts";
import { attemptLater } from "./attempt-later.ts";
import { toTombstone, toUnsettled, withShadow } from "./load-aggregate.ts";
import { loadRow, mutateRow } from "./mutate-row.ts";
import { publishOutbox } from "./publish-outbox.ts";
import { SHADOWS, type ShadowRow } from "./shadow-row.ts";
import { parseStackItem, toStackItem } from "./stack-item.ts";
import type { StoreContext } from "./store-context.ts";

// What follows from a commit. Each step may be done again; what does not get done, the sweep finds by `nextDueAt`.

/** Publishes, and takes out of the item what is published. False: it never was a stack, see `Place`. */
export async function finishCommit(context: StoreContext, stackId: string, aggregate: Aggregate): Promise<boolean> {
  let current = aggregate;
  if (aggregate.isFresh) {
    const shadow = await loadRow(context, SHADOWS, stackId);
    const { place } = toUnsettled(aggregate, shadow);
    if (place.kind === "zombie") {
      await context.stacks.remove({ id: stackId }, isAt(aggregate));
      return false;
    }
    if (shadow !== undefined && shadow.version > aggregate.shadowVersion) {
      current = (await adopt(context, aggregate, shadow)) ?? aggregate;
    }
    if (shadow !== undefined && shadow.parked.length > 0) await forgetParked(context, stackId, shadow.version);
  }
  await attemptLater(context, `what follows from a commit of the stack ${JSON.stringify(stackId)}`, async () => {
    if (current.outbox.length === 0 && !current.isFresh) return;
    await publishOutbox(context, stackId, current.outbox);
    await clear(context, stackId, current);
  });
  return true;
}

/** As `finishCommit`, of what was committed while there was no stack. One may have begun at the same time. */
export async function finishShadow(context: StoreContext, stackId: string, aggregate: Aggregate): Promise<void> {
  await attemptLater(
    context,
    `what follows from a commit for the absent stack ${JSON.stringify(stackId)}`,
    async () => {
      await publishOutbox(context, stackId, aggregate.outbox);
      if (aggregate.outbox.length > 0) {
        await mutateRow<ShadowRow, void>(context, SHADOWS, stackId, (row) => {
          if (row?.version !== aggregate.version) return { result: undefined };
          return { write: { ...row, outbox: [] }, result: undefined };
        });
      }
      await adoptShadow(context, stackId);
    },
  );
}

/** Moves what was committed into the shadow into a stack that stood already. */
export async function adoptShadow(context: StoreContext, stackId: string): Promise<void> {
  const item = stackId === "" ? undefined : await context.stacks.get({ id: stackId });
  if (item === undefined) return;
  const { kind, aggregate } = parseStackItem(item);
  const shadow = await loadRow(context, SHADOWS, stackId);
  if (kind === "taken-over" || shadow === undefined) return;
  if (aggregate.isRemoved || aggregate.version <= shadow.removedVersion) return;
  if (shadow.version > aggregate.shadowVersion && (await adopt(context, aggregate, shadow)) === undefined) return;
  if (shadow.parked.length > 0) await forgetParked(context, stackId, shadow.version);
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

/** The tombstone, then what is to be published, then the item goes. `insist`: errors fly. */
export async function finishRemoval(
  context: StoreContext,
  stackId: string,
  live: Aggregate,
  { insist = false }: { readonly insist?: boolean } = {},
): Promise<void> {
  const finish = async () => {
    await mutateRow<ShadowRow, void>(context, SHADOWS, stackId, (row) => {
      const write = toTombstone(live, row, stackId);
      return { write: write === row ? undefined : write, result: undefined };
    });
    await publishOutbox(context, stackId, live.outbox);
    await context.stacks.remove({ id: stackId }, isAt(live));
  };
  if (insist) await finish();
  else await attemptLater(context, `the removal of the stack ${JSON.stringify(stackId)}`, finish);
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
