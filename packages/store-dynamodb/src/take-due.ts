import type { DueKind } from "@stackyard/core";
import { chunk } from "@stackyard/core";
import { isMistimed, toAttemptDue, toCorrectedLine } from "@stackyard/core/attempt";
import { type DueItem, nextTimerAt, type QueuedEvent, type TakeDueInput, toQueuedEvent } from "@stackyard/core/engine";
import {
  type Aggregate,
  type AttemptRow,
  afterHidden,
  type DueTimes,
  findDueTimes,
  findEarliest,
  findNextDueAt,
  findOpen,
  findReturn,
  type LaneEvent,
  listVisible,
  putAttempt,
  toDeadline,
  toEventReceipt,
  toTaskReceipt,
} from "./aggregate.ts";
import { repairStack } from "./commit-change.ts";
import { correctRows } from "./correct-rows.ts";
import { fromItem, type Item, inParallel } from "./database.ts";
import { finishRedrives } from "./event-queue.ts";
import { toStackKey } from "./keys.ts";
import { changeStack, loadStack, toDoneKey } from "./stack-home.ts";
import { type LoadedStack, readShadowId, STACK_SHARDS } from "./stack-item.ts";
import { attemptLater, type DueStack, type StoreContext } from "./store-context.ts";
import { DUE_INDEX, WORK_INDEXES } from "./tables.ts";
import { takeFirst, tryRead } from "./work-rows.ts";

interface Place {
  readonly stackId: string;
  readonly at: number;
  /** The order among work that is due at the same instant. */
  readonly order: number;
}

/** Something of a stack that is due, in its order among all other work. */
type DueWork =
  | (Place & { readonly kind: "event"; readonly event: LaneEvent })
  | (Place & { readonly kind: "task" | "poll" | "lapsedLease" | "deadline"; readonly row: AttemptRow })
  | (Place & { readonly kind: "timer" })
  | (Place & { readonly kind: "parked" });

/** Lists the due work of a stack, by its item. Pure. */
function listDue(
  stackId: string,
  aggregate: Aggregate,
  { kinds, now }: Pick<TakeDueInput, "kinds" | "now">,
): readonly DueWork[] {
  const events = kinds.includes("event") ? listDueEvents(stackId, aggregate, now) : [];
  const attempts = aggregate.attempts.flatMap((row) => listDueOf(stackId, row, { kinds, now }));
  const ofStack = (["timer", "parked"] as const).flatMap((kind) => {
    const at = kinds.includes(kind) ? findStackDue(aggregate, kind, now) : undefined;
    return at === undefined ? [] : [{ stackId, kind, at, order: 0 }];
  });
  return [...events, ...attempts, ...ofStack];
}

/** Lists due events; an event is never due before the one before it. */
function listDueEvents(stackId: string, aggregate: Aggregate, now: number): readonly DueWork[] {
  let at = 0;
  let order = 0;
  return listVisible(aggregate, now).map((event) => {
    at = Math.max(at, event.dueAt);
    order = Math.max(order + 1, event.no);
    return { stackId, kind: "event", event, at, order };
  });
}

function listDueOf(
  stackId: string,
  row: AttemptRow,
  { kinds, now }: Pick<TakeDueInput, "kinds" | "now">,
): readonly DueWork[] {
  const { sent, sequence: order } = row;
  const deadline = toDeadline(row);
  const returned = isMistimed(row, now) ? toMistimed(row) : findReturn(row);
  const instants = [
    { kind: "task", at: sent?.dueAt, visibleAt: sent?.visibleAt },
    { kind: "deadline", at: deadline?.at, visibleAt: deadline?.visibleAt },
    { kind: returned?.kind ?? "poll", at: returned?.at, visibleAt: returned?.visibleAt },
  ] as const;
  return instants.flatMap(({ kind, at, visibleAt }) => {
    const isDue = at !== undefined && visibleAt !== undefined && visibleAt <= now && kinds.includes(kind);
    return isDue ? [{ stackId, kind, row, at, order }] : [];
  });
}

/** Returns a lease that ends later than any lease can as one that has ended. */
function toMistimed({ hidden, leaseUntil: at = 0 }: AttemptRow): ReturnType<typeof findReturn> {
  return { kind: "lapsedLease", at, visibleAt: hidden?.at === at ? hidden.until : 0 };
}

