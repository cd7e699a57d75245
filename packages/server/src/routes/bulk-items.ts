import { chunk, defined, formatPlannedEvent, listPages, StackyardError } from "@stackyard/core";
import {
  type AccessDecision,
  decideEvent,
  type EventDecision,
  type Permission,
  type Sender,
} from "@stackyard/core/access";
import type { BulkOperation, BulkOutcome, BulkPlan } from "@stackyard/core/api";
import {
  digestOfPlans,
  type EventHead,
  findOwnLine,
  type InputPlan,
  isOnEvents,
  listParked,
  type ManyPlanned,
  MOST_BULK_ITEMS,
  type Page,
  type QueuedEvent,
  type StackFilter,
  toBulkEventId,
  toEventName,
  toEventOutcome,
  toParkedId,
} from "@stackyard/core/engine";
import type { Machine } from "@stackyard/core/machine";
import type { Caller } from "../access/caller.ts";
import { forbidden } from "../access/guard.ts";
import { decideRedrive, loadReadable } from "../access/reach.ts";
import type { ReasonSubjects } from "./mask-reason.ts";
import type { RouteDeps } from "./route-deps.ts";

/** The dead letters or parked events that a bulk selects. */
export interface DeadLetterFilter {
  readonly stackId?: string;
  readonly event?: string;
  readonly code?: string;
}

/** The selection of a bulk's items, and the person who makes it. */
export interface ChooseInput {
  readonly operation: BulkOperation;
  readonly filter: StackFilter & DeadLetterFilter & { readonly ids?: readonly string[] };
  /** The event of each stack; of dead letters and parked events empty. */
  readonly message: Readonly<Record<string, unknown>>;
  readonly caller: Caller;
  /** A revision that is not stored, in place of `to` of `upgrade`. Stacks that do not follow their machine keep theirs. */
  readonly draft?: Machine;
}

/** Returns what the reason of a bulk is about. */
export function toReasonSubjects(
  { operation }: Pick<ChooseInput, "operation">,
  ids: readonly string[],
): ReasonSubjects {
  if (operation === "withdraw") return { parked: ids };
  return isOnEvents(operation) ? { deadLetters: ids } : { stackIds: ids };
}

/**
 * Returns the ids of the items, in their order. Leaves out items that the caller cannot read, and stacks of internal
 * machines that accept no events. Throws `FORBIDDEN` when the caller may read an item but not do this to it, and
 * `FILTER_TOO_WIDE` above 10,000.
 */
export async function chooseItems(deps: RouteDeps, input: ChooseInput): Promise<readonly string[]> {
  checkMachine(input);
  const chosen: string[] = [];
  const denied: { readonly id: string; readonly permission: Permission }[] = [];
  const found = findItems(deps, input);
  for await (const { id, stackId, machine, event } of found) {
    const decision =
      event === undefined
        ? decideItem(input, await findSubject(deps, input, { stackId, machine }))
        : toRepair(await decideRedrive(deps.guard, input.caller, event));
    if (decision.kind === "allowed") chosen.push(id);
    if (decision.kind === "denied" && decision.access === "forbidden") {
      denied.push({ id, permission: decision.permission });
    }
    if (chosen.length + denied.length > MOST_BULK_ITEMS) throw tooWide();
  }
  const [first] = denied;
  if (first === undefined) return chosen;
  const examples = denied.slice(0, EXAMPLES).map(({ id }) => id);
  throw forbidden(first.permission, { denied: examples, count: denied.length });
}

/** Throws `FORBIDDEN` for events of senders to all stacks of an internal machine. */
function checkMachine({ operation, message, filter: { machine }, caller: { sender } }: ChooseInput): void {
  if (operation !== "send") return;
  const decision = decideEvent({ name: String(message["event"]), stackId: "", machine, channel: sender.channel });
  if (decision.kind === "internal" || decision.kind === "closed")
    throw new StackyardError("FORBIDDEN", decision.reason);
}

interface ItemSubject {
  readonly stackId: string;
  readonly machine: string | undefined;
}

async function findSubject({ guard }: RouteDeps, { caller }: ChooseInput, item: ItemSubject): Promise<ItemSubject> {
  if (item.machine !== undefined) return item;
  const subject = await guard.findStack(caller.rights, item.stackId);
  return { ...item, machine: subject.kind === "stack" ? subject.machine : undefined };
}

