import type { RenewResult, SettleInput, SuspendInput, TaskMessage } from "@stackyard/core";
import {
  type AttemptMove,
  claimAttempt,
  findKeyPlace,
  findLiveOwner,
  grantKey,
  isHeldBy,
  isOpen,
  joinKeyQueue,
  type KeyQueue,
  leaveKeyQueue,
  readAttemptSecrets,
  renewAttempt,
  settleAttempt,
  suspendAttempt,
  toAttemptView,
  toGranted,
  toListedAttempt,
} from "@stackyard/core/attempt";
import {
  type AttemptView,
  type ClaimInput,
  type ClaimResult,
  createPageBuilder,
  type Grant,
  MAX_SETTLED_LISTED,
  matchesAttempt,
  type OpenAttempt,
  type OpenAttemptFilter,
  type Page,
  type PageInput,
  type PageRow,
  parsePosition,
  type RenewInput,
} from "@stackyard/core/engine";
import {
  type Aggregate,
  type AttemptRow,
  applyMove,
  EMPTY,
  type FollowUp,
  findOpen,
  putAttempt,
  toClaimed,
} from "./aggregate.ts";
import { type PreparedEvents, queueEvents } from "./event-queue.ts";
import { isLongLog, listEnded, readLog, withLogRow, writeLog } from "./history.ts";
import { toKeyPart } from "./keys.ts";
import { keepPage } from "./queries.ts";
import { type Change, changeStack, loadStack } from "./stack-home.ts";
import { parseStackItem, readShadowId } from "./stack-item.ts";
import { locateAttempt, readLocator, type StoreContext } from "./store-context.ts";
import { WORK_INDEXES } from "./tables.ts";
import { loadRow, type Move, mutateRow, type RowKind, tryRead, type WorkRow } from "./work-rows.ts";

/** The change of an attempt: another row, or a move with its effects, or neither. */
interface AttemptChange<Result> {
  readonly write?: AttemptRow | undefined;
  readonly move?: AttemptMove<AttemptRow> | undefined;
  readonly result: Result;
}

/** Changes an open attempt by one write of its stack. One that is unknown or has ended is undefined to `decide`. */
async function changeAttempt<Result>(
  context: StoreContext,
  attemptId: string,
  now: number,
  decide: (row: AttemptRow | undefined, aggregate: Aggregate) => AttemptChange<Result>,
): Promise<Result> {
  const prepared: PreparedEvents = new Map();
  let toldEvents = 0;
  const tryIn = (stackId: string) =>
    changeStack<{ readonly answer: Result } | undefined>(context, stackId, async (aggregate) => {
      const row = findOpen(aggregate, attemptId);
      if (row === undefined) return { result: undefined };
      const { write, move, result } = decide(row, aggregate);
      const next = write === undefined ? undefined : putAttempt(aggregate, write);
      if (move === undefined) return { next, now, result: { answer: result } };
      const moved = await moveAttempt(context, stackId, aggregate, { move, now, prepared });
      toldEvents = moved.added;
      return { ...moved, now, result: { answer: result } };
    });
  const answered = await lookInStacks(context, attemptId, tryIn);
  if (toldEvents > 0) context.listeners.notify(["event"]);
  return answered === undefined ? decide(undefined, EMPTY).result : answered.answer;
}

/** Returns what is found in the stack that the id of an attempt names, else in the one that its row names. */
async function lookInStacks<Found>(
  context: StoreContext,
  attemptId: string,
  look: (stackId: string) => Promise<Found | undefined>,
): Promise<Found | undefined> {
  const named = await locateAttempt(context, attemptId);
  const found = named === undefined ? undefined : await look(named);
  if (found !== undefined || named === undefined) return found;
  const other = await readLocator(context, attemptId);
  return other === undefined || other === named ? undefined : look(other);
}

