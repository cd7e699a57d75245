import { isStackyardError } from "../errors/stackyard-error.ts";
import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";
import type { CommitResult, LoadedStack } from "../ports/stack-store.ts";
import type { Store } from "../ports/store.ts";
import type { DeliveryOutcome } from "../ports/transport.ts";
import { isPassing, toErrorText } from "./error-text.ts";
import { toUnreadEntry } from "./history-line.ts";
import { logChange } from "./log-change.ts";
import { setAside } from "./refuse-event.ts";
import { beginRound, isEmpty, type Round, toChange } from "./round.ts";
import type { StackInput } from "./stack-input.ts";
import { type RoundDeps, workInput } from "./stack-round.ts";

/** What working inputs needs. */
export interface WorkDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly round: RoundDeps;
}

const COMMIT_TRIES = 8;
const REFUSED: DeliveryOutcome = { kind: "retry", reason: "The event is refused.", refused: true };

/** An input and the place of its outcome. */
interface PlacedInput {
  readonly index: number;
  readonly input: StackInput;
}

/** One stack's inputs of a call, and what is known about them. */
interface StackWork {
  readonly stackId: string;
  readonly inputs: readonly PlacedInput[];
  /** Ids that the store said were applied before. */
  readonly knownIds: Set<string>;
}

/**
 * Works inputs of many stacks into one commit; those of one stack in their order. Outcomes in the order of the inputs.
 * Never rejects: what fails is to be delivered again, and so is what is behind it on the same stack.
 */
export async function workInputs(deps: WorkDeps, inputs: readonly StackInput[]): Promise<readonly DeliveryOutcome[]> {
  const outcomes: DeliveryOutcome[] = inputs.map(() => ({ kind: "done" }));
  await workAll(deps, groupByStack(inputs), outcomes);
  return outcomes;
}

