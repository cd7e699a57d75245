import {
  type Change,
  type ParkedEvent,
  type ParkedHead,
  toEventKey,
  toParkedEvent,
  toParkedHead,
} from "@stackyard/core/engine";
import type { Aggregate, ParkedMark } from "./aggregate.ts";
import { fromItem, inParallel, toItem } from "./database.ts";
import { toKeyPart, toStackKey } from "./keys.ts";
import type { StoreContext } from "./store-context.ts";

/** The head of a parked event. It counts only while the stack lists it as parked: a row of a late writer is never read. */
export interface ParkedRow {
  /** Its key (`toEventKey`). */
  readonly id: string;
  readonly head: ParkedHead;
  /** The sort key of its message. Missing in the row of another try, whose message is that of the mark. */
  readonly message?: string;
}

/** The message of a parked event, which may be large: another try does not write it again. */
interface MessageRow {
  readonly body: ParkedEvent["event"]["message"];
}

/** Reads the heads of the events that a stack's marks refer to, in order. */
export async function loadHeads(
  { work }: Pick<StoreContext, "work">,
  stackId: string,
  parked: readonly ParkedMark[],
): Promise<readonly ParkedHead[]> {
  const found = await inParallel(parked, async ({ name }) => {
    const item = await work.get(toStackKey(stackId, name));
    return item === undefined ? [] : [(fromItem(item) as unknown as ParkedRow).head];
  });
  return found.flat();
}

/** Reads the events that marks refer to, with their messages. Omits those of which a row is missing. */
export async function loadMarked(
  context: Pick<StoreContext, "work">,
  stackId: string,
  parked: readonly ParkedMark[],
): Promise<readonly ParkedEvent[]> {
  const found = await inParallel(parked, async (mark) => {
    const [head] = await loadHeads(context, stackId, [mark]);
    const item = await context.work.get(toStackKey(stackId, mark.message));
    if (head === undefined || item === undefined) return [];
    return [toParkedEvent(head, (fromItem(item) as unknown as MessageRow).body)];
  });
  return found.flat();
}

/** A mark whose rows are written. That of another try has no message of its own. */
export type WrittenMark = Omit<ParkedMark, "message"> & Partial<Pick<ParkedMark, "message">>;

/** Writes the rows of the events that a change parks, before it parks them. */
export async function writeParked(
  context: Pick<StoreContext, "work" | "nextNumber" | "random">,
  { stackId, park, retried = [] }: Pick<Change, "stackId" | "park" | "retried">,
): Promise<readonly WrittenMark[]> {
  const { work, nextNumber, random } = context;
  const toSuffix = () => `${nextNumber().toString(36)}${random().toString(36).slice(2, 6)}`;
  const writeHead = async (head: ParkedHead, message?: string): Promise<WrittenMark> => {
    const id = toEventKey(head.event);
    const name = `parked#${toKeyPart(id)}#${toSuffix()}`;
    const own = message === undefined ? {} : { message };
    const row: ParkedRow = { id, head, ...own };
    await work.put(toItem({ ...toStackKey(stackId, name), ...row }));
    return { id, nextTryAt: head.nextTryAt, name, ...own };
  };
  const parked = await inParallel(park, async (event) => {
    const name = `message#${toSuffix()}`;
    const row: MessageRow = { body: event.event.message };
    await work.put(toItem({ ...toStackKey(stackId, name), ...row }));
    return writeHead(toParkedHead(event), name);
  });
  return [...parked, ...(await inParallel(retried, (head) => writeHead(head)))];
}

/** Removes rows that were written for events that are not parked after all. */
export async function removeParked(
  { work }: StoreContext,
  stackId: string,
  marks: readonly WrittenMark[],
): Promise<void> {
  await inParallel(marks.flatMap(listNames), (name) => work.remove(toStackKey(stackId, name)));
}

function listNames({ name, message }: WrittenMark): readonly string[] {
  return message === undefined ? [name] : [name, message];
}

/** Parks and unparks. `unused`: sort keys of rows that the aggregate no longer names. Pure. */
export function applyParked(
  aggregate: Aggregate,
  written: readonly WrittenMark[],
  unpark: readonly string[],
): { readonly aggregate: Aggregate; readonly unused: readonly string[] } {
  if (written.length + unpark.length === 0) return { aggregate, unused: [] };
  const byId = new Map<string, ParkedMark>(aggregate.parked.map((mark) => [mark.id, mark]));
  for (const id of unpark) byId.delete(id);
  for (const mark of written) {
    const message = mark.message ?? byId.get(mark.id)?.message;
    if (message !== undefined) byId.set(mark.id, { ...mark, message });
  }
  const kept = [...byId.values()];
  const names = new Set(kept.flatMap(listNames));
  const unused = [...aggregate.parked, ...written].flatMap(listNames).filter((name) => !names.has(name));
  // Hidden instants are reset: another event may be due now.
  return { aggregate: { ...aggregate, parked: kept, parkedHidden: undefined }, unused };
}
