import { findEnded } from "../access/credentials.ts";
import { type AppliedInputs, type ApplyOptions, applyInputs } from "../aggregate/apply-inputs.ts";
import { deadLetterAlone } from "../aggregate/give-up.ts";
import { isEmpty } from "../aggregate/round.ts";
import type { FoundMachine, StackInput, WantedMachine } from "../aggregate/stack-input.ts";
import { isPassing, isStackyardError, toErrorText } from "../errors/stackyard-error.ts";
import type { Dispatch } from "../machine/decide/decision.ts";
import { readAttemptSecrets } from "../machine/decide/runs.ts";
import { defined } from "../machine/json.ts";
import type { MetadataValue } from "../machine/stack.ts";
import type { TaskMessage } from "../machine/task-message.ts";
import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/executor.ts";
import type {
  AppliedResult,
  BirthClaim,
  Change,
  CommitResult,
  Grant,
  HistoryEntry,
  LoadedStack,
  QueuedEvent,
} from "../ports/stack-store.ts";
import type { Store } from "../ports/store.ts";
import type { DeliveryOutcome } from "../ports/transport.ts";
import type { MachineFinder } from "./machine-finder.ts";

/** Claims attempts for this process when they begin. */
export interface Births {
  /**
   * Returns a claim and reserves a slot for an attempt that this process can run at once; undefined: its message is
   * queued.
   */
  reserve(dispatch: Dispatch): BirthClaim | undefined;
  /** Runs an attempt that was granted. */
  run(born: BornAttempt): void;
  /** Releases the slots that were kept for attempts of these stacks: their inputs are decided. */
  endKeeping(stackIds: readonly string[]): void;
  /** Releases the slot of a claim that was not granted. */
  giveBack(): void;
}

/** An attempt that began as granted to this process. */
export interface BornAttempt {
  readonly message: TaskMessage;
  readonly grant: Grant;
  readonly deadlineAt: number;
  /** As a claim returns them. */
  readonly secrets?: Readonly<Record<string, MetadataValue>>;
}

/** An attempt whose executor has ended. */
export interface FinishedAttempt {
  readonly stackId: string;
  readonly event: QueuedEvent;
  readonly result: AppliedResult;
}

/** Dependencies of `processInputs`. */
export interface WorkDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly finder: MachineFinder;
  readonly births?: Births | undefined;
  /** Stacks as this process wrote them, while attempts of theirs run here. */
  readonly written: WrittenStacks;
  readonly apply: Omit<ApplyOptions, "now" | "machines" | "knownIds">;
}

/** A cache of stacks as this process wrote them last. */
interface WrittenStacks {
  find(stackId: string): LoadedStack | undefined;
  /** Notes the result of a commit. Keeps only stacks that have attempts in this process and no parked events. */
  note(loaded: LoadedStack, change: Change, result: CommitResult | undefined): void;
}

const MAX_WRITTEN = 512;

/**
 * Creates the cache of stacks on which results are decided without a load. An entry may be outdated: every other write,
 * also one that parks an event, increments the version of the stack, so the commit is a conflict, and the result is
 * decided again on a fresh load.
 */
export function createWrittenStacks(): WrittenStacks {
  const stacks = new Map<string, LoadedStack>();
  return {
    find: (stackId) => stacks.get(stackId),
    note(loaded, { stackId, write, park }, result) {
      const runsHere = stacks.delete(stackId);
      if (result?.kind !== "committed" || write.kind !== "put" || loaded.parked.length + park.length > 0) return;
      const { grants = [], version } = result;
      if (grants.length === 0 && !(runsHere && write.stack.runs.length > 0)) return;
      stacks.set(stackId, { stackId, version, stack: write.stack, parked: [] });
      const [oldest] = stacks.size > MAX_WRITTEN ? stacks.keys() : [];
      if (oldest !== undefined) stacks.delete(oldest);
    },
  };
}

const COMMIT_TRIES = 8;
const DONE: DeliveryOutcome = { kind: "done" };

/** An input and the index of its outcome. */
interface PlacedInput {
  readonly index: number;
  readonly input: StackInput;
}

/** One stack's inputs of a call, and the facts about them. */
interface StackWork {
  readonly stackId: string;
  /** For the first decision: the stack as it came with its events. */
  readonly loaded?: LoadedStack | undefined;
  readonly inputs: readonly PlacedInput[];
  /** Ids that were applied before, as reported by the store. */
  readonly knownIds: Set<string>;
}

