import {
  type IncarnationEvent,
  MOST_TIMERS,
  type ReplayedEvent,
  replayIncarnation,
} from "../aggregate/replay-incarnation.ts";
import { DEFAULT_PARKING } from "../aggregate/round.ts";
import { listPages } from "../list-pages.ts";
import { decide } from "../machine/decide/decide.ts";
import { DEFAULT_LIMITS } from "../machine/decide/work.ts";
import { APPROVAL_EVENTS, type StackEvent, SYSTEM_EVENTS } from "../machine/event-message.ts";
import type { ExecutorRegistry } from "../machine/executor-definition.ts";
import { defined, isMap } from "../machine/json.ts";
import type { Machine, MetadataRule } from "../machine/machine.ts";
import { MASK, maskMetadata, toShownMetadata } from "../machine/secrets.ts";
import type { Stack, StackTimer, TaskState } from "../machine/stack.ts";
import type { Clock, Ids } from "../ports/clock.ts";
import type { Locator } from "../ports/locator.ts";
import type { Change, HistoryEntry, LoadedStack, QueuedEvent, StoredHistoryEntry } from "../ports/stack-store.ts";
import type { Store } from "../ports/store.ts";
import { systemRandom } from "./built-in-ports.ts";
import { createCompileRevision, createMachineFinder, type MachineFinder } from "./machine-finder.ts";
import { applyWithMachines, createTurnMachines } from "./process-inputs.ts";

/** What a planner needs: the same as the engine. */
interface PlannerDeps {
  readonly store: Pick<Store, "load" | "queries" | "revisions">;
  readonly locator: Locator;
  readonly executors: ExecutorRegistry;
  readonly clock: Clock;
  readonly ids: Ids;
  /** As the engine's. Default: false. */
  readonly allowExternalNext?: boolean;
}

/** Computes what the engine would do, and changes nothing. Caches compiled revisions. */
export interface Planner {
  /** Returns the change that an event would make now to a stack with its parked events, or to one that does not exist yet. */
  preview(loaded: LoadedStack, event: QueuedEvent): Promise<Change>;
  /**
   * Returns whether an upgrade would be accepted, and how the history of the stack would differ with the new revision. `to`: a
   * stored revision or the newest. Default: the newest. Returns undefined for an unknown stack.
   */
  planUpgrade(input: { readonly stackId: string; readonly to?: string | undefined }): Promise<UpgradePlan | undefined>;
  /** The machine of a kept revision; undefined when it is not kept or no longer compiles. */
  findRevision(hash: string): Promise<Machine | undefined>;
}

