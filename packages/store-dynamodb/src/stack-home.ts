import { defined, type Stack, StackyardError } from "@stackyard/core";
import { type Aggregate, EMPTY, type FollowUp, isEmpty, type OutboxEntry, type ParkedMark } from "./aggregate.ts";
import { type Condition, fromItem, type Item, inParallel } from "./database.ts";
import { MAX_ITEM_BYTES, sizeOfItem, toStackKey } from "./keys.ts";
import type { ParkedRow } from "./parked-rows.ts";
import {
  type EncodedItem,
  joinSpill,
  type LoadedStack,
  type ParsedItem,
  type ParsedShadow,
  type ParsedStackItem,
  type Place,
  parseShadowItem,
  parseStackItem,
  type StackItemFacts,
  TAKEN_OVER_VERSION,
  toShadowItem,
  toShadowKey,
  toStackItem,
} from "./stack-item.ts";
import { attemptLater, type StoreContext } from "./store-context.ts";
import { pause, tooLarge } from "./work-rows.ts";

/** Versions that were lost with an item that someone else has deleted or replaced are below. */
const LOST_VERSIONS = 1_000_000;

/**
 * Adopts an item that the predecessor wrote. If it replaced one of ours, versions and entries continue above the
 * earlier ones, so attempt ids are never reused, and parked events stay parked. `kept`: what the work table stores
 * about the stack; `lastVersion`: the version of the shadow, or 0.
 */
async function takeOver(
  context: StoreContext,
  stackId: string,
  { stack, stackVersion }: Aggregate,
  kept: Aggregate | undefined,
  lastVersion: number,
): Promise<Aggregate> {
  if (stack === undefined) return EMPTY;
  if (kept !== undefined) return { ...kept, stack, stackVersion, version: Math.max(kept.version, stackVersion) };
  const [last, parked] = await Promise.all([findLast(context, stackId), listParkedMarks(context, stackId)]);
  const version = Math.max(lastVersion, last.version);
  return {
    ...EMPTY,
    version: version === 0 ? stackVersion : version + LOST_VERSIONS,
    stackVersion,
    stack: { ...stack, entry: Math.max(stack.entry, last.entry) },
    // It is unknown whether ids were moved, so they are looked up.
    idsMoved: version > 0,
    parked,
  };
}

