import { findEnded } from "../access/credentials.ts";
import type { ApplyOptions } from "../aggregate/apply-options.ts";
import { deadLetterAlone } from "../aggregate/give-up.ts";
import { isEmpty } from "../aggregate/round.ts";
import type { StackInput } from "../aggregate/stack-input.ts";
import { isPassing, isStackyardError, toErrorText } from "../errors/stackyard-error.ts";
import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/executor.ts";
import type { Change, CommitResult, LoadedStack } from "../ports/stack-store.ts";
import type { Store } from "../ports/store.ts";
import type { DeliveryOutcome } from "../ports/transport.ts";
import { type Births, listBorn, withClaims } from "./births.ts";
import { logChange } from "./log-change.ts";
import type { MachineFinder } from "./machines/machine-finder.ts";
import { applyLoaded, createTurnMachines, type TurnMachines } from "./machines/turn-machines.ts";
import type { WrittenStacks } from "./written-stacks.ts";

/** Dependencies of `processStacks`. */
export interface WorkDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly finder: MachineFinder;
  readonly births?: Births | undefined;
  /** Stacks as this process wrote them, while attempts of theirs run here. */
  readonly written: WrittenStacks;
  readonly apply: Omit<ApplyOptions, "now" | "machines" | "knownIds" | "left">;
}

type Outcomes = Map<StackInput, DeliveryOutcome>;

/** One stack's inputs of a call, and the facts about them. */
interface StackWork {
  readonly stackId: string;
  /** For the first decision: the stack as it came with its events. */
  readonly loaded?: LoadedStack | undefined;
  readonly inputs: readonly StackInput[];
  /** Ids that were applied before, as reported by the store. */
  readonly knownIds: Set<string>;
}

/** One stack's work with its decisions. */
interface DecidedWork {
  readonly work: StackWork;
  readonly loaded: LoadedStack;
  readonly change: Change;
  readonly revisions: ReadonlySet<string>;
}

const COMMIT_TRIES = 8;

/**
 * Applies inputs of many stacks and writes them in one commit; those of one stack in their order. Returns the outcome of
 * each input. Never rejects: a failed input must be delivered again, and so must the later inputs of its stack.
 */
export async function processStacks(
  deps: WorkDeps,
  inputs: readonly StackInput[],
): Promise<ReadonlyMap<StackInput, DeliveryOutcome>> {
  const outcomes: Outcomes = new Map();
  await workAll(deps, groupByStack(inputs), outcomes);
  return outcomes;
}

async function workAll(deps: WorkDeps, works: readonly StackWork[], outcomes: Outcomes): Promise<void> {
  let open = works;
  try {
    for (let turn = 1; open.length > 0 && turn <= COMMIT_TRIES; turn += 1) open = await workTurn(deps, open, outcomes);
    fail(open, outcomes, "Other writers changed the stack again and again.");
  } catch (error) {
    await workApart(deps, open, outcomes, error);
  }
}

/** Loads all stacks, decides each, keeps revisions, commits all in one call. Returns what must be decided again. */
async function workTurn(deps: WorkDeps, open: readonly StackWork[], outcomes: Outcomes): Promise<readonly StackWork[]> {
  const loaded = await loadAll(deps, open);
  const decided = await decideEach(deps, open, loaded, outcomes);
  for (const hash of new Set(decided.flatMap(({ revisions }) => [...revisions]))) await deps.finder.keep(hash);
  const changed = decided.filter(({ change }) => !isEmpty(change));
  const results = await commitAll(deps, changed);
  return changed.flatMap(({ work, change }, index) => {
    const result = results[index];
    if (result !== undefined && result.kind !== "committed") return toNextTurn(work, result, outcomes);
    logChange(deps.logger, change);
    return [];
  });
}

function groupByStack(inputs: readonly StackInput[]): readonly StackWork[] {
  return [...Map.groupBy(inputs, ({ stackId }) => stackId)].map(([stackId, list]) => {
    const [first] = list;
    const loaded = first?.kind === "delivery" ? first.delivery.loaded : undefined;
    return { stackId, inputs: list, knownIds: new Set(), loaded };
  });
}

/**
 * Returns the stack of each unit of work: from the cache of written stacks if all its inputs are results, as loaded
 * with its events if the store did so, otherwise from the store.
 */
async function loadAll(
  { store, written }: WorkDeps,
  open: readonly StackWork[],
): Promise<readonly (LoadedStack | undefined)[]> {
  const known = open.map(({ stackId, inputs, loaded }) =>
    inputs.every(({ kind }) => kind === "result") ? written.find(stackId) : loaded,
  );
  const missing = open.filter((_, index) => known[index] === undefined).map(({ stackId }) => stackId);
  if (missing.length === 0) return known;
  const loaded = (await store.load(missing)).values();
  return known.map((stack) => stack ?? loaded.next().value);
}

