import { chooseMachine } from "../../aggregate/choose-machine.ts";
import { findOwnLine, type InputPlan, type PlannedEvent } from "../../aggregate/plan-inputs.ts";
import { MOST_TIMERS, type ReplayedEvent, replayIncarnation } from "../../aggregate/replay-incarnation.ts";
import type { StackInput } from "../../aggregate/stack-input.ts";
import { createSensitiveNow, type IsSensitive, type SensitiveNow } from "../../inspect/sensitive-now.ts";
import {
  findStackAt,
  isPassedOver,
  relaxSecrets,
  type StackAt,
  toBefore,
  toIncarnationEvent,
  toReplayEvent,
} from "../../inspect/stack-at.ts";
import { listPages } from "../../list-pages.ts";
import { isAhead } from "../../machine/decide/correct-instants.ts";
import { moveStack } from "../../machine/decide/move-stack.ts";
import { describePast } from "../../machine/decide/timers.ts";
import type { DecideLimits } from "../../machine/decide/work.ts";
import { type StackEvent, SYSTEM_EVENTS } from "../../machine/event-message.ts";
import type { ExecutorRegistry } from "../../machine/executor-definition.ts";
import { defined } from "../../machine/json.ts";
import type { Machine } from "../../machine/machine.ts";
import { MASK, maskMetadata, toShownMetadata, withOtherSecrets } from "../../machine/secrets.ts";
import type { Stack, StackTimer, TaskState } from "../../machine/stack.ts";
import type { Clock, Ids } from "../../ports/clock.ts";
import type { Locator } from "../../ports/locator.ts";
import type { LoadedStack, QueuedEvent, StoredHistoryEntry } from "../../ports/stack-store.ts";
import type { Store } from "../../ports/store.ts";
import { type EngineOptions, toApplyOptions } from "../engine.ts";
import { createMachineFinder, type MachineFinder } from "../machines/machine-finder.ts";
import { createCompileRevision } from "../machines/revision-cache.ts";
import { createTurnMachines, planLoaded, type TurnMachines } from "../machines/turn-machines.ts";

/** Dependencies of a planner: the same as the engine's. */
interface PlannerDeps {
  readonly store: Pick<Store, "load" | "loadParked" | "queries" | "records" | "revisions">;
  readonly locator: Locator;
  readonly executors: ExecutorRegistry;
  readonly clock: Clock;
  readonly ids: Ids;
  /** The engine's. Default: its defaults. */
  readonly engine?: EngineOptions | undefined;
}

/** Computes the effects of the engine without applying them. Caches compiled revisions. */
export interface Planner {
  /**
   * Returns what an event would do now to a stack with its parked events, or to one that does not exist yet, with all
   * that follows from it at that instant. Sensitive values of the stack are neither compared nor in the change.
   */
  preview(loaded: LoadedStack, event: QueuedEvent): Promise<InputPlan>;
  /**
   * Returns whether an upgrade would be accepted, and how the history of the stack would differ with the new revision.
   * `to`: a stored revision or the newest. Default: the newest. `draft`: a revision that is not stored. Returns
   * undefined for an unknown stack.
   */
  planUpgrade(input: PlanInput): Promise<UpgradePlan | undefined>;
  /**
   * Returns a stack as it was after the last line of its history up to a position, by replay. Returns undefined when
   * there is no line up to that position.
   */
  findStackAt(input: { readonly stackId: string; readonly position: number }): Promise<StackAt | undefined>;
  /** Returns the machine of a stored revision; undefined when it is not stored or fails to compile now. */
  findRevision(hash: string): Promise<Machine | undefined>;
}

