import { defined, isStackyardError, mapLimited, StackyardError, type StoreStats } from "@stackyard/core";
import {
  assertSortable,
  checkStackFilter,
  comparePlaces,
  createPageBuilder,
  createStackCounter,
  isInScopes,
  isJob,
  type ListStacksInput,
  matchesStack,
  type Page,
  type PageInput,
  type PageRow,
  type StackCounts,
  type StackFilter,
  type StackGrouping,
  type StackOrder,
  type StackPlace,
  type StoredStack,
  toStackOrder,
  toStackPlace,
} from "@stackyard/core/engine";
import type { Aggregate } from "./aggregate.ts";
import type { Condition, Item } from "./database.ts";
import { DEAD_LETTER_LIST } from "./event-queue.ts";
import { loadStack } from "./stack-home.ts";
import { parseStackItem, readShadowId } from "./stack-item.ts";
import type { StoreContext } from "./store-context.ts";
import { WORK_INDEXES } from "./tables.ts";
import { tryRead } from "./work-rows.ts";

/**
 * Returns the stacks that match a filter, in the requested order. The table is in no order: each page reads all of it,
 * in parts of 1 MB, and keeps no more than the page.
 */
export async function listStacks(
  context: StoreContext,
  filter: StackFilter,
  page: ListStacksInput,
): Promise<Page<StoredStack>> {
  checkStackFilter(filter);
  const order = toStackOrder(page);
  const { after } = order;
  const afterId = order.key === "id" && !order.isDescending ? after?.id : undefined;
  let fitting = 0;
  let kept: readonly ListedStack[] = [];
  for await (const items of context.stacks.scanAll({ filter: toCondition(filter, afterId ?? "") })) {
    const found = items
      .flatMap((item) => readStack(item, filter, order))
      .filter(({ place }) => after === undefined || comparePlaces(order, place, after) > 0);
    fitting += found.length;
    if (order.key !== "id") assertSortable(order, fitting);
    const sorted = [...kept, ...found].sort((a, b) => comparePlaces(order, a.place, b.place));
    kept = keepPage(sorted, page);
  }
  const builder = createPageBuilder<StoredStack>(page);
  for (const row of kept) if (!builder.add(row)) break;
  return builder.end();
}

interface ListedStack extends PageRow<StoredStack> {
  readonly place: StackPlace;
}

/** Returns the rows of the page, and one more when there is one: rows that come later can only push others out. */
export function keepPage<Row extends PageRow<unknown>>(rows: readonly Row[], page: PageInput): readonly Row[] {
  const builder = createPageBuilder<undefined>(page);
  const end = rows.findIndex((row) => !builder.add({ ...row, read: () => undefined }));
  return end < 0 ? rows : rows.slice(0, end + 1);
}

function readStack(item: Item, filter: StackFilter, order: StackOrder): readonly ListedStack[] {
  const id = item["id"]?.S ?? "";
  const { item: parsed, read } = tryRead(() => parseStackItem(item));
  if (parsed === undefined) {
    if (!isSeen(filter, item)) return [];
    const place = { value: findInstant(item, order), id };
    return [{ id, place, cursor: order.toCursor(place), bytes: 0, read: () => toStored(read().aggregate) }];
  }
  const { kind, aggregate } = parsed;
  const { stack } = aggregate;
  if (stack === undefined || kind === "removed" || !matchesStack(filter, stack, countParked(item))) return [];
  const place = toStackPlace(order, stack);
  const bytes = Buffer.byteLength(JSON.stringify(stack));
  return [{ id, place, cursor: order.toCursor(place), bytes, read: () => toStored(aggregate) }];
}

/**
 * Returns the instant of an unreadable item. When its state was entered is only stored in the damaged part, so
 * `updatedAt` replaces it.
 */
function findInstant(item: Item, { key }: StackOrder): number {
  if (key === "id") return 0;
  return Number(item[key]?.N ?? item["updatedAt"]?.N ?? 0);
}

/** Returns true when an unreadable item matches the filter, by its id and, mostly, its machine. */
function isSeen({ text = "", jobs, ids, scopes }: StackFilter, item: Item): boolean {
  const id = item["id"]?.S ?? "";
  const machine = item["machine"]?.S ?? "";
  const isNamed = (ids === undefined || ids.includes(id)) && (jobs === undefined || jobs === isJob({ machine }));
  return isNamed && id.includes(text) && isInScopes(scopes, id, machine);
}

function countParked(item: Item): number {
  return Number(item["parked"]?.N ?? 0);
}

/** Counts the stacks that a filter fits, by reading the whole table. Items that cannot be read are left out. */
export async function countStacks(
  { stacks }: StoreContext,
  filter: StackFilter,
  by: StackGrouping | undefined,
): Promise<StackCounts> {
  checkStackFilter(filter);
  const counter = createStackCounter(by);
  for await (const items of stacks.scanAll({ filter: toCondition(filter, "") })) {
    for (const item of items) {
      const parsed = tryRead(() => parseStackItem(item)).item;
      const stack = parsed?.kind === "removed" ? undefined : parsed?.aggregate.stack;
      const parked = countParked(item);
      if (stack !== undefined && matchesStack(filter, stack, parked)) counter.add(stack, parked);
    }
  }
  return counter.end();
}