/** Returns version and entry of the newest row of the history. */
async function findLast({ work }: StoreContext, stackId: string) {
  const { pk, sk } = toStackKey(stackId, "history#");
  for await (const item of work.query({ part: pk, prefix: sk, descending: true, pageSize: 1 })) {
    const version = Number(/^history#(\d+)/.exec(item["sk"]?.S ?? "")?.[1] ?? 0);
    return { version, entry: Number(item["entry"]?.N ?? 0) };
  }
  return { version: 0, entry: 0 };
}

async function listParkedMarks({ work }: StoreContext, stackId: string): Promise<readonly ParkedMark[]> {
  const { pk, sk } = toStackKey(stackId, "parked#");
  const marks = new Map<string, ParkedMark & { readonly at: number }>();
  for await (const item of work.query({ part: pk, prefix: sk })) {
    const { id, head, message = marks.get(id)?.message } = fromItem(item) as unknown as ParkedRow;
    if (message === undefined) continue;
    // A row that was replaced may still be there: the last try counts.
    const mark = { id, nextTryAt: head.nextTryAt, name: item["sk"]?.S ?? "", message, at: head.parkedAt };
    if ((marks.get(id)?.nextTryAt ?? 0) <= mark.nextTryAt) marks.set(id, mark);
  }
  return [...marks.values()].sort((a, b) => a.at - b.at).map(({ at: _, ...mark }) => mark);
}

// An aggregate is stored in one item: the stack's item in the stacks table or, before and after the stack exists, a
// shadow in the work table, because the predecessor's readers treat every item of the stacks table as a stack. The
// aggregate moves when its stack begins and when it ends. Both moves have one commit point and can be finished by any
// process that loads the stack:
//
//   begins: the shadow becomes `born`, with the stack (commit) → the stack's item is put → the shadow becomes `live`
//   ends:   the stack's item is marked `removed` (commit) → the shadow becomes `none` with the rest → the item is removed
//
// Versions grow over both items. So a late helper is recognized: an item that was just put is compared with the shadow.

/** A change to an aggregate. Without `next` it is unchanged. */
export interface Change<Result> {
  readonly next?: Aggregate | undefined;
  readonly follow?: FollowUp | undefined;
  /** The caller's instant. */
  readonly now?: number;
  /** True: a stack of the predecessor is written as an item of ours although it does not change. */
  readonly adopts?: boolean;
  readonly result: Result;
}

const MOST_TRIES = 30;

/** Returns the key under which a finished entry is remembered. */
export function toDoneKey(stackId: string, version: number): string {
  return `${version} ${stackId}`;
}

/** Returns the version of the next write. */
export function toNextVersion({ version }: Aggregate): number {
  return Math.max(version, TAKEN_OVER_VERSION) + 1;
}

/** Decides the change of an aggregate; called again after a conflict. */
type Decide<Result> = (aggregate: Aggregate, loaded: LoadedStack) => Change<Result> | Promise<Change<Result>>;

/**
 * Changes an aggregate by one conditional write, and does what follows from it as far as it gets. Another writer's
 * write makes it decide again. `seen`: what the caller has just loaded.
 */
export async function changeStack<Result>(
  context: StoreContext,
  stackId: string,
  decide: Decide<Result>,
  seen?: LoadedStack,
): Promise<Result> {
  const { result, written } = await context.serialize(`stack ${stackId}`, () =>
    changeInTurn(context, stackId, decide, seen),
  );
  if (written !== undefined) await context.publish(stackId, written);
  return result;
}

async function changeInTurn<Result>(
  context: StoreContext,
  stackId: string,
  decide: Decide<Result>,
  seen: LoadedStack | undefined,
): Promise<{ readonly result: Result; readonly written: Aggregate | undefined }> {
  let loaded = seen ?? (await loadStack(context, stackId));
  for (let tries = 1; tries <= MOST_TRIES; tries += 1) {
    const { next, ...change } = await decide(loaded.aggregate, loaded);
    const written = next && (await writeStack(context, stackId, loaded, { ...change, next }));
    if (written !== undefined) {
      await context.record(stackId, written);
      return { result: change.result, written };
    }
    // The cached aggregate may be old: the decision to write nothing must be made on the present one.
    if (next === undefined && loaded !== seen) return { result: change.result, written };
    if (next !== undefined) await pause(context, tries);
    loaded = await loadStack(context, stackId);
  }
  const message = `The stack ${JSON.stringify(stackId)} is written by too many processes at once. Try again.`;
  throw new StackyardError("STORE_UNAVAILABLE", message);
}

/** Loads an aggregate; consistent. One read as a rule; moves that were not finished are finished first. */
export async function loadStack(context: StoreContext, stackId: string): Promise<LoadedStack> {
  let orphan: string | undefined;
  for (let tries = 1; tries <= MOST_TRIES; tries += 1) {
    // The empty id means an unknown stack; no item can have it.
    const item = stackId === "" ? undefined : await context.stacks.get({ id: stackId });
    const loaded =
      item === undefined ? await loadAbsent(context, stackId, orphan) : await loadItem(context, stackId, item);
    if (loaded.kind === "loaded") return loaded.stack;
    if (loaded.kind === "orphan") orphan = loaded.nonce;
    else await pause(context, tries);
  }
  const message = `The stack ${JSON.stringify(stackId)} begins and ends too often. Try again.`;
  throw new StackyardError("STORE_UNAVAILABLE", message);
}

type Look =
  | { readonly kind: "loaded"; readonly stack: LoadedStack }
  /** A move was finished: look again. */
  | { readonly kind: "moved" }
  /** The shadow refers to a missing item. The stack may have begun between the two reads. */
  | { readonly kind: "orphan"; readonly nonce: string };

async function loadAbsent(context: StoreContext, stackId: string, orphan: string | undefined): Promise<Look> {
  const shadow = await loadShadow(context, stackId);
  if (shadow?.kind === "born" && (await tryMove(context, stackId, () => finishBirth(context, stackId, shadow)))) {
    return { kind: "moved" };
  }
  if (shadow?.kind !== "live") return { kind: "loaded", stack: await toLoaded(context, stackId, shadow) };
  // Between two reads of the same shadow the item existed, unless it was deleted by hand.
  if (orphan !== shadow.nonce) return { kind: "orphan", nonce: shadow.nonce };
  const aggregate = { ...EMPTY, version: shadow.aggregate.version + LOST_VERSIONS };
  return { kind: "loaded", stack: { aggregate, place: { kind: "shadow", shadow } } };
}

async function toLoaded(
  context: StoreContext,
  stackId: string,
  shadow: ParsedShadow | undefined,
): Promise<LoadedStack> {
  if (shadow === undefined) return { aggregate: EMPTY, place: { kind: "shadow", shadow } };
  const aggregate = await readSpill(context, stackId, shadow);
  return { aggregate, place: { kind: "shadow", shadow }, spill: shadow.spill };
}

async function loadItem(context: StoreContext, stackId: string, item: Item): Promise<Look> {
  const parsed = parseStackItem(item);
  if (parsed.kind === "taken-over") return loadTakenOver(context, stackId, parsed);
  if (parsed.kind === "removed") {
    if (await tryMove(context, stackId, () => finishRemoval(context, stackId, parsed))) return { kind: "moved" };
    return { kind: "loaded", stack: await toEnded(context, stackId, parsed) };
  }
  const { bornAt } = parsed;
  let isSettled = true;
  const settle = async () => {
    isSettled = bornAt === undefined || (await settleBirth(context, stackId, bornAt));
  };
  await tryMove(context, stackId, settle);
  if (!isSettled) return { kind: "moved" };
  const place = { kind: "live", nonce: parsed.nonce, dueAt: parsed.dueAt } as const;
  const aggregate = await readSpill(context, stackId, parsed);
  return { kind: "loaded", stack: { aggregate, place, spill: parsed.spill } };
}

/** Returns false when the move did not happen. Read-only or throttled callers work with the current items. */
function tryMove(context: StoreContext, stackId: string, move: () => Promise<void>): Promise<boolean> {
  return attemptLater(context, `the beginning or the end of the stack ${JSON.stringify(stackId)}`, move);
}

/** Returns the rest of a stack whose item still exists. A shadow that is written now wins over it. */
async function toEnded(context: StoreContext, stackId: string, removed: ParsedStackItem): Promise<LoadedStack> {
  const shadow = await loadShadow(context, stackId);
  const aggregate = await readSpill(context, stackId, removed);
  return { aggregate, place: { kind: "shadow", shadow } };
}

async function loadTakenOver(context: StoreContext, stackId: string, parsed: ParsedStackItem): Promise<Look> {
  const shadow = await loadShadow(context, stackId);
  if (shadow?.kind === "born") {
    await finishBirth(context, stackId, shadow);
    return { kind: "moved" };
  }
  const kept = shadow?.kind === "none" ? await readSpill(context, stackId, shadow) : undefined;
  const aggregate = await takeOver(context, stackId, parsed.aggregate, kept, shadow?.aggregate.version ?? 0);
  return { kind: "loaded", stack: { aggregate, place: { kind: "taken-over", shadow }, spill: shadow?.spill } };
}

async function loadShadow({ work }: StoreContext, stackId: string): Promise<ParsedShadow | undefined> {
  const item = await work.get(toShadowKey(stackId));
  return item && parseShadowItem(item);
}

async function readSpill({ work }: StoreContext, stackId: string, parsed: ParsedItem): Promise<Aggregate> {
  const { spill } = parsed;
  if (spill === undefined) return parsed.aggregate;
  const numbers = Array.from({ length: spill.parts }, (_, part) => part);
  const parts = await inParallel(numbers, (part) => work.get(toSpillKey(stackId, spill.name, part)));
  const bytes = parts.map((part) => part?.["bytes"]?.B);
  return joinSpill(parsed, bytes);
}

function toSpillKey(stackId: string, name: string, part: number) {
  return toStackKey(stackId, `spill#${name}#${part}`);
}

/** Writes an aggregate where it is, or begins its move. Undefined: someone else wrote meanwhile. */
async function writeStack(
  context: StoreContext,
  stackId: string,
  loaded: LoadedStack,
  { next, follow, now = 0, adopts = false }: Change<unknown> & { readonly next: Aggregate },
): Promise<Aggregate | undefined> {
  const version = Math.max(toNextVersion(loaded.aggregate), next.version);
  const entry =
    follow && toEntry(follow, { version, now, entry: next.stack?.entry ?? loaded.aggregate.stack?.entry ?? 0 });
  const waiting = next.outbox.filter((each) => !context.done.has(toDoneKey(stackId, each.version)));
  const written = { ...next, version, outbox: entry === undefined ? waiting : [...waiting, entry] };
  const isWritten = await put(context, stackId, loaded, { written, adopts });
  if (!isWritten) return undefined;
  if (loaded.spill !== undefined) await dropSpill(context, stackId, loaded.spill);
  context.recent.note(stackId, written);
  return written;
}

/** Returns the outbox entry of follow-up work, or undefined. */
function toEntry(follow: FollowUp, facts: Pick<OutboxEntry, "version" | "now" | "entry">): OutboxEntry | undefined {
  const parts = Object.entries(follow).filter(([, list]) => list !== undefined && list.length > 0);
  return parts.length === 0 ? undefined : { ...facts, ...Object.fromEntries(parts) };
}

interface Write {
  readonly written: Aggregate;
  readonly adopts: boolean;
}

async function put(context: StoreContext, stackId: string, loaded: LoadedStack, write: Write): Promise<boolean> {
  const { place, aggregate: before } = loaded;
  const { written } = write;
  const { stack } = written;
  if (place.kind === "live") {
    if (stack !== undefined) return putItem(context, toItem(context, written, stack, place), isAt(place.nonce));
    return endLife(context, stackId, { before, written }, place);
  }
  // The remembered state of a stack that the predecessor wrote stays outside its item until a commit writes the stack.
  const staysAside = place.kind === "taken-over" && written.stackVersion === TAKEN_OVER_VERSION && !write.adopts;
  if (stack === undefined || staysAside)
    return putAside(context, stackId, place.shadow, { ...written, stack: undefined });
  return beginIncarnation(context, stackId, place.shadow, { written, stack });
}

function toItem(context: StoreContext, aggregate: Aggregate, stack: Stack, facts: StackItemFacts) {
  const { dueAt, bornAt, removed } = facts;
  const kept = defined({ dueAt, bornAt, removed });
  const encoded = toStackItem(aggregate, stack, kept, toName(context));
  const bytes = sizeOfItem(encoded.item);
  if (bytes > MAX_ITEM_BYTES - 100) throw tooLarge("item of the stack", stack.id, bytes);
  return { ...encoded, table: context.stacks, stackId: stack.id };
}

/** Returns a name for separate rows of an item that no other writer uses. */
function toName({ nextNumber, random }: StoreContext): string {
  return `${nextNumber().toString(36)}-${random().toString(36).slice(2, 8)}`;
}

function isAt(nonce: string) {
  return { expression: "nonce = :nonce", values: { ":nonce": nonce } };
}

/** Writes the separate rows first, so that readers of the item find them. */
async function putItem(
  context: StoreContext,
  { item, spill, table, stackId }: EncodedItem & { readonly table: StoreContext["stacks"]; readonly stackId: string },
  condition: Condition,
): Promise<boolean> {
  await inParallel(spill?.parts ?? [], (bytes, part) => {
    const { pk, sk } = toSpillKey(stackId, spill?.name ?? "", part);
    return context.work.put({ pk: { S: pk }, sk: { S: sk }, bytes: { B: bytes } });
  });
  const isPut = await table.put(item, condition);
  if (!isPut && spill !== undefined) await dropSpill(context, stackId, { name: spill.name, parts: spill.parts.length });
  return isPut;
}

async function dropSpill(context: StoreContext, stackId: string, { name, parts }: NonNullable<ParsedItem["spill"]>) {
  const numbers = Array.from({ length: parts }, (_, part) => part);
  await attemptLater(context, "the removal of rows that are not used any more", async () => {
    await inParallel(numbers, (part) => context.work.remove(toSpillKey(stackId, name, part)));
  });
}

function putShadow(
  context: StoreContext,
  stackId: string,
  shadow: ParsedShadow | undefined,
  kind: ParsedShadow["kind"],
  aggregate: Aggregate,
): Promise<boolean> {
  const encoded = toShadowItem(kind, stackId, aggregate, toName(context));
  const bytes = sizeOfItem(encoded.item);
  if (bytes > MAX_ITEM_BYTES - 100) throw tooLarge("row of the stack", stackId, bytes);
  const condition = shadow === undefined ? { expression: "attribute_not_exists(pk)" } : isAt(shadow.nonce);
  return putItem(context, { ...encoded, table: context.work, stackId }, condition);
}

/**
 * Stores an aggregate without a stack. Deletes an empty row, unless late writers need it to detect that they are late.
 */
async function putAside(context: StoreContext, stackId: string, shadow: ParsedShadow | undefined, next: Aggregate) {
  const wasNever = next.stackVersion === 0 && (shadow === undefined || shadow.kind === "none");
  if (wasNever && isEmpty(next)) {
    return shadow === undefined || context.work.remove(toShadowKey(stackId), isAt(shadow.nonce));
  }
  return putShadow(context, stackId, shadow, "none", next);
}

async function beginIncarnation(
  context: StoreContext,
  stackId: string,
  shadow: ParsedShadow | undefined,
  { written, stack }: { readonly written: Aggregate; readonly stack: Stack },
): Promise<boolean> {
  // A stack that exceeds its item is refused before anything is written.
  toItem(context, written, stack, { bornAt: written.version, dueAt: undefined });
  if (!(await putShadow(context, stackId, shadow, "born", written))) return false;
  const what = `the item of the stack ${JSON.stringify(stackId)}`;
  await attemptLater(context, what, async () => {
    const born = await loadShadow(context, stackId);
    if (born?.kind === "born") await finishBirth(context, stackId, born);
  });
  return true;
}

/** Puts the item of a stack that has begun, and marks the shadow. Any process may do it, also late. */
async function finishBirth(context: StoreContext, stackId: string, born: ParsedShadow): Promise<void> {
  const aggregate = await readSpill(context, stackId, born);
  const { stack, version } = aggregate;
  if (stack === undefined) return;
  const item = toItem(context, aggregate, stack, { bornAt: version, dueAt: undefined });
  // No item, or one of the predecessor: it has no version.
  if (!(await putItem(context, item, { expression: "attribute_not_exists(version)" }))) {
    // Another helper's, or one that came too late after an earlier incarnation.
    const expression = "bornAt < :version OR (attribute_exists(removed) AND version < :version)";
    await context.stacks.remove({ id: stackId }, { expression, values: { ":version": version } });
  }
  await settleBirth(context, stackId, version);
}

/** Marks in the shadow that the item exists. Returns false when the item was put too late, and is gone. */
async function settleBirth(context: StoreContext, stackId: string, version: number): Promise<boolean> {
  const shadow = await loadShadow(context, stackId);
  const isCurrent = shadow?.aggregate.version === version;
  if (isCurrent && shadow.kind === "live") return true;
  if (isCurrent && shadow.kind === "born") {
    const item = await context.stacks.get({ id: stackId });
    if (Number(item?.["version"]?.N ?? 0) < version) return false;
    await putShadow(context, stackId, shadow, "live", { ...EMPTY, version });
    if (shadow.spill !== undefined) await dropSpill(context, stackId, shadow.spill);
    return false;
  }
  const values = { ":version": version };
  await context.stacks.remove({ id: stackId }, { expression: "bornAt = :version", values });
  return false;
}

/** Marks the item: from then on the stack has ended. */
async function endLife(
  context: StoreContext,
  stackId: string,
  { before, written }: { readonly before: Aggregate; readonly written: Aggregate },
  place: Extract<Place, { kind: "live" }>,
): Promise<boolean> {
  const { stack } = before;
  if (stack === undefined)
    throw new StackyardError("INTERNAL", `The stack ${JSON.stringify(stackId)} has ended already.`);
  const item = toItem(context, written, { ...stack, timers: [] }, { removed: true, dueAt: place.dueAt });
  if (!(await putItem(context, item, isAt(place.nonce)))) return false;
  const what = `the end of the stack ${JSON.stringify(stackId)}`;
  await attemptLater(context, what, async () => {
    const left = await context.stacks.get({ id: stackId });
    const parsed = left && parseStackItem(left);
    if (parsed?.kind === "removed") await finishRemoval(context, stackId, parsed);
  });
  return true;
}

/** Writes the rest of an ended stack into the shadow; then removes its item. */
async function finishRemoval(context: StoreContext, stackId: string, removed: ParsedStackItem): Promise<void> {
  const aggregate = await readSpill(context, stackId, removed);
  const { version } = aggregate;
  for (let tries = 1; tries <= MOST_TRIES; tries += 1) {
    const shadow = await loadShadow(context, stackId);
    if (shadow !== undefined && shadow.aggregate.version >= version) break;
    if (await putShadow(context, stackId, shadow, "none", aggregate)) break;
    await pause(context, tries);
  }
  await context.stacks.remove({ id: stackId }, isAt(removed.nonce));
  if (removed.spill !== undefined) await dropSpill(context, stackId, removed.spill);
}