/** Applies a move, and queues its events of the same stack. */
export async function moveAttempt(
  context: StoreContext,
  stackId: string,
  aggregate: Aggregate,
  input: { readonly move: AttemptMove<AttemptRow>; readonly now: number; readonly prepared: PreparedEvents },
): Promise<Pick<Change<unknown>, "follow"> & { readonly next: Aggregate; readonly added: number }> {
  const { move, now, prepared } = input;
  const moved = applyMove(aggregate, move, { stackId, now });
  const { aggregate: next, added } = await queueEvents(context, stackId, moved.aggregate, moved.queued, prepared);
  return { next, follow: moved.follow, added: added.length };
}

/** Joins the follow-up work of two moves of one write. Pure. */
export function joinFollowUps(a: FollowUp, b: FollowUp): FollowUp {
  return {
    lines: join(a.lines, b.lines),
    ended: join(a.ended, b.ended),
    deadLetters: join(a.deadLetters, b.deadLetters),
    audit: join(a.audit, b.audit),
    leaves: join(a.leaves, b.leaves),
    events: join(a.events, b.events),
    receipts: join(a.receipts, b.receipts),
    unused: join(a.unused, b.unused),
  };
}

function join<Part>(a: readonly Part[] = [], b: readonly Part[] = []): readonly Part[] {
  return [...a, ...b];
}

/** The queue of a key as an item. A free key has no item. */
interface KeyRow extends WorkRow, KeyQueue {
  readonly key: string;
}

/** The rows of keys. */
const KEYS: RowKind<KeyRow> = {
  name: "exclusive key",
  toKey: (key) => ({ pk: `key#${toKeyPart(key)}`, sk: "key" }),
  toIndex: () => ({}),
};

/** A taken key: one's own, or the attempt that one waits for. */
type TakenKey = { readonly kind: "taken" } | { readonly kind: "queued"; readonly row: KeyRow };

/** Takes a free key, or queues for it. Answers alike when it is done again. */
async function takeKey(context: StoreContext, key: string, { attemptId, sequence }: AttemptRow): Promise<TakenKey> {
  return mutateRow<KeyRow, TakenKey>(context, KEYS, key, (row) => {
    const joined = joinKeyQueue(row, { attemptId, sequence });
    const next = joined === row ? row : { ...row, ...joined, key };
    const write = next === row ? undefined : next;
    return { write, result: joined.holder === attemptId ? { kind: "taken" } : { kind: "queued", row: next } };
  });
}

/**
 * Repairs the state of an exclusive key: removes ended attempts from its holder and its queue, and grants the key to
 * the next one. An attempt that ends calls it after its end is written, and one that queues after it is written as
 * queued, so the later of the two always sees the other. Idempotent.
 */
export async function settleKey(
  context: StoreContext,
  key: string,
  { left, now }: { readonly left?: string; readonly now: number },
): Promise<void> {
  let gone = left;
  do {
    const leaver = gone;
    const holder = await mutateRow(context, KEYS, key, (row) => leave(row, leaver));
    gone = holder !== undefined && (await wakeHolder(context, key, holder, now)) === "dead" ? holder : undefined;
  } while (gone !== undefined);
}

/** Removes an attempt from the queue of a key. Returns the holder afterwards. */
function leave(row: KeyRow | undefined, leaver: string | undefined): Move<KeyRow, string | undefined> {
  if (row === undefined) return { result: undefined };
  const left = leaver === undefined ? row : leaveKeyQueue(row, leaver);
  if (left === undefined) return { write: "remove", result: undefined };
  return { write: left === row ? undefined : { ...row, ...left }, result: left.holder };
}

async function wakeHolder(context: StoreContext, key: string, holder: string, now: number): Promise<"dead" | "alive"> {
  const became = await changeAttempt<"dead" | "alive" | "woken">(context, holder, now, (row) => {
    if (row === undefined) return { result: "dead" };
    if (row.status !== "queued" || row.queuedFor !== key) return { result: "alive" };
    return { move: grantKey(row, key, now), result: "woken" };
  });
  if (became === "woken") context.listeners.notify(["task"]);
  return became === "dead" ? "dead" : "alive";
}