/** Creates a planner that finds machines like the engine. */
export function createPlanner({ store, locator, executors, clock, ids, engine }: PlannerDeps): Planner {
  const apply = toApplyOptions({ ids }, engine);
  const { limits } = apply;
  const compile = createCompileRevision(executors);
  const sensitive = createSensitiveNow({ store, locator });
  const finder = createMachineFinder({ locator, clock, revisions: store.revisions, compile });
  async function planInput(known: LoadedStack, input: StackInput, machines: TurnMachines): Promise<InputPlan> {
    const { stack } = known;
    // Who may preview may try guesses, as often as he likes and without a trace.
    const next = () => globalThis.crypto.randomUUID();
    const loaded = stack === undefined ? known : { ...known, stack: withOtherSecrets(stack, next) };
    return planLoaded(store, loaded, [input], {
      ...apply,
      now: clock.now(),
      machines,
      maxDeliveries: Number.POSITIVE_INFINITY,
      knownIds: new Set(),
    });
  }

  return {
    preview: (loaded, event) => planInput(loaded, toDelivery(event), createTurnMachines(finder)),
    planUpgrade: (input) => planUpgrade({ store, clock, finder, planInput, limits, sensitive }, input),
    findStackAt: (input) => findStackAt({ store, limits, findRevision: (hash) => finder.findRevision(hash) }, input),
    findRevision: (hash) => finder.findRevision(hash),
  };
}

/** An event in the history of a stack with another result on another revision. */
interface ReplayDifference {
  readonly eventId: string;
  readonly event: string;
  readonly at: number;
  /** The position in the history; missing for a timer that only the other revision has. */
  readonly position?: number;
  readonly before?: ReplayedEvent;
  readonly after: ReplayedEvent;
}

/** Which stack would be moved where. */
interface PlanInput {
  readonly stackId: string;
  readonly to?: string | undefined;
  /** Takes precedence over `to`. */
  readonly draft?: Machine | undefined;
}

/** Dependencies of a plan. */
interface PlanDeps {
  readonly store: Pick<Store, "load" | "queries">;
  readonly finder: Pick<MachineFinder, "find" | "findNow" | "findRevision">;
  readonly clock: Clock;
  readonly planInput: (loaded: LoadedStack, input: StackInput, machines: TurnMachines) => Promise<InputPlan>;
  readonly limits: DecideLimits;
  readonly sensitive: SensitiveNow;
}

/** The effects of moving a stack to another revision. */
export interface UpgradePlan {
  readonly stackId: string;
  readonly machine: string;
  /** Content hashes. */
  readonly from: string;
  /** Missing if the revision is unknown. */
  readonly to?: string;
  /** With a draft: the stack takes it without an upgrade, as it follows its machine. */
  readonly isFollowing?: true;
  /** True if the upgrade would be accepted in the current state of the stack. */
  readonly outcome: "applied" | "refused";
  readonly code?: string;
  readonly reason?: string;
  /** The effects of the upgrade itself: timers that stop or start, and whether the next event removes the stack. */
  readonly notes: readonly string[];
  /** The steps that follow from it at once: timers whose instant has passed, and parked events that the revision handles. */
  readonly events: readonly PlannedEvent[];
  /** The digest of all that is done: an upgrade with it does that, or is refused. Missing for one that would be refused. */
  readonly digest?: string;
  /** Lines of the history that were replayed. */
  readonly replayed: number;
  /** Why the replay is incomplete; missing if it is complete. */
  readonly incomplete?: string;
  /** The first 100 differences of the history. */
  readonly differences: readonly ReplayDifference[];
  /** The count of further differences. */
  readonly more: number;
  /** The differences of the stack after the upgrade. */
  readonly end: readonly EndDifference[];
}

/** Longer histories are replayed as far as this. */
const MOST_LINES = 10_000;
const PAGE = 1_000;
const MOST_DIFFERENCES = 100;