async function decideEach(
  deps: WorkDeps,
  open: readonly StackWork[],
  loaded: readonly (LoadedStack | undefined)[],
  outcomes: Outcomes,
): Promise<readonly DecidedWork[]> {
  const machines = createTurnMachines(deps.finder);
  const decided: DecidedWork[] = [];
  for (const [index, work] of open.entries()) {
    const stack = loaded[index];
    if (stack === undefined) throw new TypeError(`The store did not load "${work.stackId}".`);
    decided.push(await decideOne(deps, machines, { work, stack, outcomes }));
  }
  return decided;
}

async function decideOne(
  deps: WorkDeps,
  machines: TurnMachines,
  { work, stack, outcomes }: { readonly work: StackWork; readonly stack: LoadedStack; readonly outcomes: Outcomes },
): Promise<DecidedWork> {
  const { inputs, knownIds } = work;
  const now = deps.clock.now();
  const credentials = stack.parked.flatMap(({ event }) => event.sender?.credential ?? []);
  const endedCredentials = credentials.length === 0 ? undefined : await findEnded(deps.store.records, credentials, now);
  const applied = await applyLoaded(deps.store, stack, inputs, {
    ...deps.apply,
    now,
    knownIds,
    machines,
    endedCredentials,
  });
  const { change, revisions, faults } = applied;
  for (const [place, input] of inputs.entries()) {
    const outcome = applied.outcomes[place];
    if (outcome !== undefined) outcomes.set(input, outcome);
    if (faults.has(place)) logFault(deps.logger, input, faults.get(place));
  }
  return { work, loaded: stack, change, revisions };
}

function logFault(logger: Logger, input: StackInput, error: unknown): void {
  const { stackId, kind } = input;
  const what = kind === "delivery" ? { eventId: input.delivery.event.id } : { work: kind };
  logger.error("An event could not be processed.", { error, stackId, ...what });
}

/** Commits, notes the written versions, and runs the attempts that begin as granted to this process. */
async function commitAll(
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

/** Returns the inputs that must be decided again after a change that was not committed. */
function toNextTurn(
  work: StackWork,
  result: Exclude<CommitResult, { kind: "committed" }>,
  outcomes: Outcomes,
): readonly StackWork[] {
  if (result.kind === "duplicate") for (const id of result.eventIds) work.knownIds.add(id);
  if (result.kind === "duplicate" || result.kind === "conflict") return [toUnloaded(work)];
  // The caller settles the results: those of lost attempts are dropped there, the others are queued.
  const results = Map.groupBy(work.inputs, ({ kind }) => kind === "result");
  const reason = result.kind === "lost" ? "The attempt has another owner." : "Events of the stack come first.";
  fail([{ ...work, inputs: results.get(true) ?? [] }], outcomes, reason);
  const rest = results.get(false);
  return rest === undefined ? [] : [{ ...toUnloaded(work), inputs: rest }];
}

function fail(works: readonly StackWork[], outcomes: Outcomes, reason: string): void {
  for (const { inputs } of works) for (const input of inputs) outcomes.set(input, { kind: "retry", reason });
}

/**
 * After a failed commit, applies the inputs one by one, so that the failing input does not block other stacks forever.
 */
async function workApart(
  deps: WorkDeps,
  open: readonly StackWork[],
  outcomes: Outcomes,
  error: unknown,
): Promise<void> {
  const [first, ...others] = open;
  const parts = (others.length === 0 && first !== undefined ? splitInputs(first) : open).map(toUnloaded);
  // A lock concerns one stack, though it passes: the others do not wait for it.
  const isOfAll = isPassing(error) && !isStackyardError(error, "STACK_LOCKED");
  if (isOfAll || parts.length <= 1) return giveBack(deps, open, outcomes, error);
  for (const [place, part] of parts.entries()) {
    await workAll(deps, [part], outcomes);
    const isStuck = others.length === 0 && part.inputs.some((input) => outcomes.get(input)?.kind === "retry");
    if (isStuck) return fail(parts.slice(place + 1), outcomes, "An earlier event of the stack could not be processed.");
  }
}

/** Dead-letters the only input of the only stack if it has failed too often. Otherwise everything is delivered again. */
async function giveBack(deps: WorkDeps, open: readonly StackWork[], outcomes: Outcomes, error: unknown): Promise<void> {
  const stacks = open.map(({ stackId }) => stackId);
  deps.logger.error("Events could not be processed; they are delivered again.", { error, stacks });
  const [first] = open;
  const isDeadLettered = !isPassing(error) && first !== undefined && (await commitDeadLetter(deps, first, error));
  if (isDeadLettered) for (const input of first.inputs) outcomes.set(input, { kind: "done" });
  else fail(open, outcomes, toErrorText(error));
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
    const [input] = inputs;
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