/** Creates the part of the port that workers use. */
export function createAttemptStore(context: StoreContext) {
  return {
    claim: (input: ClaimInput) => claim(context, input),
    async renew(grant: Grant, input: RenewInput) {
      const answer = await changeAttempt<RenewResult>(context, grant.attemptId, input.now, (row) => {
        const renewed = renewAttempt(row, grant, input);
        return renewed === undefined
          ? { result: { kind: "lost" } }
          : { write: renewed.attempt, result: renewed.answer };
      });
      if (input.message !== undefined) context.listeners.notify(["progress"]);
      return answer;
    },
    async suspend(grant: Grant, input: SuspendInput) {
      const answer = await changeAttempt<"suspended" | "lost">(context, grant.attemptId, input.now, (row) => {
        const suspended = suspendAttempt(row, grant, input);
        if (suspended === undefined) return { result: "lost" };
        return { write: { ...suspended, hidden: undefined }, result: "suspended" };
      });
      context.listeners.notify(["progress"]);
      return answer;
    },
    settle: (grant: Grant, input: SettleInput) => settle(context, grant, input),
    async findAttempt(attemptId: string): Promise<AttemptView | undefined> {
      const row = await findRow(context, attemptId);
      return row && viewAttempt(context, { ...row, log: await readLog(context, row) });
    },
    listAttempts: (stackId: string) => list(context, stackId),
    async findTaskMessage(attemptId: string): Promise<TaskMessage | undefined> {
      return (await findRow(context, attemptId))?.message;
    },
  };
}

async function settle(context: StoreContext, grant: Grant, input: SettleInput): Promise<"settled" | "lost"> {
  const { attemptId } = grant;
  const isLong = isLongLog(input.log);
  // The log of an attempt that has already ended must not change.
  if (isLong && !isHeldBy(await findOpenRow(context, attemptId), grant)) return "lost";
  if (isLong) await writeLog(context, attemptId, input.log);
  return changeAttempt<"settled" | "lost">(context, attemptId, input.now, (row) => {
    const move = settleAttempt(row, grant, input);
    if (move === undefined) return { result: "lost" };
    return { move: isLong ? withLogRow(move) : move, result: "settled" };
  });
}

/** Finds an attempt of any status, if its stack is known. */
function findRow(context: StoreContext, attemptId: string): Promise<AttemptRow | undefined> {
  return lookInStacks(context, attemptId, (stackId) => findIn(context, stackId, attemptId));
}

async function findIn(context: StoreContext, stackId: string, attemptId: string): Promise<AttemptRow | undefined> {
  const { aggregate } = await loadStack(context, stackId);
  const open = findOpen(aggregate, attemptId);
  if (open !== undefined) return open;
  for await (const row of listEnded(context, stackId, aggregate)) if (row.attemptId === attemptId) return row;
  return undefined;
}

/** Lists attempts, newest first: all open ones, and the last 50 settled ones, without their logs. */
async function list(context: StoreContext, stackId: string): Promise<readonly AttemptView[]> {
  const { aggregate } = await loadStack(context, stackId);
  const ended: AttemptRow[] = [];
  for await (const row of listEnded(context, stackId, aggregate)) {
    ended.push(row);
    if (ended.length >= MAX_SETTLED_LISTED) break;
  }
  const rows = [...aggregate.attempts, ...ended].sort((a, b) => b.sequence - a.sequence);
  return Promise.all(rows.map(async (row) => toListedAttempt(await viewAttempt(context, row))));
}

/** Returns the view of an attempt, with its position in the queue of the key that it waits for. */
async function viewAttempt(context: StoreContext, row: AttemptRow): Promise<AttemptView> {
  if (row.queuedFor === undefined) return toAttemptView(row, row, undefined);
  const place = findKeyPlace(await loadRow(context, KEYS, row.queuedFor), row.attemptId) ?? { holder: "", place: 0 };
  return toAttemptView(row, row, { key: row.queuedFor, ...place });
}