function findStackDue(aggregate: Aggregate, kind: "timer" | "parked", now: number): number | undefined {
  const { stack, parked, timerHidden, parkedHidden } = aggregate;
  const at = kind === "timer" ? stack && nextTimerAt(stack) : findEarliest(parked.map(({ nextTryAt }) => nextTryAt));
  const hidden = kind === "timer" ? timerHidden : parkedHidden;
  return at !== undefined && afterHidden(at, hidden) <= now ? at : undefined;
}

/** Returns the aggregate with that work hidden until then. Pure. */
function hideWork(aggregate: Aggregate, work: DueWork, until: number): Aggregate {
  if (work.kind === "timer") return { ...aggregate, timerHidden: { at: work.at, until } };
  if (work.kind === "parked") return { ...aggregate, parkedHidden: { at: work.at, until } };
  if (work.kind === "event") {
    const events = aggregate.events.map((event) => {
      if (event.no !== work.event.no) return event;
      return { ...event, visibleAt: until, deliveries: event.deliveries + 1 };
    });
    return { ...aggregate, events };
  }
  const row = findOpen(aggregate, work.row.attemptId);
  return row === undefined ? aggregate : putAttempt(aggregate, hideAttempt(row, work, until));
}

function hideAttempt(row: AttemptRow, { kind, at }: Pick<DueWork, "kind" | "at">, until: number): AttemptRow {
  if (kind === "deadline") return { ...row, deadlineHidden: { at, until } };
  if (kind !== "task") return { ...row, hidden: { at, until } };
  const { sent } = row;
  return sent === undefined ? row : { ...row, sent: { ...sent, visibleAt: until, deliveries: sent.deliveries + 1 } };
}

/** Converts work of an attempt or a stack to a due item. Pure. */
function toDueItem(work: Exclude<DueWork, { readonly kind: "event" }>): DueItem {
  const { stackId, at: dueAt } = work;
  if (work.kind === "timer" || work.kind === "parked") return { kind: work.kind, stackId, dueAt };
  const { kind, row } = work;
  const { attemptId, message, sent, task } = row;
  if (kind === "deadline") {
    return { kind, stackId, attemptId, task, why: toAttemptDue(row).deadline?.why ?? "deadline", dueAt };
  }
  if (kind !== "task") return { kind, receipt: `${kind}:${attemptId}`, attemptId, message, dueAt };
  const receipt = toTaskReceipt(attemptId, sent?.no ?? 0);
  return { kind, receipt, attemptId, message, deliveries: (sent?.deliveries ?? 0) + 1 };
}

/** The kinds that the sweep claims. It also finishes interrupted calls and corrects the index. */
const SWEPT: readonly DueKind[] = ["timer", "deadline", "parked"];

/** After this number of rounds in which others were faster, the next call continues. */
const MOST_ROUNDS = 8;
/** Stacks that are read together. */
const AT_ONCE = 64;

/** Claims due items of the requested kinds, oldest first. Indexes are hints: each item is read and marked. */
export async function takeDue(context: StoreContext, input: TakeDueInput): Promise<readonly DueItem[]> {
  const { kinds, limit, now } = input;
  if (kinds.length === 0 || limit <= 0) return [];
  const isSweep = kinds.some((kind) => SWEPT.includes(kind));
  if (isSweep) await finishRedrives(context, now);
  const find = async () => {
    const indexed = await findIndexed(context, now);
    const recent = context.recent.list(isSweep ? [...kinds, "repair"] : kinds, now);
    return joinStacks(indexed, recent);
  };
  return takeRounds(context, input, find, isSweep ? "sweep" : "all");
}

/** The kinds of work that commits leave. */
const LEFT: readonly DueKind[] = ["event", "task", "poll"];

/**
 * Hands out what this process has written in the last minute and is due, as far as commits leave it behind. Task
 * messages are marked in memory only, which saves a write of the item for each: they are sent on and acknowledged at
 * once, and one that a sweep of another process sends in between comes twice. Events are marked in the item, as their
 * order counts.
 */