/**
 * Applies inputs of many stacks and writes them in one commit; those of one stack in their order. Returns the outcomes
 * in the order of the inputs. Never rejects: a failed input must be delivered again, and so must the later inputs of
 * its stack.
 */
export async function processInputs(
  deps: WorkDeps,
  inputs: readonly StackInput[],
): Promise<readonly DeliveryOutcome[]> {
  const outcomes: DeliveryOutcome[] = inputs.map(() => DONE);
  await workAll(deps, groupByStack(inputs), outcomes);
  return outcomes;
}

function groupByStack(inputs: readonly StackInput[]): readonly StackWork[] {
  const placed = inputs.map((input, index) => ({ index, input }));
  return [...Map.groupBy(placed, ({ input }) => input.stackId)].map(([stackId, list]) => {
    const input = list[0]?.input;
    const loaded = input?.kind === "delivery" ? input.delivery.loaded : undefined;
    return { stackId, inputs: list, knownIds: new Set(), loaded };
  });
}

async function workAll(deps: WorkDeps, works: readonly StackWork[], outcomes: DeliveryOutcome[]): Promise<void> {
  let open = works;
  try {
    for (let turn = 1; open.length > 0 && turn <= COMMIT_TRIES; turn += 1) open = await workTurn(deps, open, outcomes);
    fail(open, outcomes, "Other writers changed the stack again and again.");
  } catch (error) {
    await workApart(deps, open, outcomes, error);
  }
}

/**
 * After a failed commit, applies the inputs one by one, so that the failing input does not block other stacks forever.
 */
async function workApart(
  deps: WorkDeps,
  open: readonly StackWork[],
  outcomes: DeliveryOutcome[],
  error: unknown,
): Promise<void> {
  const [first, ...others] = open;
  const parts = (others.length === 0 && first !== undefined ? splitInputs(first) : open).map(toUnloaded);
  if (isPassing(error) || parts.length <= 1) {
    const stacks = open.map(({ stackId }) => stackId);
    deps.logger.error("Events could not be processed; they are delivered again.", { error, stacks });
    if (isPassing(error) || first === undefined || !(await commitDeadLetter(deps, first, error))) {
      fail(open, outcomes, toErrorText(error));
    }
    return;
  }
  for (const [place, part] of parts.entries()) {
    await workAll(deps, [part], outcomes);
    const isStuck = others.length === 0 && part.inputs.some(({ index }) => outcomes[index]?.kind === "retry");
    if (isStuck) return fail(parts.slice(place + 1), outcomes, "An earlier event of the stack could not be processed.");
  }
}

function toUnloaded({ loaded: _, ...work }: StackWork): StackWork {
  return work;
}

function splitInputs(work: StackWork): readonly StackWork[] {
  return work.inputs.map((input) => ({ ...work, inputs: [input] }));
}

/** Dead-letters a delivery that has failed too often, and commits no other effect of it. */
async function commitDeadLetter(
  deps: WorkDeps,
  { stackId, inputs, knownIds }: StackWork,
  error: unknown,
): Promise<boolean> {
  try {
    const loaded = await loadAlone(deps.store, stackId);
    const input = inputs[0]?.input;
    if (loaded === undefined || input === undefined) return false;
    const change = deadLetterAlone(loaded, input, { ...deps.apply, now: deps.clock.now(), knownIds, error });
    if (change === undefined) return false;
    const [result] = await deps.store.commit([change]);
    if (result?.kind === "committed") logChange(deps.logger, change);
    return result?.kind === "committed";
  } catch {
    // The original failure is already logged, with more detail.
    return false;
  }
}

/** Leaves a stack with an unreadable record unchanged: its event is dead-lettered by a change without a stack. */
async function loadAlone(store: Store, stackId: string): Promise<LoadedStack | undefined> {
  try {
    return (await store.load([stackId]))[0];
  } catch (error) {
    if (isStackyardError(error, "STORE_CORRUPT")) return { stackId: "", version: 0, parked: [] };
    throw error;
  }
}