/** Plans an upgrade; see `Planner`. */
async function planUpgrade(deps: PlanDeps, { stackId, to, draft }: PlanInput): Promise<UpgradePlan | undefined> {
  const [loaded] = await deps.store.load([stackId]);
  const stack = loaded?.stack;
  if (loaded === undefined || stack === undefined) return undefined;
  const event = toUpgradeEvent(stack, to, deps.clock.now());
  const found =
    draft === undefined
      ? await deps.finder.find({ name: stack.machine, stack, event })
      : ({ kind: "found", machine: draft } as const);
  const plan = { stackId, machine: stack.machine, from: stack.machineHash };
  const nothing = { notes: [], events: [], replayed: 0, differences: [], more: 0, end: [] };
  if (found.kind === "missing") return { ...plan, ...toRefusal(found), ...nothing };
  const { machine } = found;
  const own = await deps.finder.findRevision(stack.machineHash);
  const isFollowing = draft !== undefined && own?.revision === "follow";
  const move = isFollowing ? moveStack(machine, stack, event.at) : undefined;
  if (move?.kind === "held")
    return { ...plan, isFollowing: true, to: machine.hash, ...toRefusal(move.fault), ...nothing };
  const input = isFollowing ? ({ kind: "revised", stackId } as const) : toDelivery(toQueuedUpgrade(event));
  const planned = await deps.planInput(loaded, input, withRevision(deps.finder, { machine, own }));
  const first = isFollowing ? undefined : planned.events[0];
  const notes = findOwnLine(planned.change, event.id)?.notes ?? [];
  const past = describePast(own?.states.get(stack.state), machine.states.get(stack.state), stack);
  const answer = toAnswer(planned, first, [...notes, ...past]);
  const head = { ...plan, ...(isFollowing && { isFollowing }), to: machine.hash };
  return { ...head, ...answer, ...(await replay(deps, stack, machine)) };
}

/** Returns the effects of an upgrade, or why it would be refused. `own`: its event, unless the stack follows its machine. */
function toAnswer(
  { follows, digest }: InputPlan,
  own: PlannedEvent | undefined,
  notes: readonly string[],
): Pick<UpgradePlan, "outcome" | "code" | "reason" | "notes" | "events" | "digest"> {
  if (own === undefined || own.outcome === "applied") return { outcome: "applied", notes, events: follows, digest };
  return { ...toRefusal(own), notes: [], events: [] };
}

/** Looks up machines as if a revision were the newest one of its machine. */
function withRevision(
  finder: PlanDeps["finder"],
  { machine, own }: { readonly machine: Machine; readonly own: Machine | undefined },
): TurnMachines {
  const others = createTurnMachines(finder);
  return {
    ...others,
    find(wanted) {
      const { stack, event } = wanted;
      const isMoved = event.name === SYSTEM_EVENTS.upgradeStack || stack?.machineHash === machine.hash;
      if (isMoved) return { kind: "found", machine, notes: [] };
      // A stack that follows its machine takes the revision with its next event.
      if (own?.revision === "follow") return chooseMachine(own, { kind: "found", machine }, wanted);
      return others.find(wanted);
    },
  };
}

function toUpgradeEvent(stack: Stack, to: string | undefined, at: number): StackEvent {
  const name = SYSTEM_EVENTS.upgradeStack;
  const event = { id: "planned-upgrade", stackId: stack.id, name, at, origin: "external" } as const;
  return to === undefined ? event : { ...event, to };
}

function toQueuedUpgrade({ id, stackId, name, at, to }: StackEvent): QueuedEvent {
  const message = { event: name, stackId, ...defined({ to }) };
  return { id, stackId, origin: "external", own: true, receivedAt: at, message };
}

function toDelivery(event: QueuedEvent): StackInput {
  return { kind: "delivery", stackId: event.stackId, delivery: { event, deliveries: 1 } };
}

function toRefusal({ code, reason }: { readonly code?: string; readonly reason?: string }) {
  return { outcome: "refused", ...defined({ code, reason }) } as const;
}