export function takeOwn(context: StoreContext, input: TakeDueInput): Promise<readonly DueItem[]> {
  const kinds = input.kinds.filter((kind) => LEFT.includes(kind));
  if (kinds.length === 0 || input.limit <= 0) return Promise.resolve([]);
  const find = async () => context.recent.listOwn(kinds, input.now);
  return takeRounds(context, { ...input, kinds }, find, "own");
}

type TakeMode = "all" | "sweep" | "own";

async function takeRounds(
  context: StoreContext,
  input: TakeDueInput,
  find: () => Promise<readonly DueStack[]>,
  mode: TakeMode,
): Promise<readonly DueItem[]> {
  const { limit } = input;
  const items: DueItem[] = [];
  for (let round = 1; round <= MOST_ROUNDS && items.length < limit; round += 1) {
    const found = await findWork(context, { ...input, limit: limit - items.length }, await find(), mode);
    const chosen = found.work.sort(byOrder).slice(0, limit - items.length);
    const handed = mode === "own" ? handOutTasks(context, chosen, found.loaded, input) : [];
    const marked = mode === "own" ? chosen.filter(({ kind }) => kind !== "task") : chosen;
    const taken = [...handed, ...(await takeWork(context, marked, found.loaded, input))];
    items.push(...taken.sort((a, b) => byOrder(a.work, b.work)).map(({ item }) => item));
    if (taken.length >= chosen.length) break;
  }
  return items;
}

function byOrder(a: DueWork, b: DueWork): number {
  return a.at - b.at || a.order - b.order;
}

interface FoundWork {
  readonly work: DueWork[];
  readonly loaded: ReadonlyMap<string, LoadedStack>;
}

/** Reads stacks until enough items of the requested kinds are found, because the index does not contain kinds. */
async function findWork(
  context: StoreContext,
  input: TakeDueInput,
  stacks: readonly DueStack[],
  mode: TakeMode,
): Promise<FoundWork> {
  const work: DueWork[] = [];
  const loaded = new Map<string, LoadedStack>();
  const atOnce = Math.max(AT_ONCE, input.limit);
  for (const part of chunk(stacks, atOnce)) {
    if (work.length >= input.limit) break;
    const found = await inParallel(part, async ({ id }) => {
      const stack = mode === "sweep" ? await loadSwept(context, id, input.now) : await tryLoad(context, id);
      if (stack === undefined) return [];
      loaded.set(id, stack);
      return listDue(id, stack.aggregate, input).filter((work) => !isHandedOut(context, work, input.now));
    });
    work.push(...found.flat());
  }
  return { work, loaded };
}

/** Loads a stack; an unreadable one does not block other work. */
async function tryLoad(context: StoreContext, stackId: string): Promise<LoadedStack | undefined> {
  const loaded: LoadedStack[] = [];
  await attemptLater(context, `the stack ${JSON.stringify(stackId)}`, async () => {
    loaded.push(await loadStack(context, stackId));
  });
  return loaded[0];
}

/** Finishes what writes of the stack have not; moves its entry in the index to where it belongs. */
async function loadSwept(context: StoreContext, stackId: string, now: number): Promise<LoadedStack | undefined> {
  const loaded = await tryLoad(context, stackId);
  if (loaded === undefined) return undefined;
  const times = findOpenTimes(context, stackId, loaded.aggregate);
  const what = `the repair of the stack ${JSON.stringify(stackId)}`;
  if ((times.repair ?? Number.POSITIVE_INFINITY) <= now) {
    await attemptLater(context, what, () => repairStack(context, stackId, loaded.aggregate, now));
    return tryLoad(context, stackId);
  }
  const isDue = (findNextDueAt(times) ?? Number.POSITIVE_INFINITY) <= now;
  if (!isDue) await attemptLater(context, what, () => correctIndex(context, stackId, loaded, now));
  return isDue ? loaded : undefined;
}

/** Returns due times without work that this process has done already. */
function findOpenTimes(context: StoreContext, stackId: string, aggregate: Aggregate): DueTimes {
  const outbox = aggregate.outbox.filter(({ version }) => !context.done.has(toDoneKey(stackId, version)));
  return findDueTimes({ ...aggregate, outbox });
}