function groupByStack(inputs: readonly StackInput[]): readonly StackWork[] {
  const works = new Map<string, PlacedInput[]>();
  for (const [index, input] of inputs.entries()) {
    const list = works.get(input.stackId);
    if (list === undefined) works.set(input.stackId, [{ index, input }]);
    else list.push({ index, input });
  }
  return [...works].map(([stackId, list]) => ({ stackId, inputs: list, knownIds: new Set() }));
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

/** After a commit that failed: finds the input that makes it fail, so that it holds up no other stack for ever. */
async function workApart(
  deps: WorkDeps,
  open: readonly StackWork[],
  outcomes: DeliveryOutcome[],
  error: unknown,
): Promise<void> {
  const [first, ...others] = open;
  const parts = others.length === 0 && first !== undefined ? splitInputs(first) : open;
  if (isPassing(error) || parts.length <= 1) {
    const stacks = open.map(({ stackId }) => stackId);
    deps.logger.error("Events could not be worked; they are delivered again.", { error, stacks });
    if (isPassing(error) || first === undefined || !(await setAsideAlone(deps, first, error))) {
      fail(open, outcomes, toErrorText(error));
    }
    return;
  }
  for (const [place, part] of parts.entries()) {
    await workAll(deps, [part], outcomes);
    const isStuck = others.length === 0 && part.inputs.some(({ index }) => outcomes[index]?.kind === "retry");
    if (isStuck) return fail(parts.slice(place + 1), outcomes, "An event before it could not be worked.");
  }
}

function splitInputs(work: StackWork): readonly StackWork[] {
  return work.inputs.map((input) => ({ ...work, inputs: [input] }));
}

/** Commits nothing of a delivery that has failed too often but that it is set aside. */
async function setAsideAlone(deps: WorkDeps, work: StackWork, error: unknown): Promise<boolean> {
  try {
    const loaded = await loadAlone(deps.store, work.stackId);
    const input = work.inputs[0]?.input;
    if (loaded === undefined || input === undefined) return false;
    const round = beginRound(loaded, deps.clock.now(), work.knownIds);
    if (!giveUp(deps.round, round, input, error)) return false;
    const change = toChange(round);
    const [result] = await deps.store.commit([change]);
    if (result?.kind === "committed") logChange(deps.logger, change);
    return result?.kind === "committed";
  } catch {
    // The failure that led here is logged and tells more.
    return false;
  }
}

/** A stack whose record cannot be read stays as it is: its event is set aside by a change of no stack. */
async function loadAlone(store: Store, stackId: string): Promise<LoadedStack | undefined> {
  try {
    return (await store.load([stackId]))[0];
  } catch (error) {
    if (isStackyardError(error, "STORE_CORRUPT")) return { stackId: "", version: 0, parked: [] };
    throw error;
  }
}

/** Decides and commits every open stack once; gives those that must be decided again. */
async function workTurn(
  deps: WorkDeps,
  open: readonly StackWork[],
  outcomes: DeliveryOutcome[],
): Promise<readonly StackWork[]> {
  const loaded = await deps.store.load(open.map((work) => work.stackId));
  const rounds: { readonly work: StackWork; readonly round: Round }[] = [];
  for (const [index, work] of open.entries()) {
    rounds.push({ work, round: await workStack(deps, work, loaded[index], outcomes) });
  }
  const changes = rounds.map(({ work, round }) => ({ work, change: toChange(round) }));
  const written = changes.filter(({ change }) => !isEmpty(change));
  const results = written.length === 0 ? [] : await deps.store.commit(written.map(({ change }) => change));
  return written.flatMap(({ work, change }, index) => {
    if (needsAnotherTurn(work, results[index])) return [work];
    logChange(deps.logger, change);
    return [];
  });
}

function needsAnotherTurn(work: StackWork, result: CommitResult | undefined): boolean {
  if (result === undefined || result.kind === "committed") return false;
  if (result.kind === "duplicate") for (const id of result.eventIds) work.knownIds.add(id);
  return true;
}

/** Works the inputs of one stack into a round. One that fails is delivered again, and so are those behind it. */
async function workStack(
  deps: WorkDeps,
  work: StackWork,
  loaded: LoadedStack | undefined,
  outcomes: DeliveryOutcome[],
): Promise<Round> {
  if (loaded === undefined) throw new TypeError(`The store did not load "${work.stackId}".`);
  const round = beginRound(loaded, deps.clock.now(), work.knownIds);
  for (const [place, { index, input }] of work.inputs.entries()) {
    try {
      const result = await workInput(deps.round, round, input);
      outcomes[index] = result === "done" ? { kind: "done" } : REFUSED;
    } catch (error) {
      deps.logger.error("An event could not be worked.", { error, stackId: work.stackId, ...toLogFields(input) });
      outcomes[index] = { kind: "done" };
      if (!isPassing(error) && giveUp(deps.round, round, input, error)) continue;
      fail([{ ...work, inputs: work.inputs.slice(place) }], outcomes, toErrorText(error));
      return round;
    }
  }
  return round;
}

function toLogFields(input: StackInput): Readonly<Record<string, unknown>> {
  return input.kind === "delivery" ? { eventId: input.delivery.event.id } : { work: input.kind };
}

/** Sets a delivery aside that has failed too often. */
function giveUp(deps: RoundDeps, round: Round, input: StackInput, error: unknown): boolean {
  if (input.kind !== "delivery" || input.delivery.deliveries < deps.maxDeliveries) return false;
  const { event, storeReceipt, deliveries } = input.delivery;
  const why = { code: "INTERNAL", reason: `Failed ${deliveries} times, last with: ${toErrorText(error)}` };
  setAside(deps, round, event, { ...why, masked: "all" });
  round.history.push(toUnreadEntry(event, { ...why, outcome: "set-aside", at: round.now }));
  if (storeReceipt !== undefined) round.acknowledges.push(storeReceipt);
  return true;
}

function fail(works: readonly StackWork[], outcomes: DeliveryOutcome[], reason: string): void {
  for (const { inputs } of works) for (const { index } of inputs) outcomes[index] = { kind: "retry", reason };
}