/** Decides and commits every open stack once; returns those that must be decided again. */
async function workTurn(
  deps: WorkDeps,
  open: readonly StackWork[],
  outcomes: DeliveryOutcome[],
): Promise<readonly StackWork[]> {
  const loaded = await loadOpen(deps, open);
  const machines = createTurnMachines(deps.finder);
  const revisions = new Set<string>();
  const decided: DecidedWork[] = [];
  for (const [index, work] of open.entries()) {
    const stack = loaded[index];
    if (stack === undefined) throw new TypeError(`The store did not load "${work.stackId}".`);
    const applied = await applyWork(deps, machines, work, stack);
    for (const [place, { index: at }] of work.inputs.entries()) outcomes[at] = applied.outcomes[place] ?? DONE;
    for (const hash of applied.revisions) revisions.add(hash);
    if (!isEmpty(applied.change)) decided.push({ work, loaded: stack, change: applied.change });
  }
  for (const hash of revisions) await deps.finder.keep(hash);
  const results = await commitDecided(deps, decided);
  return decided.flatMap(({ work, change }, index) => {
    const result = results[index];
    if (result !== undefined && result.kind !== "committed") return toNextTurn(work, result, outcomes);
    logChange(deps.logger, change);
    return [];
  });
}

/** One stack's work with its decisions. */
interface DecidedWork {
  readonly work: StackWork;
  readonly loaded: LoadedStack;
  readonly change: Change;
}

/**
 * Returns the stack of each unit of work: from the cache of written stacks if all its inputs are results, as loaded
 * with its events if the store did so, otherwise from the store.
 */
async function loadOpen(
  { store, written }: WorkDeps,
  open: readonly StackWork[],
): Promise<readonly (LoadedStack | undefined)[]> {
  const known = open.map(({ stackId, inputs, loaded }) =>
    inputs.every(({ input }) => input.kind === "result") ? written.find(stackId) : loaded,
  );
  const missing = open.filter((_, index) => known[index] === undefined).map(({ stackId }) => stackId);
  if (missing.length === 0) return known;
  const loaded = (await store.load(missing)).values();
  return known.map((stack) => stack ?? loaded.next().value);
}

/** Commits, notes the written versions, and runs the attempts that begin as granted to this process. */
async function commitDecided(
  { store, births, written }: WorkDeps,
  decided: readonly DecidedWork[],
): Promise<readonly CommitResult[]> {
  if (decided.length === 0) return [];
  const changes = decided.map(({ change }) => (births === undefined ? change : withClaims(births, change)));
  births?.endKeeping(changes.map(({ stackId }) => stackId));
  let places = changes.reduce((count, { claims = [] }) => count + claims.length, 0);
  let results: readonly CommitResult[] = [];
  try {
    results = await store.commit(changes);
    return results;
  } finally {
    for (const [index, { loaded, change }] of decided.entries()) written.note(loaded, change, results[index]);
    for (const born of changes.flatMap((change, index) => listBorn(change, results[index]))) {
      places -= 1;
      births?.run(born);
    }
    for (; places > 0; places -= 1) births?.giveBack();
  }
}

function withClaims(births: Births, change: Change): Change {
  const claims = reserveClaims(births, change);
  return claims.length === 0 ? change : { ...change, claims };
}

function reserveClaims(births: Births, { dispatches, cancels, endedAttempts }: Change): readonly BirthClaim[] {
  if (dispatches.length === 0) return [];
  return dispatches.flatMap((dispatch) => {
    const isEnded =
      endedAttempts.includes(dispatch.attemptId) || cancels.some((each) => each.attemptId === dispatch.attemptId);
    return dispatch.again || isEnded ? [] : (births.reserve(dispatch) ?? []);
  });
}

function listBorn({ dispatches, write, now }: Change, result: CommitResult | undefined): readonly BornAttempt[] {
  if (result?.kind !== "committed") return [];
  const stack = write.kind === "put" ? write.stack : undefined;
  return (result.grants ?? []).flatMap((grant) => {
    const dispatch = dispatches.find(({ attemptId }) => attemptId === grant.attemptId);
    if (dispatch === undefined) return [];
    const { message, timeoutMs, secrets: refs, attemptId } = dispatch;
    const secrets = refs && readAttemptSecrets(stack, attemptId, refs);
    return [defined({ message, grant, deadlineAt: now + timeoutMs, secrets })];
  });
}

async function applyWork(deps: WorkDeps, machines: TurnMachines, work: StackWork, loaded: LoadedStack) {
  const inputs = work.inputs.map(({ input }) => input);
  const now = deps.clock.now();
  const credentials = loaded.parked.flatMap(({ event }) => event.sender?.credential ?? []);
  const endedCredentials = credentials.length === 0 ? undefined : await findEnded(deps.store.records, credentials, now);
  const applied = await applyWithMachines(loaded, inputs, {
    ...deps.apply,
    now,
    knownIds: work.knownIds,
    machines,
    endedCredentials,
  });
  for (const [place, error] of applied.faults) logFault(deps.logger, work, inputs[place], error);
  return applied;
}