/**
 * Claims an attempt. Without keys it is one write. With keys the attempt notes them first, then takes one after the
 * other; a crash in between leaves keys with an attempt that is open, whose message comes again.
 */
async function claim(context: StoreContext, input: ClaimInput): Promise<ClaimResult> {
  const keys = [...new Set(input.exclusiveKeys)].sort();
  if (keys.length === 0) return grantNow(context, input, keys);
  for (;;) {
    const row = await noteKeys(context, input, keys);
    if (row === "closed" || row === "held") return grantNow(context, input, []);
    const met = await takeKeys(context, row, keys);
    if (met === undefined) return grantNow(context, input, keys);
    const queued = await queueNow(context, input, { ...met, keys });
    if (queued !== undefined) return queued;
  }
}

/** Notes keys before any key is written: the process that ends the attempt must find the keys to release. */
function noteKeys(context: StoreContext, { attemptId, now }: ClaimInput, keys: readonly string[]) {
  return changeAttempt<AttemptRow | "closed" | "held">(context, attemptId, now, (row) => {
    if (row === undefined) return { result: "closed" };
    if (findLiveOwner(row, now) !== undefined) return { result: "held" };
    if (keys.every((key) => row.keys.includes(key))) return { result: row };
    const write = { ...row, keys: [...new Set([...row.keys, ...keys])] };
    return { write, result: write };
  });
}

/** Takes keys in order; returns the first key that another attempt has. */
async function takeKeys(context: StoreContext, row: AttemptRow, keys: readonly string[]) {
  for (const [index, key] of keys.entries()) {
    const taken = await takeKey(context, key, row);
    if (taken.kind === "queued") return { key, keyRow: taken.row, heldKeys: keys.slice(0, index) };
  }
  return undefined;
}

/** Decides the claim with the keys that the attempt holds by now; `blocked`: one more, which another attempt holds. */
function decideClaim(
  row: AttemptRow | undefined,
  input: ClaimInput,
  { owned, blocked }: { readonly owned: readonly string[]; readonly blocked?: readonly [key: string, holder: string] },
) {
  const holders = new Map(owned.map((key) => [key, input.attemptId]));
  if (blocked !== undefined) holders.set(...blocked);
  const exclusiveKeys = [...holders.keys()];
  return claimAttempt(row, { ...input, exclusiveKeys }, holders);
}

async function grantNow(context: StoreContext, input: ClaimInput, keys: readonly string[]): Promise<ClaimResult> {
  const { attemptId, now } = input;
  const { move, stack } = await changeAttempt(context, attemptId, now, (row, aggregate) => {
    const result = { move: decideClaim(row, input, { owned: keys }), stack: aggregate.stack };
    if (result.move.kind === "granted") return { write: toClaimed(result.move.attempt, now), result };
    // Its message is removed whatever the result.
    return { write: row?.sent === undefined ? undefined : { ...row, sent: undefined }, result };
  });
  if (move.kind === "gone") await leaveKeys(context, attemptId, keys, now);
  if (move.kind !== "granted") return move.kind === "held" ? move : { kind: "gone" };
  if (move.leaves !== undefined) await leaveKeys(context, attemptId, [move.leaves], now);
  return toGranted(move.attempt, readSecrets(stack, move.attempt));
}

function readSecrets(stack: Aggregate["stack"], { attemptId, secrets }: AttemptRow) {
  return secrets === undefined ? undefined : readAttemptSecrets(stack, attemptId, secrets);
}

/**
 * Queues the attempt for a key. Returns undefined when the key came meanwhile, or the attempt ended; then try again.
 */
