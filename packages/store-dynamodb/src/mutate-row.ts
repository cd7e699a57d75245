import { type Clock, type Random, StackyardError } from "@stackyard/core";
import { fromItem, type Item, type Row, toItem } from "./attributes.ts";
import type { Table } from "./database.ts";
import { MAX_ITEM_BYTES, sizeOfItem } from "./item-size.ts";
import type { Serializer } from "./serializer.ts";
import { WORK_INDEXES } from "./table-definitions.ts";
import type { WorkKey } from "./work-keys.ts";

/** What reading and changing one row needs of the store. */
export interface RowContext {
  readonly work: Table;
  readonly clock: Clock;
  readonly random: Random;
  readonly serialize: Serializer;
}

/** A row of the work table that is changed by conditional writes. */
export interface WorkRow {
  /** Another one with each write, also after a removal: what a write is conditional on. */
  readonly nonce?: string;
}

/** How rows of one kind are kept. */
export interface RowKind<T extends WorkRow> {
  /** For messages. */
  readonly name: string;
  toKey(id: string): WorkKey;
  /** Attributes of the indexes that the row belongs to. */
  toIndex(row: T): Row;
}

/** What becomes of a row: undefined leaves it as it is. */
export interface Move<T, Result> {
  readonly write?: T | "remove" | undefined;
  readonly result: Result;
}

const MOST_TRIES = 30;
const LONGEST_PAUSE_MS = 200;

/** Consistent. */
export async function loadRow<T extends WorkRow>(
  context: RowContext,
  kind: RowKind<T>,
  id: string,
): Promise<T | undefined> {
  return loadRowAt<T>(context, kind.toKey(id));
}

/** Consistent; by a key that an index gave. */
export async function loadRowAt<T extends WorkRow>({ work }: RowContext, key: WorkKey): Promise<T | undefined> {
  const item = await work.get({ ...key });
  return item === undefined ? undefined : parseRow<T>(item);
}

const NOT_OF_THE_ROW = ["pk", "sk", ...Object.values(WORK_INDEXES).flatMap(({ key, at }) => [key, at])];

/** An item without its keys: those of indexes are made afresh with each write. */
export function parseRow<T extends WorkRow>(item: Item): T {
  const row = fromItem(item);
  for (const name of NOT_OF_THE_ROW) delete row[name];
  // Only this kind's rows are written under its keys.
  return row as T;
}

/**
 * Changes one row by one conditional write; another writer's write makes it decide again on what stands there then.
 * `seen`: what the caller has just read, or expects to be absent, which saves the first read.
 */
export async function mutateRow<T extends WorkRow, Result>(
  context: RowContext,
  kind: RowKind<T>,
  id: string,
  decide: (row: T | undefined) => Move<T, Result>,
  seen?: T | "absent",
): Promise<Result> {
  const { pk, sk } = kind.toKey(id);
  return context.serialize(`${pk} ${sk}`, async () => {
    let row = seen === "absent" ? undefined : (seen ?? (await loadRow(context, kind, id)));
    for (let tries = 1; tries <= MOST_TRIES; tries += 1) {
      const { write, result } = decide(row);
      if (write === undefined || (await writeRow(context, kind, id, row, write))) return result;
      await pause(context, tries);
      row = await loadRow(context, kind, id);
    }
    const message = `The ${kind.name} ${JSON.stringify(id)} is written by too many at once. Try again.`;
    throw new StackyardError("STORE_UNAVAILABLE", message);
  });
}

/** Waits a little, as chance has it, so that those who met do not meet again. */
export async function pause({ clock, random }: RowContext, tries: number): Promise<void> {
  if (tries > 1) await clock.sleep(Math.ceil(random() * Math.min(LONGEST_PAUSE_MS, 2 ** tries)));
}

async function writeRow<T extends WorkRow>(
  { work }: RowContext,
  kind: RowKind<T>,
  id: string,
  before: T | undefined,
  write: T | "remove",
): Promise<boolean> {
  const key = { ...kind.toKey(id) };
  const isUnchanged =
    before === undefined
      ? { expression: "attribute_not_exists(pk)" }
      : { expression: "nonce = :nonce", values: { ":nonce": before.nonce ?? "" } };
  if (write === "remove") return before === undefined || (await work.remove(key, isUnchanged));
  const item = toItem(Object.assign({}, write, kind.toIndex(write), key));
  const bytes = sizeOfItem(item);
  if (bytes > MAX_ITEM_BYTES - 100) throw tooLarge(kind.name, id, bytes);
  return await work.put(item, isUnchanged);
}

/** The refusal of an item that DynamoDB would refuse. */
export function tooLarge(name: string, id: string, bytes: number): StackyardError {
  const message = `The ${name} ${JSON.stringify(id)} would take ${Math.ceil(bytes / 1024)} KB; DynamoDB holds at most 400 KB in one item. Make it smaller: shorter metadata, fewer tasks or events at once.`;
  return new StackyardError("PAYLOAD_TOO_LARGE", message, { details: { id, bytes } });
}