function toStored({ stack, stackVersion: version }: Aggregate): StoredStack {
  if (stack === undefined) throw new StackyardError("STORE_CORRUPT", "The item does not contain a stack.");
  return { version, stack };
}

/** Converts what DynamoDB can filter by. This saves transfer, not read capacity. */
function toCondition({ machine, state, idPrefix = "" }: StackFilter, after: string): Condition | undefined {
  const parts = [
    machine === undefined ? [] : [["machine = :machine", ":machine", machine]],
    state === undefined ? [] : [["#state = :state", ":state", state]],
    idPrefix === "" ? [] : [["begins_with(id, :prefix)", ":prefix", idPrefix]],
    after === "" ? [] : [["id > :after", ":after", after]],
  ].flat();
  if (parts.length === 0) return undefined;
  return defined({
    expression: parts.map(([expression]) => expression).join(" AND "),
    names: state === undefined ? undefined : { "#state": "_state" },
    values: Object.fromEntries(parts.map(([, name = "", value]) => [name, value])),
  });
}

/**
 * Lists ids of stacks with parked events, in order, whether or not the stacks exist. Like every list of stacks, each
 * page reads the whole table of stacks; stacks that do not exist are found by the sweep index.
 */
export async function listParkedStackIds(
  context: StoreContext,
  { after = "", limit }: { readonly after?: string; readonly limit: number },
): Promise<readonly string[]> {
  const [present, absent] = await Promise.all([findPresent(context), findAbsent(context)]);
  const ids = [...new Set([...present, ...absent])].filter((id) => id > after);
  return ids.sort().slice(0, limit);
}

async function findPresent({ stacks }: StoreContext): Promise<readonly string[]> {
  const ids: string[] = [];
  const filter = { expression: "attribute_exists(parked)" };
  for await (const items of stacks.scanAll({ filter, attributes: ["id"] })) {
    ids.push(...items.flatMap(({ id }) => id?.S ?? []));
  }
  return ids;
}

async function findAbsent({ work }: StoreContext): Promise<readonly string[]> {
  const ids: string[] = [];
  for await (const item of work.query({ index: WORK_INDEXES.sweep, part: "shadow" })) {
    if (item["parked"] !== undefined) ids.push(readShadowId(item));
  }
  return ids;
}

/** Events are mostly in the queues of SQS, so few stacks have some here. */
const MOST_LANES = 100;
const LANES_AT_ONCE = 10;

/** Returns when the first event of these stacks was received. Reads at most the first 100 of them. */
async function findOldestEvent(context: StoreContext, stackIds: readonly string[]): Promise<number | undefined> {
  const found = await mapLimited(stackIds.slice(0, MOST_LANES), LANES_AT_ONCE, async (id) => {
    const [first] = (await loadReadable(context, id))?.aggregate.events ?? [];
    return first === undefined ? [] : [first.event?.receivedAt ?? first.dueAt];
  });
  const instants = found.flat();
  return instants.length === 0 ? undefined : Math.min(...instants);
}

async function loadReadable(context: StoreContext, stackId: string) {
  try {
    return await loadStack(context, stackId);
  } catch (error) {
    if (isStackyardError(error, "STORE_CORRUPT")) return undefined;
    throw error;
  }
}

/** The counts in items. */
const COUNTS = ["queued", "sent", "parked", "open"] as const;

/** Counts, by reading the stacks' table and the indexes: for people and metrics, not for every second. */
export async function loadStats(context: StoreContext): Promise<StoreStats> {
  const states = new Map<string, { machine: string; state: string; count: number }>();
  const sums = { queued: 0, sent: 0, parked: 0, open: 0 };
  const add = (item: Item) => {
    for (const name of COUNTS) sums[name] += Number(item[name]?.N ?? 0);
  };
  const lanes: string[] = [];
  const note = (item: Item, id: string) => {
    if (item["queued"] !== undefined) lanes.push(id);
  };
  let stacks = 0;
  for await (const items of context.stacks.scanAll({ attributes: ["id", "machine", "_state", "removed", ...COUNTS] })) {
    for (const item of items) {
      add(item);
      note(item, item["id"]?.S ?? "");
      const { machine, _state: state, removed } = item;
      if (removed !== undefined || machine?.S === undefined || state?.S === undefined) continue;
      stacks += 1;
      const key = `${machine.S}\u0000${state.S}`;
      states.set(key, { machine: machine.S, state: state.S, count: (states.get(key)?.count ?? 0) + 1 });
    }
  }
  const { work } = context;
  for await (const item of work.query({ index: WORK_INDEXES.sweep, part: "shadow" })) {
    add(item);
    note(item, readShadowId(item));
  }
  let deadLetters = 0;
  for await (const _ of work.query({ index: WORK_INDEXES.list, part: DEAD_LETTER_LIST })) deadLetters += 1;
  return {
    stacks,
    queuedEvents: sums.queued,
    queuedTasks: sums.sent,
    parkedEvents: sums.parked,
    deadLetters,
    openAttempts: sums.open,
    ...defined({ oldestEventAt: await findOldestEvent(context, lanes) }),
    states: [...states].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each),
  };
}