/** Moves the early entry of the index, which saves writes while the stack is at work. */
async function correctIndex(context: StoreContext, stackId: string, seen: LoadedStack, now: number): Promise<void> {
  const { place } = seen;
  const indexedAt = place.kind === "live" ? place.dueAt : place.shadow?.dueAt;
  if (indexedAt === undefined || indexedAt > now) return;
  const late = place.kind === "live" ? { ...seen, place: { ...place, dueAt: undefined } } : seen;
  await changeStack<void>(
    context,
    stackId,
    (_, { place: current }) => {
      const isSame = current === late.place;
      return { next: isSame ? seen.aggregate : undefined, result: undefined };
    },
    late,
  );
}

interface Taken {
  readonly work: DueWork;
  readonly item: DueItem;
}

/** Marks task messages in memory; one that another call has just taken is left out. */
function handOutTasks(
  context: StoreContext,
  chosen: readonly DueWork[],
  loaded: ReadonlyMap<string, LoadedStack>,
  { now, leaseMs }: TakeDueInput,
): Taken[] {
  const { handedOut } = context;
  const until = now + leaseMs;
  const handed = chosen.flatMap((work) => {
    if (work.kind !== "task" || isHandedOut(context, work, now)) return [];
    handedOut.set(toTaskReceipt(work.row.attemptId, work.row.sent?.no ?? 0), until);
    return [{ work, item: toDueItem(work) }];
  });
  // Calls that come meanwhile need not read these stacks.
  for (const [stackId, works] of Map.groupBy(handed, ({ work }) => work.stackId)) {
    const stack = loaded.get(stackId);
    if (stack === undefined) continue;
    const hidden = works.reduce((before, { work }) => hideWork(before, work, until), stack.aggregate);
    context.recent.note(stackId, hidden);
  }
  return handed;
}

function isHandedOut({ handedOut }: StoreContext, work: DueWork, now: number): boolean {
  if (work.kind !== "task") return false;
  return (handedOut.get(toTaskReceipt(work.row.attemptId, work.row.sent?.no ?? 0)) ?? 0) > now;
}

/**
 * Corrects the other attempts of a stack that is written anyway: `correctAttempts` finds stacks only by their next work. The
 * line about them is a part of that write, since no other call returns them.
 */
function correctOthers(aggregate: Aggregate, works: readonly DueWork[], now: number) {
  const taken = new Set(works.flatMap((work) => ("row" in work ? [work.row.attemptId] : [])));
  return correctRows(aggregate.attempts, now, taken);
}

/** Marks chosen work, that of a stack by one write; returns none of a stack that has changed meanwhile. */
async function takeWork(
  context: StoreContext,
  chosen: readonly DueWork[],
  loaded: ReadonlyMap<string, LoadedStack>,
  { now, leaseMs }: TakeDueInput,
): Promise<Taken[]> {
  const byStack = Map.groupBy(chosen, ({ stackId }) => stackId);
  const until = now + leaseMs;
  const taken = await inParallel([...byStack], async ([stackId, works]) => {
    const seen = loaded.get(stackId);
    const isTaken = await changeStack<boolean>(
      context,
      stackId,
      (aggregate, current) => {
        if (current !== seen) return { result: false };
        const { attempts, corrected } = correctOthers(aggregate, works, now);
        const next = works.reduce((before, work) => hideWork(before, work, until), { ...aggregate, attempts });
        if (corrected.length === 0) return { next, result: true };
        const { stack } = aggregate;
        const line = toCorrectedLine({ loaded: { stackId }, stack, now }, corrected);
        return { next, follow: { lines: [line] }, now, result: true };
      },
      seen,
    );
    if (!isTaken) return [];
    return inParallel(works, async (work) => ({ work, item: await toItem(context, work) }));
  });
  return taken.flat();
}

async function toItem(context: StoreContext, work: DueWork): Promise<DueItem> {
  if (work.kind !== "event") return toDueItem(work);
  const { stackId, event } = work;
  return {
    kind: "event",
    receipt: toEventReceipt(stackId, event.no),
    event: await loadEvent(context, stackId, event),
    deliveries: event.deliveries + 1,
  };
}