function decideItem({ message, operation, caller: { rights } }: ChooseInput, subject: ItemSubject): EventDecision {
  return decideEvent({ ...subject, name: String(message["event"]), own: operation !== "send" }, rights);
}

function toRepair(access: AccessDecision): EventDecision {
  return access === "allowed" ? { kind: "allowed" } : { kind: "denied", permission: "repair", access };
}

interface FoundItem {
  readonly id: string;
  readonly stackId: string;
  /** The machine of stacks that were listed. */
  readonly machine?: string;
  /** The head of a dead letter or a parked event. */
  readonly event?: EventHead;
}

const PAGE = 1_000;
const EXAMPLES = 5;

function findItems(deps: RouteDeps, input: ChooseInput): AsyncGenerator<FoundItem> {
  if (input.operation === "withdraw") return findParkedEvents(deps, input);
  return isOnEvents(input.operation) ? findDeadLetters(deps, input) : findStacks(deps, input);
}

async function* findStacks({ store }: RouteDeps, { filter }: ChooseInput): AsyncGenerator<FoundItem> {
  const { ids, stackId: _, event: __, ...rest } = filter;
  for (const id of new Set(ids)) yield { id, stackId: id };
  if (ids !== undefined) return;
  for await (const page of listPages((start) => store.queries.listStacks(rest, { limit: PAGE, ...start }))) {
    checkReadable(page);
    for (const { stack } of page.items) yield { id: stack.id, stackId: stack.id, machine: stack.machine };
  }
}

async function* findDeadLetters({ store }: RouteDeps, { filter }: ChooseInput): AsyncGenerator<FoundItem> {
  const { ids, stackId, event: name, code } = filter;
  const wanted = ids && new Set(ids);
  const only = defined({ stackId, code });
  for await (const page of listPages((start) => store.queries.listDeadLetters(only, { limit: PAGE, ...start }))) {
    if (wanted === undefined) checkReadable(page);
    for (const { id, event } of page.items) {
      if (wanted?.has(id) === false || (name !== undefined && name !== toEventName(event.message))) continue;
      yield { id, stackId: event.stackId, event };
    }
  }
}

async function* findParkedEvents({ store }: RouteDeps, { filter }: ChooseInput): AsyncGenerator<FoundItem> {
  const { ids, stackId, event: name, code } = filter;
  const wanted = ids && new Set(ids);
  const only = defined({ stackId, code });
  for await (const page of listPages((start) => listParked(store, only, { limit: PAGE, ...start }))) {
    if (wanted === undefined) checkReadable(page);
    for (const { parked } of page.items) {
      const { event } = parked;
      const id = toParkedId(event);
      if (wanted?.has(id) === false || (name !== undefined && name !== toEventName(event.message))) continue;
      yield { id, stackId: event.stackId, event };
    }
  }
}

/** An item that is left out would count as one that the filter does not match. */
function checkReadable({ unreadable: [row] = [] }: Page<unknown>): void {
  if (row === undefined) return;
  const message = `"${row.id}" cannot be read, so it is not known whether the filter matches it: ${row.reason} Name the items by "ids".`;
  throw new StackyardError("STORE_CORRUPT", message, { details: { id: row.id } });
}

function tooWide(): StackyardError {
  const message = `The filter matches more than ${MOST_BULK_ITEMS} items. Narrow it down, such as by machine, state or idPrefix.`;
  return new StackyardError("FILTER_TOO_WIDE", message, { details: { most: MOST_BULK_ITEMS } });
}

interface PlanDeps extends RouteDeps {
  readonly now: number;
  readonly signal: AbortSignal;
}

/** A replay may read thousands of lines of each stack. */
const MOST_UPGRADES = 200;
const AT_ONCE = 50;

interface PlannedItem extends ManyPlanned {
  readonly outcome: BulkOutcome;
  readonly reason?: string | undefined;
  /** The events that follow at once. */
  readonly events?: InputPlan["events"];
}

/** The plan of a bulk, with the digest of each stack's plan. */
interface PlannedBulk {
  readonly plan: BulkPlan;
  readonly digests: ReadonlyMap<string, string>;
}

