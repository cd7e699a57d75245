import { type AccessConfig, findGrants, toRights } from "../../access/access-config.ts";
import { decideAccess, type Rights } from "../../access/decide-access.ts";
import { decideEvent } from "../../access/decide-event.ts";
import type { Sender } from "../../access/sender.ts";
import { isStackyardError, StackyardError } from "../../errors/stackyard-error.ts";
import { listPages } from "../../list-pages.ts";
import { keepStart } from "../../machine/cut-text.ts";
import { listAskers } from "../../machine/decide/metadata-senders.ts";
import { prepareTask } from "../../machine/decide/prepare-task.ts";
import { isSystemEvent, parseEventMessage } from "../../machine/event-message.ts";
import type { ExecutorRegistry } from "../../machine/executor-definition.ts";
import { defined } from "../../machine/json.ts";
import { MAX_NAME } from "../../machine/limits.ts";
import type { Machine } from "../../machine/machine.ts";
import type { Stack } from "../../machine/stack.ts";
import type { Clock, Ids } from "../../ports/clock.ts";
import type { Locator } from "../../ports/locator.ts";
import type { Change, LoadedStack, QueuedEvent } from "../../ports/stack-store.ts";
import type { Store, StoredStack } from "../../ports/store.ts";
import type { EngineOptions } from "../engine.ts";
import { createFits } from "../plans/create-fits.ts";
import { type Foreseen, foreseeTasks } from "../plans/foresee-tasks.ts";
import { createPlanner, type Planner } from "../plans/planner.ts";
import { findChanges } from "./find-changes.ts";
import { findMoves } from "./find-moves.ts";
import { type ReleaseTask as Own, toEventId } from "./release-event-id.ts";
import {
  type ReleaseEvent,
  type ReleaseOutcome,
  type SeenStack,
  type SelectInput,
  type Selection,
  type SentRelease,
  type StackPosition,
  toStackPosition,
  type YardService,
} from "./yard-service.ts";

/** Dependencies of the service. */
export interface YardServiceDeps {
  readonly store: Pick<Store, "load" | "loadParked" | "queries" | "records" | "revisions" | "enqueue">;
  readonly locator: Locator;
  readonly executors: ExecutorRegistry;
  readonly clock: Clock;
  readonly ids: Ids;
  /** As the yard's. */
  readonly engine?: EngineOptions | undefined;
  /** The grants of the yard. Undefined: it has none, and only `allow` of the machines restricts releases. */
  readonly access?: AccessConfig | undefined;
}

interface Deps extends YardServiceDeps {
  readonly planner: Planner;
}

/** Creates what the service of a yard does for its tasks. */
export function createYardCalls(given: YardServiceDeps): (own: Own) => Omit<YardService, "toEventId"> {
  const deps: Deps = { ...given, planner: createPlanner(given) };
  return (own) => {
    let known: Stack | undefined;
    const findRelease = async () => {
      known = await findOwn(deps, own);
      return known;
    };
    // Who may read, and what a preview needs, depends on what never changes: the id and machine of the release, when it
    // was created, and who has requested it. A plan asks hundreds of times.
    const recallRelease = async () => known ?? findRelease();
    return {
      ...createKeepFitting(deps),
      load: async (stackIds) => load(deps, await recallRelease(), stackIds),
      select: async (input) => select(deps, await recallRelease(), input),
      findPositions: (stackIds) => findPositions(deps, stackIds),
      findChanges: (mark) => findChanges(deps.store, mark),
      findMoves: (stack, since) => findMoves(deps.store, stack, since),
      send: async (events) => send(deps, { own, release: await findRelease() }, events),
      findOutcome: (event) => findOutcome(deps, own, event),
      own: findRelease,
      foresee: (stack) => foresee(deps, stack),
      preview: async (loaded, event) => preview(deps, { own, release: await recallRelease() }, { loaded, event }),
      config: (task) => findConfig(deps, own, task),
    };
  };
}

/** Returns the release itself. Throws `STACK_UNKNOWN`: it was removed while its task runs. */
async function findOwn({ store }: Deps, { stackId, incarnation }: Own): Promise<Stack> {
  const [loaded] = await store.load([stackId]);
  if (loaded?.stack?.incarnation === incarnation) return loaded.stack;
  throw new StackyardError("STACK_UNKNOWN", `The stack "${stackId}" of this task was removed.`);
}

/** Returns the rights of a machine, or undefined if the yard has no grants. */
function toMachineRights({ access }: Deps, machine: string): Rights | undefined {
  const { grants } = access ?? {};
  return grants === undefined ? undefined : toRights(findGrants(grants, { kind: "machine", name: machine }), grants);
}

function mayRead(rights: Rights | undefined, { id, machine }: Pick<Stack, "id" | "machine">): boolean {
  if (rights === undefined) return true;
  return decideAccess(rights, "read", { kind: "stack", stackId: id, machine }) === "allowed";
}