async function replay(
  deps: PlanDeps,
  stack: Stack,
  machine: Machine,
): Promise<Pick<UpgradePlan, "replayed" | "incomplete" | "differences" | "more" | "end">> {
  const { lines, parked, incomplete } = await loadIncarnation(deps, stack);
  if (lines.length === 0) return { replayed: 0, ...(incomplete && { incomplete }), differences: [], more: 0, end: [] };
  const relaxed = relaxSecrets(machine, Object.keys(stack.secretVersions ?? {}));
  const until = incomplete === undefined ? deps.clock.now() : (lines.at(-1)?.at ?? 0);
  const compared = lines.filter((line) => !isPassedOver(line));
  const incarnation = compared.map(toIncarnationEvent);
  const replayed = replayIncarnation({
    machine: relaxed,
    incarnation,
    parked: parked.map(toReplayEvent),
    limits: deps.limits,
    until,
  });
  const differences = replayed.differences.map(({ event: { id, name, at }, place, after }): ReplayDifference => {
    const difference = { eventId: id, event: name, at, after };
    const line = place === undefined ? undefined : compared[place];
    return line === undefined ? difference : { ...difference, position: line.position, before: toBefore(line) };
  });
  const why = incomplete ?? (replayed.hasTooManyTimers ? TOO_MANY_TIMERS : undefined);
  return {
    replayed: lines.length,
    ...(why && { incomplete: why }),
    differences: differences.slice(0, MOST_DIFFERENCES),
    more: Math.max(0, differences.length - MOST_DIFFERENCES),
    end: why === undefined ? compareEnds(stack, replayed.stack, await deps.sensitive.keysOf([stack.id])) : [],
  };
}

const TOO_MANY_TIMERS = `More than ${MOST_TIMERS} timers that only the new revision has would have fired; the others were left out.`;

interface LoadedIncarnation {
  /** The lines from the creation of the stack on; empty if that line was pruned. */
  readonly lines: readonly StoredHistoryEntry[];
  /** The lines of events that were parked when the stack was created. */
  readonly parked: readonly StoredHistoryEntry[];
  readonly incomplete?: string;
}

async function loadIncarnation(deps: PlanDeps, stack: Stack): Promise<LoadedIncarnation> {
  const { lines, parked, isWhole } = await readLines(deps, stack);
  if (lines.length === 0) return { lines, parked, incomplete: explainPruned(stack) };
  if (isWhole) return { lines, parked };
  return { lines, parked, incomplete: `The history is longer than ${MOST_LINES} lines; only the first were replayed.` };
}

async function readLines({ store }: PlanDeps, stack: Stack) {
  const found: FoundLines = { lines: [], parked: new Map() };
  const { lines, parked } = found;
  const pages = listPages((start) => store.queries.listHistory({ stackId: stack.id }, { limit: PAGE, ...start }));
  for await (const page of pages) {
    for (const line of page.items) addLine(found, stack, line);
    if (hasLostBeginning(stack, lines, page.items) || lines.length > MOST_LINES) break;
  }
  return { lines: lines.slice(0, MOST_LINES), parked: [...parked.values()], isWhole: lines.length <= MOST_LINES };
}

interface FoundLines {
  readonly lines: StoredHistoryEntry[];
  readonly parked: Map<string, StoredHistoryEntry>;
}

/** Adds a line to the stack's, or keeps it when it parks an event before the stack is created. */
function addLine({ lines, parked }: FoundLines, stack: Stack, line: StoredHistoryEntry): void {
  const isBefore = lines.length === 0;
  if (isBefore && line.outcome === "parked") parked.set(line.eventId, line);
  else if (isBefore) parked.delete(line.eventId);
  if (!isBefore || isBeginning(stack, line)) lines.push(line);
}

/** Returns true when a line is later than the creation of the stack: lines are in order, so the creation was pruned. */
function hasLostBeginning(
  { createdAt }: Stack,
  found: readonly StoredHistoryEntry[],
  page: readonly StoredHistoryEntry[],
): boolean {
  return found.length === 0 && page.some(({ at }) => isAhead(at, createdAt));
}

function isBeginning({ incarnation }: Stack, { eventId, outcome }: StoredHistoryEntry): boolean {
  return eventId === incarnation && outcome === "applied";
}

