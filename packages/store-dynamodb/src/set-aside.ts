import { createPageBuilder, type Page, type SetAsideEvent } from "@stackyard/core/engine";
import { attemptLater } from "./attempt-later.ts";
import { type Row, toItem } from "./attributes.ts";
import { enqueue } from "./event-queue.ts";
import { inParallel } from "./in-parallel.ts";
import { loadListed, takeFirst, toWorkKey } from "./load-listed.ts";
import { loadRow, loadRowAt, mutateRow, type RowKind, type WorkRow } from "./mutate-row.ts";
import { fillPage, parsePosition, tryRead } from "./page.ts";
import type { PageInput } from "./port-types.ts";
import type { StoreContext } from "./store-context.ts";
import { WORK_INDEXES } from "./table-definitions.ts";
import { toKeyPart } from "./work-keys.ts";

/** An event that was set aside. One that was sent again stays for a while, so that no late writer brings it back. */
export interface SetAsideRow extends WorkRow {
  readonly entry: SetAsideEvent;
  /** Grows over the yard. */
  readonly sequence: number;
  readonly sentAgain?: { readonly at: number; readonly isQueued: boolean } | undefined;
}

/** All of them are under this key of the list index. */
export const SET_ASIDE_LIST = "set-aside";

/** A redrive that was not finished is finished after so long, and tried again after the other. */
const REPAIR_AFTER_MS = 10_000;
const REPAIR_AGAIN_MS = 60_000;
const REPAIRED_AT_ONCE = 100;

/** How they are kept: by the id of the entry, listed until they are sent again. */
const SET_ASIDE: RowKind<SetAsideRow> = {
  name: "event that was set aside",
  toKey: (id) => ({ pk: `set-aside#${toKeyPart(id)}`, sk: "event" }),
  toIndex({ sequence, sentAgain }): Row {
    if (sentAgain === undefined) return { listKey: SET_ASIDE_LIST, listAt: sequence };
    if (sentAgain.isQueued) return { sweepKey: "sent-again", sweepAt: sentAgain.at };
    return { sweepKey: "redriven", sweepAt: sentAgain.at + REPAIR_AFTER_MS };
  },
};

/** Writes it unless it is there. */
export async function putSetAside(context: StoreContext, entry: SetAsideEvent): Promise<void> {
  const row = { entry, sequence: context.nextNumber() };
  const item = toItem({ ...row, ...SET_ASIDE.toIndex(row), ...SET_ASIDE.toKey(entry.id) });
  await context.work.put(item, { expression: "attribute_not_exists(pk)" });
}

/** Removes those that were set aside before that instant. */
export async function pruneSetAside(context: StoreContext, before: number): Promise<void> {
  for await (const { read } of loadSetAside(context, { descending: false })) {
    const { item } = tryRead(read);
    if (item === undefined || item.sentAgain !== undefined || item.entry.setAsideAt >= before) continue;
    await context.work.remove({ ...SET_ASIDE.toKey(item.entry.id) });
  }
}

/** Newest first. Few rows, which people look at: a filter walks over the others. */
export async function listSetAside(
  context: StoreContext,
  filter: { readonly stackId?: string; readonly code?: string },
  page: PageInput,
): Promise<Page<SetAsideEvent>> {
  return fillPage(createPageBuilder<SetAsideEvent>(page), walk(context, filter, parsePosition(page.cursor)));
}

async function* walk(
  context: StoreContext,
  { stackId, code }: { readonly stackId?: string; readonly code?: string },
  before: number | undefined,
) {
  for await (const { entry, read } of loadSetAside(context, { before, descending: true })) {
    const row = tryRead(read);
    const { sentAgain, entry: item } = row.item ?? {};
    if (sentAgain !== undefined) continue;
    if (item !== undefined && stackId !== undefined && item.event.stackId !== stackId) continue;
    if (item !== undefined && code !== undefined && item.code !== code) continue;
    const cursor = String(entry[WORK_INDEXES.list.at]?.N);
    yield { id: item?.id ?? toWorkKey(entry).pk, cursor, item, read: () => row.read().entry };
  }
}

interface Range {
  readonly before?: number | undefined;
  readonly descending: boolean;
}

function loadSetAside(context: StoreContext, { before = Number.MAX_SAFE_INTEGER, descending }: Range) {
  const { name, key, at } = WORK_INDEXES.list;
  const condition = { expression: `${key} = :key AND ${at} < :at`, values: { ":key": SET_ASIDE_LIST, ":at": before } };
  const entries = context.work.query({ index: name, condition, descending });
  return loadListed<SetAsideRow>(context, entries);
}

/** Puts events back into the queue. Each is a commit of its own; who repeats the call continues where it ended. */
export async function redrive(context: StoreContext, ids: readonly string[], now: number): Promise<readonly string[]> {
  const unique = [...new Set(ids)];
  const found = await inParallel(unique, (id) => markSent(context, id, now));
  const marked = unique.filter((_, index) => found[index]);
  for (const id of marked) await attemptLater(context, `sending ${id} again`, () => finishRedrive(context, id));
  return ids.filter((id, index) => marked.includes(id) && ids.indexOf(id) === index);
}

async function markSent(context: StoreContext, id: string, now: number): Promise<boolean> {
  return mutateRow<SetAsideRow, boolean>(context, SET_ASIDE, id, (row) => {
    if (row === undefined || row.sentAgain !== undefined) return { result: false };
    return { write: { ...row, sentAgain: { at: now, isQueued: false } }, result: true };
  });
}

/** Queues an event that was marked, if that is not done. */
async function finishRedrive(context: StoreContext, id: string): Promise<void> {
  const marked = await loadRow(context, SET_ASIDE, id);
  if (marked?.sentAgain === undefined || marked.sentAgain.isQueued) return;
  await enqueue(context, [{ event: marked.entry.event }]);
  await mutateRow<SetAsideRow, void>(context, SET_ASIDE, id, (row) => {
    if (row?.sentAgain === undefined) return { result: undefined };
    return { write: { ...row, sentAgain: { ...row.sentAgain, isQueued: true } }, result: undefined };
  });
}

/** Finishes redrives whose process has died. One that fails is tried again after a minute. */
export async function finishRedrives(context: StoreContext, now: number): Promise<void> {
  const { name, key, at } = WORK_INDEXES.sweep;
  const condition = { expression: `${key} = :key AND ${at} <= :now`, values: { ":key": "redriven", ":now": now } };
  const due = await takeFirst(
    context.work.query({ index: name, condition, pageSize: REPAIRED_AT_ONCE }),
    REPAIRED_AT_ONCE,
  );
  await inParallel(due, async (entry) => {
    const row = await loadRowAt<SetAsideRow>(context, toWorkKey(entry));
    if (row === undefined) return;
    const { id } = row.entry;
    if (await attemptLater(context, `sending ${id} again`, () => finishRedrive(context, id))) return;
    const values = { ":at": now + REPAIR_AGAIN_MS };
    const update = { update: "SET sweepAt = :at", condition: "attribute_exists(pk)", values };
    await context.work.update({ ...toWorkKey(entry) }, update);
  });
}