async function load(deps: Deps, release: Stack, stackIds: readonly string[]): Promise<readonly SeenStack[]> {
  const rights = toMachineRights(deps, release.machine);
  const loaded = await deps.store.load(stackIds);
  return loaded.map((each) => {
    const isShown = each.stack === undefined || mayRead(rights, each.stack);
    return isShown ? each : { stackId: each.stackId, version: 0, parked: [], hidden: true };
  });
}

const PAGE = 500;

async function select(deps: Deps, release: Stack, { machine, where, limit }: SelectInput): Promise<Selection> {
  const rights = toMachineRights(deps, release.machine);
  const fits = createFits(deps, where);
  const selected: StoredStack[] = [];
  let unseen = 0;
  const pages = listPages((start) => deps.store.queries.listStacks({ machine }, { limit: PAGE, sort: "id", ...start }));
  for await (const { items, unreadable = [] } of pages) {
    if (unreadable.some(({ id }) => mayRead(rights, { id, machine }))) throw unreadableStack(machine);
    for (const item of items.filter(({ stack }) => mayRead(rights, stack))) {
      if (await fits(item.stack)) selected.push(item);
    }
    unseen += await countFitting(
      items.filter(({ stack }) => !mayRead(rights, stack)),
      fits,
    );
    if (selected.length <= limit) continue;
    throw new StackyardError("FILTER_TOO_WIDE", `More than ${limit} stacks of "${machine}" fit. Narrow "where".`);
  }
  return { stacks: selected, unseen };
}

/** Counts stacks that fit, and those of which it is not known: why does not matter where the machine may not read them. */
async function countFitting(items: readonly StoredStack[], fits: ReturnType<typeof createFits>): Promise<number> {
  let count = 0;
  for (const { stack } of items) {
    const isFitting = await fits(stack).catch((error: unknown) => {
      if (isStackyardError(error, "USAGE")) return true;
      throw error;
    });
    if (isFitting) count += 1;
  }
  return count;
}

/** A stack that may fit and is left out would count as sent to. The release's readers may not read it, so it has no name here. */
function unreadableStack(machine: string): StackyardError {
  return new StackyardError(
    "STORE_CORRUPT",
    `A stack of "${machine}" cannot be read, so it is not known whether it fits. The list of stacks says which, and why.`,
  );
}

async function findPositions({ store }: Deps, stackIds: readonly string[]): Promise<readonly StackPosition[]> {
  const loaded = await store.load(stackIds);
  return loaded.flatMap(({ stack }) => (stack === undefined ? [] : [toStackPosition(stack)]));
}

/** An expression is compiled once, however often it is evaluated. */
function createKeepFitting(deps: Deps): Pick<YardService, "keepFitting"> {
  const known = new Map<string, ReturnType<typeof createFits>>();
  return {
    async keepFitting(where, stacks) {
      const fits = known.get(where) ?? createFits(deps, where);
      known.set(where, fits);
      const kept: Stack[] = [];
      for (const stack of stacks) if (await fits(stack)) kept.push(stack);
      return kept;
    },
  };
}

async function send(
  deps: Deps,
  { own, release }: Sending,
  events: readonly ReleaseEvent[],
): Promise<readonly SentRelease[]> {
  const rights = toMachineRights(deps, release.machine);
  const loaded = await deps.store.load(events.map(({ stackId }) => stackId));
  const checked = events.map((event, index): QueuedEvent | Refused => {
    const queued = toQueued(deps, { own, release }, event);
    const machine = loaded[index]?.stack?.machine ?? event.machine;
    return findRefusal(event, { queued, machine, rights }) ?? queued;
  });
  const queued = checked.flatMap((each) => (isRefused(each) ? [] : [each]));
  if (queued.length > 0) await deps.store.enqueue(queued);
  return checked.map((each) => (isRefused(each) ? each : { kind: "sent", eventId: each.id }));
}

type Refused = Extract<SentRelease, { kind: "refused" }>;

function isRefused(each: QueuedEvent | Refused): each is Refused {
  return "kind" in each;
}

interface Checked {
  readonly queued: QueuedEvent;
  /** The machine of the stack; of one that does not exist, the machine that the event names. */
  readonly machine: string | undefined;
  readonly rights: Rights | undefined;
}