/** Loads an event. One that cannot be read comes with the reason, because the other events of the take are not at fault. */
async function loadEvent({ work }: StoreContext, stackId: string, lane: LaneEvent): Promise<QueuedEvent> {
  const { id, beside, dueAt: receivedAt } = lane;
  const row = { id, stackId, receivedAt };
  if (beside === undefined) return toQueuedEvent(lane.event, row);
  const item = await work.get(toStackKey(stackId, beside));
  // Written before its queue names it, and removed after its queue stops naming it: it is gone only if it was done.
  if (item === undefined) return toQueuedEvent(undefined, row);
  const read = tryRead(() => fromItem(item)["event"]);
  return toQueuedEvent(read.item, row);
}

/** Finds stacks that may be due by then, in order of their entries. Without the index it reads the whole table. */
async function findIndexed(
  context: StoreContext,
  now: number,
  limit = Number.MAX_SAFE_INTEGER,
): Promise<readonly DueStack[]> {
  const [present, absent] = await Promise.all([findPresent(context, now, limit), findAbsent(context, now, limit)]);
  return [...present, ...absent].sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1));
}

function joinStacks(indexed: readonly DueStack[], recent: readonly DueStack[]): readonly DueStack[] {
  const known = new Set(indexed.map(({ id }) => id));
  return [...indexed, ...recent.filter(({ id }) => !known.has(id))];
}

async function findPresent(context: StoreContext, now: number, limit: number): Promise<readonly DueStack[]> {
  const { stacks, hasDueIndex } = context;
  if (!hasDueIndex) return scanDue(context, now);
  const shards = Array.from({ length: STACK_SHARDS }, (_, shard) => shard);
  const pageSize = Math.min(limit, 1_000);
  const found = await inParallel(shards, (part) =>
    takeFirst(stacks.query({ index: DUE_INDEX, part, to: now, pageSize }), limit),
  );
  return toDueStacks(found.flat());
}

async function scanDue({ stacks }: StoreContext, now: number): Promise<readonly DueStack[]> {
  const { at } = DUE_INDEX;
  const filter = { expression: `${at} <= :now`, values: { ":now": now } };
  const due: DueStack[] = [];
  for await (const items of stacks.scanAll({ filter, attributes: ["id", at] })) due.push(...toDueStacks(items));
  return due;
}

function toDueStacks(items: readonly Item[]): readonly DueStack[] {
  return items.map((item) => ({ id: item["id"]?.S ?? "", at: Number(item[DUE_INDEX.at]?.N) }));
}

async function findAbsent({ work }: StoreContext, now: number, limit: number): Promise<readonly DueStack[]> {
  const index = WORK_INDEXES.sweep;
  const shadows = work.query({ index, part: "shadow", to: now, pageSize: Math.min(limit, 1_000) });
  const items = await takeFirst(shadows, limit);
  return items.map((item) => ({ id: readShadowId(item), at: Number(item[index.at]?.N) }));
}

/** Returns the earliest instant at which `takeDue` may find something. */
export async function nextDueAt(context: StoreContext, kinds: readonly DueKind[]): Promise<number | undefined> {
  const asked: readonly (keyof DueTimes)[] = kinds.some((kind) => SWEPT.includes(kind)) ? [...kinds, "repair"] : kinds;
  const far = Number.MAX_SAFE_INTEGER;
  const stacks = joinStacks(await findIndexed(context, far, MOST_LOOKED_AT), context.recent.list(asked, far));
  let earliest: number | undefined;
  for (const [index, part] of chunk(stacks, AT_ONCE).entries()) {
    // Later entries of the index are not due earlier.
    if (earliest !== undefined && part.every(({ at }) => at >= (earliest ?? 0))) break;
    // Too many entries are not due for these kinds: the returned time may be too early, but never too late.
    if (index >= MOST_PARTS) return Math.min(earliest ?? far, part[0]?.at ?? far);
    const found = await inParallel(part, async ({ id }) => {
      const loaded = await tryLoad(context, id);
      return loaded && findNextDueAt(findOpenTimes(context, id, loaded.aggregate), asked);
    });
    earliest = findEarliest([earliest, ...found].flatMap((at) => at ?? []));
  }
  return earliest;
}

const MOST_PARTS = 4;
const MOST_LOOKED_AT = MOST_PARTS * AT_ONCE;