/** Creates a planner that finds machines like the engine. */
export function createPlanner({
  store,
  locator,
  executors,
  clock,
  ids,
  allowExternalNext = false,
}: PlannerDeps): Planner {
  const compile = createCompileRevision(executors);
  const finder = createMachineFinder({ locator, clock, revisions: store.revisions, compile });
  return {
    async preview(loaded, event) {
      const { stackId } = event;
      const input = { kind: "delivery", stackId, delivery: { event, deliveries: 1 } } as const;
      const { change } = await applyWithMachines(loaded, [input], {
        ids,
        now: clock.now(),
        random: systemRandom,
        machines: createTurnMachines(finder),
        limits: DEFAULT_LIMITS,
        parking: DEFAULT_PARKING,
        refusedEvents: "park",
        allowExternalNext,
        everyRunnerClaims: true,
        maxDeliveries: Number.POSITIVE_INFINITY,
        knownIds: new Set(),
      });
      return change;
    },
    planUpgrade: (input) => planUpgrade({ store, clock, finder }, input),
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

/** What a plan works with. */
interface PlanDeps {
  readonly store: Pick<Store, "load" | "queries">;
  readonly finder: Pick<MachineFinder, "find">;
  readonly clock: Clock;
}

/** What moving a stack to another revision would do. */
export interface UpgradePlan {
  readonly stackId: string;
  readonly machine: string;
  /** Content hashes. */
  readonly from: string;
  /** Missing if the revision is unknown. */
  readonly to?: string;
  /** Whether the upgrade would be accepted in the current state of the stack. */
  readonly outcome: "applied" | "refused";
  readonly code?: string;
  readonly reason?: string;
  /** Lines of the history that were replayed. */
  readonly replayed: number;
  /** Why the replay is incomplete; missing if it is complete. */
  readonly incomplete?: string;
  /** The first 100 places where the history would have been another. */
  readonly differences: readonly ReplayDifference[];
  /** How many more there are. */
  readonly more: number;
  /** How the stack would stand otherwise than it does. */
  readonly end: readonly EndDifference[];
}

/** Longer histories are replayed as far as this. */
const MOST_LINES = 10_000;
const PAGE = 1_000;
const MOST_DIFFERENCES = 100;
/** Processes that write one history may differ in what time it is. */
const CLOCKS_DIFFER_MS = 60_000;

/** See `Planner`. */
async function planUpgrade(
  deps: PlanDeps,
  { stackId, to }: { readonly stackId: string; readonly to?: string | undefined },
): Promise<UpgradePlan | undefined> {
  const [loaded] = await deps.store.load([stackId]);
  const stack = loaded?.stack;
  if (stack === undefined) return undefined;
  const event = toUpgradeEvent(stack, to, deps.clock.now());
  const found = await deps.finder.find({ name: stack.machine, stack, event });
  const plan = { stackId, machine: stack.machine, from: stack.machineHash };
  const nothing = { replayed: 0, differences: [], more: 0, end: [] };
  if (found.kind === "missing") return { ...plan, ...toRefusal(found), ...nothing };
  const { machine } = found;
  const decision = decide(machine, stack, event);
  const refusal = decision.kind === "applied" ? ({ outcome: "applied" } as const) : toRefusal(decision);
  return { ...plan, to: machine.hash, ...refusal, ...(await replay(deps, stack, machine)) };
}

function toUpgradeEvent(stack: Stack, to: string | undefined, at: number): StackEvent {
  const name = SYSTEM_EVENTS.upgradeStack;
  const event = { id: "planned-upgrade", stackId: stack.id, name, at, origin: "external" } as const;
  return to === undefined ? event : { ...event, to };
}

function toRefusal({ code, reason }: { readonly code: string; readonly reason: string }) {
  return { outcome: "refused", code, reason } as const;
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
  const incarnation = compared.map((line): IncarnationEvent => ({ event: toReplayEvent(line), did: toBefore(line) }));
  const replayed = replayIncarnation({
    machine: relaxed,
    incarnation,
    parked: parked.map(toReplayEvent),
    limits: DEFAULT_LIMITS,
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
    end: why === undefined ? compareEnds(stack, replayed.stack) : [],
  };
}

const TOO_MANY_TIMERS = `More than ${MOST_TIMERS} timers that only the new revision has would have fired; the others were left out.`;

/** Returns true for lines about the machine instead of the stack, and for lines whose event is not complete in the history. */
function isPassedOver({ event, code = "", outcome, metadata }: StoredHistoryEntry): boolean {
  if (event === SYSTEM_EVENTS.upgradeStack) return true;
  if (outcome === "applied" || outcome === "removed") return false;
  return UNJUDGED.has(code) || (code === "METADATA_INVALID" && JSON.stringify(metadata ?? null).includes('"***"'));
}

const UNJUDGED: ReadonlySet<string> = new Set([
  ...["DUPLICATE", "STACK_UNKNOWN", "MACHINE_MISMATCH", "MACHINE_UNKNOWN", "MACHINE_INVALID", "STATE_UNKNOWN"],
  ...["EVENT_INVALID", "EVENT_RESERVED", "INTERNAL"],
  // The history does not know the groups of a sender.
  ...["NOT_ALLOWED", "APPROVAL_REPEATED", "COMMENT_REQUIRED"],
]);

function toBefore({ outcome, code, to, sent }: StoredHistoryEntry): ReplayedEvent {
  if (outcome === "removed") return { outcome, state: null, sent };
  if (outcome === "applied") return { outcome, state: to ?? null, sent };
  const told = outcome === "ignored" ? outcome : "refused";
  return { outcome: told, ...(code !== undefined && { code }), state: to ?? null, sent };
}

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
  return found.length === 0 && page.some(({ at }) => at > createdAt + CLOCKS_DIFFER_MS);
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
  /** `state`, `task <name>`, `metadata <key>`, `timer <event>` or `retry <task>`; of timers the instants when they are due. */
  readonly what: string;
  /** Null: it is not there. */
  readonly before: string | number | boolean | null;
  readonly after: string | number | boolean | null;
}

/** Compares a stack with the result of the replay. */
export function compareEnds(present: Stack, replayed: Stack | undefined): readonly EndDifference[] {
  const before = toFacts(present);
  const after =
    replayed === undefined ? new Map<string, Fact>([["state", { value: null, compared: null }]]) : toFacts(replayed);
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
  const dueAt = present.postponedFrom ?? present.dueAt;
  return dueAt <= latest && dueAt >= latest - jitterMs;
}

function formatDue(timer: StackTimer | undefined): string | null {
  return timer === undefined ? null : new Date(timer.postponedFrom ?? timer.dueAt).toISOString();
}

interface Fact {
  readonly value: EndDifference["before"];
  readonly compared: unknown;
}

function toFacts(stack: Stack): Map<string, Fact> {
  const shown = toShownMetadata(stack);
  const printed = maskMetadata(shown);
  const facts = new Map<string, Fact>([["state", { value: stack.state, compared: stack.state }]]);
  for (const task of stack.tasks)
    facts.set(`task ${task.name}`, { value: formatTask(task), compared: formatTask(task) });
  for (const [key, compared] of Object.entries(shown))
    facts.set(`metadata ${key}`, { value: printed[key] ?? null, compared });
  return facts;
}

/** Omits whether the attempt is queued or running, which does not depend on the revision. */
function formatTask({ status, detail }: TaskState): string {
  return detail === undefined || detail === "RUNNING" || detail === "QUEUED" ? status : `${status} ${detail}`;
}

/** Returns the event of a history line. A sensitive value is replaced by the text of its reference. */
export function toReplayEvent(entry: HistoryEntry): StackEvent {
  const { stackId, at, event: name, eventId: id, task, description, retryable, actor, reason, timer } = entry;
  return {
    id,
    stackId,
    name,
    at,
    origin: findOrigin(entry),
    ...defined({ description, retryable, actor, reason, timerId: timer }),
    ...defined({
      task: task === undefined ? undefined : { name: task },
      dispatchId: entry.dispatchId ?? findDispatchId(entry),
      metadata: toPlain(entry.metadata),
      // The code of a line that was applied is that of the task's failure, else that of the refusal.
      code: isApplied(entry) ? entry.code : undefined,
      confirm: entry.confirmed ? stackId : undefined,
      isAllowed: APPROVAL_EVENTS.has(name) && isApplied(entry) ? (true as const) : undefined,
    }),
    ...toOutputs(entry),
    ...OPERATORS_FIELDS.get(name),
  };
}

/** Fields that these events require and that no other event may have. */
const OPERATORS_FIELDS: ReadonlyMap<string, Partial<StackEvent>> = new Map<string, Partial<StackEvent>>([
  [SYSTEM_EVENTS.settleTask, { as: "succeeded" }],
  [SYSTEM_EVENTS.removeStack, { force: true }],
]);

function toOutputs({ outputs }: HistoryEntry): Partial<StackEvent> {
  if (!isMap(outputs)) return {};
  const sensitiveOutputs = Object.keys(outputs).filter((key) => isHidden(outputs[key]));
  return { outputs: Object.fromEntries(Object.entries(outputs).map(toPlainEntry)), sensitiveOutputs };
}

/** Matches the ids of events that stores and workers create for an attempt: a prefix and the id of the attempt. */
const ANSWER_ID = /^(?:result|cancelled|deadline|cancel):(.+)$/s;

const ANSWERS: ReadonlySet<string> = new Set([
  SYSTEM_EVENTS.taskCompleted,
  SYSTEM_EVENTS.taskError,
  SYSTEM_EVENTS.taskCancelled,
  SYSTEM_EVENTS.taskTimedOut,
]);

function findDispatchId({ event, eventId, internal }: HistoryEntry): string | undefined {
  return internal && ANSWERS.has(event) ? ANSWER_ID.exec(eventId)?.[1] : undefined;
}

function findOrigin(entry: HistoryEntry): StackEvent["origin"] {
  if (entry.timer !== undefined) return "timer";
  return findDispatchId(entry) === undefined ? "external" : "worker";
}

function isApplied({ outcome }: HistoryEntry): boolean {
  return outcome === "applied" || outcome === "removed";
}

function isHidden(value: unknown): boolean {
  return value === MASK || (isMap(value) && typeof value["$secret"] === "string");
}

function toPlain(value: unknown): unknown {
  return isMap(value) ? Object.fromEntries(Object.entries(value).map(toPlainEntry)) : value;
}

function toPlainEntry([key, value]: [string, unknown]): [string, unknown] {
  return [key, isMap(value) && typeof value["$secret"] === "string" ? value["$secret"] : value];
}

/**
 * Returns the machine for a replay, in which sensitive keys accept any value and stay sensitive. The history contains references
 * instead of sensitive values. They match no type, pattern or range, and each new value of a key has another reference.
 */
function relaxSecrets(machine: Machine, secretKeys: readonly string[]): Machine {
  const { keys } = machine.metadata;
  const relaxed = new Map<string, MetadataRule>();
  for (const [key, rule] of keys) relaxed.set(key, isSecret(key, rule, secretKeys) ? relax(rule) : rule);
  return { ...machine, metadata: { ...machine.metadata, keys: relaxed } };
}

function isSecret(key: string, { sensitive }: MetadataRule, secretKeys: readonly string[]): boolean {
  return sensitive || secretKeys.includes(key);
}

function relax({ type, pattern, enum: _, minimum, maximum, immutable, ...rule }: MetadataRule): MetadataRule {
  return { ...rule, immutable: false };
}