function explainPruned({ createdAt }: Stack): string {
  const since = new Date(createdAt).toISOString();
  return `The history no longer contains the beginning of the stack (${since}), so it cannot be replayed.`;
}

/** One difference of the resulting stack. Sensitive values are compared by reference and printed as `***`. */
interface EndDifference {
  /**
   * `state`, `task <name>`, `metadata <key>`, `timer <event>` or `retry <task>`; of timers the instants when they are
   * due.
   */
  readonly what: string;
  /** Null: it is not there. */
  readonly before: string | number | boolean | null;
  readonly after: string | number | boolean | null;
}

/** Compares a stack with the result of the replay. */
export function compareEnds(
  present: Stack,
  replayed: Stack | undefined,
  isSensitive: IsSensitive = () => false,
): readonly EndDifference[] {
  // A key that is sensitive in one of them is so in both.
  const isHidden: IsSensitive = (key) => {
    return isSensitive(key) || [present, replayed].some((stack) => Object.hasOwn(stack?.secretVersions ?? {}, key));
  };
  const before = toFacts(present, isHidden);
  const after =
    replayed === undefined
      ? new Map<string, Fact>([["state", { value: null, compared: null }]])
      : toFacts(replayed, isHidden);
  const ends = [...new Set([...before.keys(), ...after.keys()])].flatMap((what) => {
    const [a, b] = [before.get(what), after.get(what)];
    if (JSON.stringify(a?.compared ?? null) === JSON.stringify(b?.compared ?? null)) return [];
    return [{ what, before: a?.value ?? null, after: b?.value ?? null }];
  });
  return [...ends, ...compareTimers(present, replayed)];
}

/** Lists timers that would be due at another time or not at all, and timers that only the replay has armed. */
function compareTimers(present: Stack, replayed: Stack | undefined): readonly EndDifference[] {
  const before = toTimers(present);
  const after = toTimers(replayed);
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((what) => {
    const [a, b] = [before.get(what), after.get(what)];
    if (a !== undefined && b !== undefined && isDueAlike(a, b)) return [];
    return [{ what, before: formatDue(a), after: formatDue(b) }];
  });
}

function toTimers(stack: Stack | undefined): Map<string, StackTimer> {
  const timers = new Map<string, StackTimer>();
  for (const timer of stack?.timers ?? []) {
    const name = timer.task === undefined ? `timer ${timer.event}` : `retry ${timer.task}`;
    // One state may have several timers with the same event.
    const count = [...timers.keys()].filter((known) => known === name || known.startsWith(`${name} #`)).length;
    timers.set(count === 0 ? name : `${name} #${count + 1}`, timer);
  }
  return timers;
}

/** Returns true if the present timer is within the range from which the engine draws its instant. */
function isDueAlike(present: StackTimer, { dueAt: latest, jitterMs = 0 }: StackTimer): boolean {
  return present.dueAt <= latest && present.dueAt >= latest - jitterMs;
}

function formatDue(timer: StackTimer | undefined): string | null {
  return timer === undefined ? null : new Date(timer.dueAt).toISOString();
}

interface Fact {
  readonly value: EndDifference["before"];
  readonly compared: unknown;
}

function toFacts(stack: Stack, isHidden: IsSensitive): Map<string, Fact> {
  const shown = toShownMetadata(stack);
  const printed = maskMetadata(shown);
  const facts = new Map<string, Fact>([["state", { value: stack.state, compared: stack.state }]]);
  for (const task of stack.tasks)
    facts.set(`task ${task.name}`, { value: formatTask(task), compared: formatTask(task) });
  for (const [key, compared] of Object.entries(shown))
    facts.set(`metadata ${key}`, {
      value: isHidden(key) && compared !== null ? MASK : (printed[key] ?? null),
      compared,
    });
  return facts;
}

/** Omits whether the attempt is queued or running, which does not depend on the revision. */
function formatTask({ status, detail }: TaskState): string {
  return detail === undefined || detail === "RUNNING" || detail === "QUEUED" ? status : `${status} ${detail}`;
}