/** Returns what a bulk would do to these items now. */
export async function planBulk(deps: PlanDeps, input: ChooseInput, ids: readonly string[]): Promise<PlannedBulk> {
  const { operation, message, draft } = input;
  const examined = operation === "upgrade" ? ids.slice(0, MOST_UPGRADES) : ids;
  const groups = new Map<
    string,
    { first: PlannedItem; follows: readonly string[]; count: number; examples: string[] }
  >();
  const plans = new Map<string, ManyPlanned>(ids.map((id) => [id, { id, outcome: "not examined" }]));
  for await (const item of planItems(deps, input, examined)) {
    if (deps.signal.aborted)
      throw new StackyardError("TIMED_OUT", "The dry run took too long. Narrow the filter down.");
    plans.set(item.id, item);
    const follows = (item.events ?? []).map(formatPlannedEvent);
    const key = [item.outcome, item.code, ...follows].join("\n");
    const group = groups.get(key) ?? { first: item, follows, count: 0, examples: [] };
    groups.set(key, group);
    group.count += 1;
    if (group.examples.length < EXAMPLES) group.examples.push(item.id);
  }
  const outcomes = [...groups.values()]
    .sort((a, b) => b.count - a.count)
    .map(({ first: { outcome, code, reason }, follows, count, examples }) => {
      return { outcome, ...defined({ code }), count, ...defined({ reason }), follows, examples };
    });
  const digest = digestOfPlans([operation, { ...message, reason: undefined }, draft?.hash], [...plans.values()]);
  const plan = { operation, total: ids.length, ids: [...ids], examined: examined.length, outcomes, digest };
  return { plan, digests: new Map([...plans.values()].flatMap(({ id, digest: own }) => (own ? [[id, own]] : []))) };
}

/** The refusal of a bulk whose plan has changed. */
export function stalePlan(): StackyardError {
  return new StackyardError(
    "PLAN_STALE",
    "The items, or what would be done to them, have changed. Make another dry run.",
  );
}

async function* planItems(deps: PlanDeps, input: ChooseInput, ids: readonly string[]): AsyncGenerator<PlannedItem> {
  if (isOnEvents(input.operation)) {
    const outcome = toEventOutcome(input.operation);
    for (const id of ids) yield { id, outcome };
    return;
  }
  for (const part of chunk(ids, AT_ONCE)) {
    if (input.operation === "upgrade") for (const id of part) yield await planUpgrade(deps, input, id);
    else yield* planEvents(deps, input, part);
  }
}

const PINNED = "It keeps its revision until it is upgraded.";

async function planUpgrade({ planner }: PlanDeps, { message, draft }: ChooseInput, id: string): Promise<PlannedItem> {
  const to = typeof message["to"] === "string" ? message["to"] : undefined;
  const plan = await planner.planUpgrade({ stackId: id, to, draft });
  if (plan === undefined) return { id, outcome: "refused", code: "STACK_UNKNOWN" };
  const { outcome, code, reason, events, digest, isFollowing } = plan;
  if (draft !== undefined && isFollowing !== true) return { id, outcome: "ignored", reason: PINNED };
  return { id, outcome, code, reason, events, digest };
}

async function* planEvents(deps: PlanDeps, input: ChooseInput, ids: readonly string[]): AsyncGenerator<PlannedItem> {
  const loaded = await loadReadable(deps.store, ids);
  for (const id of ids) {
    const stack = loaded.get(id);
    if (stack === undefined)
      yield { id, outcome: "refused", code: "STORE_CORRUPT", reason: `The stack "${id}" cannot be read.` };
    if (stack === undefined) continue;
    const event = toEvent(input, id, deps.now);
    const { change, follows: events, digest } = await deps.planner.preview(stack, event);
    const { outcome = "ignored", code, reason } = findOwnLine(change, event.id) ?? {};
    yield { id, outcome, code, reason, events, digest };
  }
}

function toEvent({ operation, message, caller }: ChooseInput, stackId: string, now: number): QueuedEvent {
  const id = toBulkEventId("dry-run", { n: 1 });
  const sender: Sender = caller.sender;
  const body = { ...message, id, stackId };
  const own = operation === "send" ? undefined : (true as const);
  return {
    id,
    stackId,
    origin: "external",
    receivedAt: now,
    message: body,
    actor: sender.name,
    ...defined({ sender, own }),
  };
}