function findRefusal(
  { event: name, stackId }: ReleaseEvent,
  { queued, machine, rights }: Checked,
): Refused | undefined {
  if (isSystemEvent(name)) return refused("EVENT_RESERVED", `A release cannot send "${name}".`);
  const parsed = parseEventMessage(queued.message, { messageId: queued.id, at: queued.receivedAt, origin: "stack" });
  if (parsed.kind === "invalid") return refused(parsed.code, parsed.reason);
  const decision = decideEvent({ name, stackId, machine }, rights);
  if (decision.kind === "allowed") return undefined;
  if (decision.kind !== "denied") return refused("FORBIDDEN", decision.reason);
  const who = `The machine "${queued.sender?.machine}"`;
  const advice = `Add a grant to: { machine: ${queued.sender?.machine} } with a role that has "${decision.permission}".`;
  return refused("FORBIDDEN", `${who} may not send "${name}" to "${stackId}". ${advice}`);
}

function refused(code: string, reason: string): Refused {
  return { kind: "refused", code, reason };
}

interface Sending {
  readonly own: Own;
  readonly release: Stack;
}

function toQueued({ clock }: Deps, { own, release }: Sending, event: ReleaseEvent): QueuedEvent {
  const { stackId, event: name, machine, metadata, expect, expiresAt, onlyNotes, restores } = event;
  const sender = toSender(release);
  const { createdAt, incarnation } = release;
  return {
    id: toEventId(own, event),
    stackId,
    origin: "stack",
    receivedAt: clock.now(),
    message: { stackId, event: name, metadata, ...defined({ machine }) },
    actor: keepStart(sender.name, MAX_NAME),
    sender,
    release: { task: own.task, createdAt, incarnation, expect, expiresAt, ...defined({ onlyNotes, restores }) },
  };
}

/** The owner is the person who has requested the release. Of a token or another release it is the one behind that. */
function toSender(release: Stack): Sender {
  const { id, machine, askedBy } = release;
  const isOwned = askedBy !== undefined && NEEDS_OWNER.has(askedBy.kind);
  const owner = askedBy?.owner ?? (isOwned ? undefined : askedBy?.id);
  return { kind: "stack", id, name: id, machine, groups: [], ...defined({ owner }), askers: listAskers(release) };
}

const NEEDS_OWNER: ReadonlySet<string> = new Set(["token", "stack", "anonymous"]);

/** A later stack with the id of the release sends other events. */
const LINES = 16;

async function findOutcome(
  { store }: Deps,
  own: Own,
  event: Pick<ReleaseEvent, "stackId" | "try">,
): Promise<ReleaseOutcome | undefined> {
  const filter = { stackId: event.stackId, eventId: toEventId(own, event), newestFirst: true };
  const { items } = await store.queries.listHistory(filter, { limit: LINES });
  const lines = items.filter(({ release }) => release?.id === own.stackId);
  // A second delivery may be refused after the first was applied.
  const line = lines.find(({ outcome }) => outcome === "applied" || outcome === "removed") ?? lines[0];
  if (line === undefined) return undefined;
  const { outcome, code, reason, at } = line;
  return { outcome, at, ...defined({ code, reason }) };
}

interface Previewed {
  readonly loaded: LoadedStack;
  readonly event: Omit<ReleaseEvent, "expect" | "expiresAt">;
}

async function preview(deps: Deps, sending: Sending, { loaded, event }: Previewed): Promise<Change> {
  // Time passes until it is decided.
  const limits = { expect: loaded.version, expiresAt: Number.MAX_SAFE_INTEGER };
  const { change, stack } = await deps.planner.preview(loaded, toQueued(deps, sending, { ...event, ...limits }));
  if (change.write.kind === "keep") return change;
  // With what follows at once, such as a timer whose instant has passed.
  return { ...change, write: stack === undefined ? { kind: "remove" } : { kind: "put", stack } };
}

async function foresee(deps: Deps, stack: Stack): Promise<Foreseen> {
  const machine = (await deps.planner.findRevision(stack.machineHash)) ?? (await findNewest(deps, stack));
  if (machine === undefined) return { tasks: [], end: stack.state, isWhole: false, reads: "" };
  return foreseeTasks(machine, stack, deps.clock.now());
}

/** A revision is stored with the first stack that is decided on it. */
async function findNewest({ locator }: Deps, { machine: name, machineHash }: Stack): Promise<Machine | undefined> {
  const located = await locator.find(name);
  return located.kind === "found" && located.machine.hash === machineHash ? located.machine : undefined;
}

async function findConfig(deps: Deps, own: Own, name: string): Promise<unknown> {
  const stack = await findOwn(deps, own);
  const machine = await deps.planner.findRevision(stack.machineHash);
  const task = machine?.tasks.get(name);
  if (machine === undefined || task === undefined) {
    const message = `The machine "${stack.machine}" has no task "${name}".`;
    throw new StackyardError("CONFIG_INVALID", message, { details: { unknownTask: name } });
  }
  const prepared = prepareTask({ machine, stack, at: deps.clock.now() }, task);
  if (prepared.kind === "prepared") return prepared.definition["config"];
  throw new StackyardError("CONFIG_INVALID", `The config of the task "${name}" is not usable: ${prepared.message}`);
}