/** Applies inputs, and looks up the machines that they turn out to need. */
export async function applyWithMachines(
  loaded: LoadedStack,
  inputs: readonly StackInput[],
  { machines, ...options }: Omit<ApplyOptions, "machines"> & { readonly machines: TurnMachines },
): Promise<Extract<AppliedInputs, { kind: "applied" }>> {
  for (;;) {
    const applied = applyInputs(loaded, inputs, { ...options, machines: machines.find });
    if (applied.kind === "applied") return applied;
    await machines.lookUp(applied.wanted);
  }
}

function logFault(logger: Logger, { stackId }: StackWork, input: StackInput | undefined, error: unknown): void {
  const what = input?.kind === "delivery" ? { eventId: input.delivery.event.id } : { work: input?.kind };
  logger.error("An event could not be processed.", { error, stackId, ...what });
}

/** The machines that one turn has looked up: each once for all events with the same result. */
interface TurnMachines {
  find(wanted: WantedMachine): Looked | undefined;
  lookUp(wanted: WantedMachine): Promise<void>;
}

type Looked = FoundMachine | { readonly error: unknown };

export function createTurnMachines(finder: Pick<MachineFinder, "find" | "findNow">): TurnMachines {
  const found = new Map<string, Looked>();
  return {
    find: (wanted) => finder.findNow(wanted) ?? found.get(toSharedKey(wanted)) ?? found.get(toOwnKey(wanted)),
    async lookUp(wanted) {
      const looked = await finder.find(wanted).catch((error: unknown) => ({ error }));
      // A failure may be transient, and the reason for an undeclared event may contain the stack's id.
      const isOwn = "error" in looked || (looked.kind === "found" && looked.undeclared !== undefined);
      found.set(isOwn ? toOwnKey(wanted) : toSharedKey(wanted), looked);
    },
  };
}

function toSharedKey({ name, stack, event }: WantedMachine): string {
  const { origin, to = "", message } = event;
  const { machineHash = "", state = "" } = stack ?? {};
  const revision = String(message?.["revision"]);
  // The lengths separate the parts. This runs for each event, where JSON text would cost too much.
  const lengths = `${name.length},${state.length},${event.name.length},${to.length}`;
  return `${lengths}:${machineHash},${origin},${name},${state},${event.name},${to},${revision}`;
}

function toOwnKey(wanted: WantedMachine): string {
  return `${wanted.event.stackId}\u0000${toSharedKey(wanted)}`;
}

/** Returns the inputs that must be decided again after a change that was not committed. */
function toNextTurn(
  work: StackWork,
  result: Exclude<CommitResult, { kind: "committed" }>,
  outcomes: DeliveryOutcome[],
): readonly StackWork[] {
  if (result.kind === "duplicate") for (const id of result.eventIds) work.knownIds.add(id);
  if (result.kind === "duplicate" || result.kind === "conflict") return [toUnloaded(work)];
  // The caller settles the results: those of lost attempts are dropped there, the others are queued.
  const results = Map.groupBy(work.inputs, ({ input }) => input.kind === "result");
  const reason = result.kind === "lost" ? "The attempt has another owner." : "Events of the stack come first.";
  fail([{ ...work, inputs: results.get(true) ?? [] }], outcomes, reason);
  const rest = results.get(false);
  return rest === undefined ? [] : [{ ...toUnloaded(work), inputs: rest }];
}

function fail(works: readonly StackWork[], outcomes: DeliveryOutcome[], reason: string): void {
  for (const { inputs } of works) for (const { index } of inputs) outcomes[index] = { kind: "retry", reason };
}

/** Logs a committed change, with the ids of stack, events, tasks and attempts, but no metadata or messages. */
function logChange(logger: Logger, { stackId, history, dispatches, cancels, endedAttempts }: Change): void {
  for (const entry of history) {
    if (entry.outcome === "dead-lettered") logger.warn("An event was dead-lettered.", toFields(entry));
    else logger.debug("An event was decided.", toFields(entry));
  }
  for (const { attemptId, task, again } of dispatches) {
    logger.debug("A task was dispatched.", { stackId, task, attemptId, again });
  }
  for (const { attemptId, why } of cancels) logger.debug("A task is being cancelled.", { stackId, attemptId, why });
  for (const attemptId of endedAttempts) logger.debug("An attempt has ended.", { stackId, attemptId });
}

function toFields({ stackId, eventId, event, outcome, code, reason, from, to, task }: HistoryEntry) {
  return { stackId, eventId, event, outcome, ...defined({ code, reason: code && reason, from, to, task }) };
}