async function queueNow(
  context: StoreContext,
  input: ClaimInput,
  met: {
    readonly key: string;
    readonly keyRow: KeyRow;
    readonly heldKeys: readonly string[];
    readonly keys: readonly string[];
  },
): Promise<ClaimResult | undefined> {
  const { attemptId, now } = input;
  const { key, keyRow, heldKeys } = met;
  const move = await changeAttempt(context, attemptId, now, (row) => {
    const result = decideClaim(row, input, { owned: heldKeys, blocked: [key, keyRow.holder] });
    return { write: result.kind === "queued" ? toClaimed(result.attempt, now) : undefined, result };
  });
  if (move.kind !== "queued") {
    if (!isOpen(await findOpenRow(context, attemptId))) await leaveKeys(context, attemptId, met.keys, now);
    return undefined;
  }
  if (move.leaves !== undefined) await leaveKeys(context, attemptId, [move.leaves], now);
  // The holder may have ended between the two writes, before this attempt was visible in the queue.
  await settleKey(context, key, { now });
  const row = await findOpenRow(context, attemptId);
  if (row?.status !== "queued") return row?.status === "unclaimed" ? undefined : { kind: "gone" };
  const place = findKeyPlace(keyRow, attemptId)?.place ?? 0;
  return { kind: "queued", key, holder: keyRow.holder, place };
}

function findOpenRow(context: StoreContext, attemptId: string): Promise<AttemptRow | undefined> {
  return changeAttempt<AttemptRow | undefined>(context, attemptId, 0, (row) => ({ result: row }));
}

async function leaveKeys(
  context: StoreContext,
  attemptId: string,
  keys: readonly string[],
  now: number,
): Promise<void> {
  for (const key of keys) await settleKey(context, key, { left: attemptId, now });
}

/**
 * Lists open attempts of the yard in order of dispatch. They are in the items of their stacks: each page reads all
 * stacks that have some, and keeps no more than the page.
 */
export async function listOpenAttempts(
  context: StoreContext,
  filter: OpenAttemptFilter,
  page: PageInput,
): Promise<Page<OpenAttempt>> {
  const after = parsePosition(page.cursor) ?? 0;
  let kept: readonly ListedAttempt[] = [];
  for await (const rows of readOpen(context)) {
    const found = rows
      .filter((row) => row.sequence > after && matchesAttempt(filter, row, () => row.message.stack.machine))
      .map(toListed);
    // A stack that moves meanwhile may be met twice.
    const others = found.filter(({ id }) => kept.every((row) => row.id !== id));
    kept = keepPage([...kept, ...others].sort(byCursor), page);
  }
  const builder = createPageBuilder<OpenAttempt>(page);
  for (const row of kept) {
    const view = await viewAttempt(context, row.attempt);
    if (!builder.add({ ...row, read: () => ({ ...view, machine: row.attempt.message.stack.machine }) })) break;
  }
  return builder.end();
}

interface ListedAttempt extends PageRow<undefined> {
  readonly attempt: AttemptRow;
}

function toListed(attempt: AttemptRow): ListedAttempt {
  const { message: _, ...shown } = attempt;
  const bytes = Buffer.byteLength(JSON.stringify(shown));
  return { id: attempt.attemptId, cursor: String(attempt.sequence), bytes, read: () => undefined, attempt };
}

function byCursor(a: ListedAttempt, b: ListedAttempt): number {
  return a.attempt.sequence - b.attempt.sequence;
}

/**
 * Reads the open attempts of present stacks, a part of the table at a time, then of absent ones. Items that cannot be
 * read are left out.
 */
async function* readOpen(context: StoreContext): AsyncGenerator<readonly AttemptRow[], void, undefined> {
  const names = { "#open": "open" };
  for await (const items of context.stacks.scanAll({ filter: { expression: "attribute_exists(#open)", names } })) {
    const rows: AttemptRow[] = [];
    for (const item of items) {
      const parsed = tryRead(() => parseStackItem(item)).item;
      if (parsed?.spill === undefined) rows.push(...(parsed?.aggregate.attempts ?? []));
      else rows.push(...(await loadStack(context, item["id"]?.S ?? "")).aggregate.attempts);
    }
    yield rows;
  }
  for await (const item of context.work.query({ index: WORK_INDEXES.sweep, part: "shadow" })) {
    if (item["open"] !== undefined) yield (await loadStack(context, readShadowId(item))).aggregate.attempts;
  }
}
