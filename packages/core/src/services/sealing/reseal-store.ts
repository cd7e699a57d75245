import { chunk } from "../../chunk.ts";
import { isUnreadable, StackyardError } from "../../errors/stackyard-error.ts";
import { listPages } from "../../list-pages.ts";
import { toEventKey } from "../../machine/event-message.ts";
import type { Metadata, Stack } from "../../machine/stack.ts";
import { parseSealedText, SEALED_KEY } from "../../ports/queued-event.ts";
import type { UnreadableRow } from "../../ports/records.ts";
import {
  type Change,
  type LoadedStack,
  NO_CHANGE,
  type ParkedEvent,
  type QueuedEvent,
} from "../../ports/stack-store.ts";
import type { Store } from "../../ports/store.ts";
import { sealStore } from "./sealed-store.ts";
import type { Sealer } from "./sealer.ts";

/** The result of sealing a store again. */
export interface ResealReport {
  /** Stacks that were written. */
  readonly resealed: number;
  /** Stacks with values that no key of the sealer opens; they are unchanged. */
  readonly unreadable: readonly UnreadableRow[];
  /** Dead letters that are sealed with another key than the newest; they keep it until they are sent again or expire. */
  readonly olderDeadLetters: number;
}

/** The dependencies of sealing again. */
interface ResealInput {
  /** The store itself, not one that seals. */
  readonly store: Store;
  readonly sealer: Sealer;
  readonly now: number;
}

const PAGE = 500;
const TRIES = 8;

/**
 * Seals all sensitive values of stacks and parked events with the sealer's newest key: those of other keys, and those that
 * are plain. Other processes may use the store meanwhile.
 *
 * @throws StackyardError `RECORD_CONFLICT` when a stack is changed again and again; the call can be repeated.
 */
export async function resealStore({ store, sealer, now }: ResealInput): Promise<ResealReport> {
  const sealed = sealStore(store, sealer);
  const unreadable: UnreadableRow[] = [];
  let resealed = 0;
  for await (const ids of listIds(store)) {
    for (const loaded of await store.load(ids)) {
      const older = await findOlderParked(store, loaded, sealer);
      if (older.length === 0 && (loaded.stack === undefined || !isOlderStack(loaded.stack, sealer))) continue;
      const reason = await resealStack({ store: sealed, sealer, now }, loaded, older);
      if (reason === undefined) resealed += 1;
      else unreadable.push({ id: loaded.stackId, reason });
    }
  }
  return { resealed, unreadable, olderDeadLetters: await countOlderDeadLetters(store, sealer) };
}

async function* listIds({ queries }: Store): AsyncGenerator<readonly string[], void> {
  for await (const { items } of listPages((start) => queries.listStacks({}, { limit: PAGE, ...start }))) {
    yield items.map(({ stack }) => stack.id);
  }
  // Also of stacks that do not exist.
  for (let after: string | undefined; ; ) {
    const ids = await queries.listParkedStackIds({ limit: PAGE, ...(after !== undefined && { after }) });
    if (ids.length === 0) return;
    yield ids;
    after = ids.at(-1);
  }
}

/** Returns why the stack cannot be sealed again; undefined when it is. */
async function resealStack(
  { store, now }: ResealInput,
  { stackId }: LoadedStack,
  older: readonly string[],
): Promise<string | undefined> {
  const parts = older.length === 0 ? [[]] : chunk(older, PARKED_AT_ONCE);
  for (const keys of parts) {
    const reason = await resealPart({ store, now }, stackId, keys);
    if (reason !== undefined) return reason;
  }
  return undefined;
}

async function resealPart(
  { store, now }: Pick<ResealInput, "store" | "now">,
  stackId: string,
  keys: readonly string[],
): Promise<string | undefined> {
  for (let turn = 1; turn <= TRIES; turn += 1) {
    try {
      const [loaded] = await store.load([stackId]);
      if (loaded === undefined) return undefined;
      const [result] = await store.commit([toChange(loaded, await store.loadParked(stackId, keys), now)]);
      if (result?.kind === "committed") return undefined;
    } catch (error) {
      if (isUnreadable(error)) return error.message;
      throw error;
    }
  }
  throw new StackyardError(
    "RECORD_CONFLICT",
    `The stack "${stackId}" is changed again and again. Run the command again.`,
  );
}

function toChange({ stackId, version, stack }: LoadedStack, parked: readonly ParkedEvent[], now: number): Change {
  const write = stack === undefined ? NO_CHANGE.write : ({ kind: "put", stack } as const);
  return { ...NO_CHANGE, stackId, expectedVersion: version, write, park: parked, now };
}

/** Messages of parked events may be large, and a stack may have many of them. */
const PARKED_AT_ONCE = 20;

/** Returns the keys of a stack's parked events that are sealed with another key, or not sealed. */
async function findOlderParked(
  store: Store,
  { stackId, parked }: LoadedStack,
  sealer: Sealer,
): Promise<readonly string[]> {
  const older: string[] = [];
  for (const heads of chunk(parked, PARKED_AT_ONCE)) {
    const keys = heads.map(({ event }) => toEventKey(event));
    for (const each of await store.loadParked(stackId, keys)) {
      if (isOlderParked(each, sealer)) older.push(toEventKey(each.event));
    }
  }
  return older;
}

function isOlderStack({ metadata, secretVersions = {}, keptSecrets = {} }: Stack, { keyId }: Sealer): boolean {
  const pick = (values: Metadata, keys: readonly string[]) => keys.map((key) => values[key] ?? null);
  const values = [...pick(metadata, Object.keys(secretVersions)), ...Object.values(keptSecrets)];
  return values.some((value) => value !== null && parseSealedText(value)?.keyId !== keyId);
}

function isOlderParked({ event }: ParkedEvent, sealer: Sealer): boolean {
  return "metadata" in event.message || isOlderEvent(event, sealer);
}

function isOlderEvent({ message }: QueuedEvent, { keyId }: Sealer): boolean {
  const sealed = parseSealedText(message[SEALED_KEY]);
  return sealed !== undefined && sealed.keyId !== keyId;
}

async function countOlderDeadLetters({ queries }: Store, sealer: Sealer): Promise<number> {
  let count = 0;
  for await (const { items } of listPages((start) => queries.listDeadLetters({}, { limit: PAGE, ...start }))) {
    count += items.filter(({ event }) => "metadata" in event.message || isOlderEvent(event, sealer)).length;
  }
  return count;
}
