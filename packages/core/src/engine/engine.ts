import { isStackyardError } from "../errors/stackyard-error.ts";
import type { ExecutorRegistry } from "../machine/executor-definition.ts";
import { DEFAULT_LIMITS, type DecideLimits } from "../machine/work.ts";
import type { Clock, Ids } from "../ports/clock.ts";
import type { Locator } from "../ports/locator.ts";
import type { Logger } from "../ports/logger.ts";
import type { Change, CommitResult, LoadedStack } from "../ports/stack-store.ts";
import type { Store } from "../ports/store.ts";
import type { DeliveryOutcome, EventDelivery } from "../ports/transport.ts";
import type { DueItem } from "../ports/work-queue.ts";
import { createCompileRevision } from "./compile-revision.ts";
import { createMachineFinder } from "./machine-finder.ts";
import { DEFAULT_PARKING, type ParkingOptions } from "./parking.ts";
import { beginRound, isEmpty, type Round, toChange } from "./round.ts";
import type { StackInput } from "./stack-input.ts";
import { type RoundDeps, setAside, workInput } from "./stack-round.ts";

/** What an engine works with. */
export interface EngineDeps {
  readonly store: Store;
  readonly locator: Locator;
  /** Definitions of the executors that machines may name. */
  readonly executors: ExecutorRegistry;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly logger: Logger;
}

export interface EngineOptions {
  /** `park` (default): decided again later. `redeliver`: reported as failed, as the predecessor did. `drop`: recorded only. */
  readonly refusedEvents?: "park" | "redeliver" | "drop";
  readonly parking?: ParkingOptions;
  readonly limits?: DecideLimits;
  /** Lets `NEXT` in from outside (`ALLOW_EXTERNAL_NEXT`). Default: false. */
  readonly allowExternalNext?: boolean;
  /** False where a runner may have no store; then an unclaimed attempt is cancelled only at its deadline. Default: true. */
  readonly runnersHaveStore?: boolean;
  /** A delivery that failed so often is set aside. Default: 10. */
  readonly maxDeliveries?: number;
}

/** The only writer of stacks: load, decide, commit. */
export interface Engine {
  /** Handles deliveries of events; those of one stack in their order. Outcomes in the same order. */
  handle(deliveries: readonly EventDelivery[]): Promise<readonly DeliveryOutcome[]>;
  /** Works what time has made due: timers, deadlines, parked events. Gives how many items were worked. */
  sweep(): Promise<number>;
}

const SWEEP_LIMIT = 256;
const SWEEP_LEASE_MS = 60_000;
const COMMIT_TRIES = 8;

/** An engine over a store. */
export function createEngine(deps: EngineDeps, options: EngineOptions = {}): Engine {
  const roundDeps: RoundDeps = {
    finder: createMachineFinder({
      locator: deps.locator,
      clock: deps.clock,
      revisions: deps.store.revisions,
      compile: createCompileRevision(deps.executors),
    }),
    ids: deps.ids,
    limits: options.limits ?? DEFAULT_LIMITS,
    parking: options.parking ?? DEFAULT_PARKING,
    refusedEvents: options.refusedEvents ?? "park",
    allowExternalNext: options.allowExternalNext ?? false,
    unclaimedAtOnce: options.runnersHaveStore ?? true,
    maxDeliveries: options.maxDeliveries ?? 10,
  };
  const work = (inputs: readonly StackInput[]) => workInputs(deps, roundDeps, inputs);
  return {
    handle: (deliveries) =>
      work(deliveries.map((delivery) => ({ kind: "delivery", stackId: delivery.event.stackId, delivery }))),
    async sweep() {
      const due = await deps.store.takeDue({
        kinds: ["timer", "deadline", "parked"],
        now: deps.clock.now(),
        limit: SWEEP_LIMIT,
        leaseMs: SWEEP_LEASE_MS,
      });
      await work(due.flatMap(toInputs));
      return due.length;
    },
  };
}

function toInputs(item: DueItem): readonly StackInput[] {
  switch (item.kind) {
    case "timer":
      return [{ kind: "timers", stackId: item.stackId }];
    case "parked":
      return [{ kind: "parked", stackId: item.stackId }];
    case "deadline": {
      const { stackId, attemptId, task, why } = item;
      return [{ kind: "deadline", stackId, attemptId, task, why }];
    }
    default:
      return [];
  }
}

/** One stack's inputs of a call, and what is known about them. */
interface StackWork {
  readonly stackId: string;
  readonly inputs: readonly { readonly index: number; readonly input: StackInput }[];
  readonly knownIds: Set<string>;
}

async function workInputs(
  deps: EngineDeps,
  roundDeps: RoundDeps,
  inputs: readonly StackInput[],
): Promise<readonly DeliveryOutcome[]> {
  const outcomes: DeliveryOutcome[] = inputs.map(() => ({ kind: "done" }));
  let open = groupByStack(inputs);
  for (let turn = 1; open.length > 0; turn += 1) {
    if (turn > COMMIT_TRIES) {
      fail(open, outcomes, "Other writers changed the stack again and again.");
      break;
    }
    try {
      open = await workTurn(deps, roundDeps, open, outcomes);
    } catch (error) {
      deps.logger.error("A round of events failed; it is delivered again.", {
        error,
        stacks: open.map((work) => work.stackId),
      });
      fail(open, outcomes, toReason(error));
      break;
    }
  }
  return outcomes;
}

function groupByStack(inputs: readonly StackInput[]): readonly StackWork[] {
  const works = new Map<string, { index: number; input: StackInput }[]>();
  for (const [index, input] of inputs.entries()) {
    const list = works.get(input.stackId);
    if (list === undefined) works.set(input.stackId, [{ index, input }]);
    else list.push({ index, input });
  }
  return [...works].map(([stackId, list]) => ({ stackId, inputs: list, knownIds: new Set() }));
}

/** Decides and commits every open stack once; gives those that must be decided again. */
async function workTurn(
  deps: EngineDeps,
  roundDeps: RoundDeps,
  open: readonly StackWork[],
  outcomes: DeliveryOutcome[],
): Promise<readonly StackWork[]> {
  const loaded = await deps.store.load(open.map((work) => work.stackId));
  const rounds: { readonly work: StackWork; readonly change: Change }[] = [];
  for (const [index, work] of open.entries()) {
    const change = toChange(await workStack(deps, roundDeps, work, loaded[index], outcomes));
    if (!isEmpty(change)) rounds.push({ work, change });
  }
  if (rounds.length === 0) return [];
  const results = await deps.store.commit(rounds.map(({ change }) => change));
  return rounds.flatMap(({ work }, index) => (needsAnotherTurn(work, results[index]) ? [work] : []));
}

function needsAnotherTurn(work: StackWork, result: CommitResult | undefined): boolean {
  if (result === undefined || result.kind === "committed") return false;
  if (result.kind === "duplicate") for (const id of result.eventIds) work.knownIds.add(id);
  return true;
}

/** Works the inputs of one stack into a round. One that fails is delivered again, and so are those behind it. */
async function workStack(
  deps: EngineDeps,
  roundDeps: RoundDeps,
  work: StackWork,
  loaded: LoadedStack | undefined,
  outcomes: DeliveryOutcome[],
): Promise<Round> {
  if (loaded === undefined) throw new TypeError(`The store did not load "${work.stackId}".`);
  const round = beginRound(loaded, deps.clock.now(), work.knownIds);
  for (const [place, { index, input }] of work.inputs.entries()) {
    try {
      const result = await workInput(roundDeps, round, input);
      outcomes[index] = result === "done" ? { kind: "done" } : { kind: "retry", reason: "The event is refused." };
    } catch (error) {
      deps.logger.error("An event could not be worked.", { error, stackId: work.stackId });
      if (giveUp(roundDeps, round, input, error)) continue;
      fail([{ ...work, inputs: work.inputs.slice(place) }], outcomes, toReason(error));
      return round;
    }
  }
  return round;
}

/** Sets a delivery aside that has failed too often. */
function giveUp(roundDeps: RoundDeps, round: Round, input: StackInput, error: unknown): boolean {
  if (input.kind !== "delivery" || input.delivery.deliveries < roundDeps.maxDeliveries) return false;
  const { event, storeReceipt, deliveries } = input.delivery;
  const reason = `Failed ${deliveries} times, last with: ${toReason(error)}`;
  setAside(roundDeps, round, event, { code: "INTERNAL", reason });
  if (storeReceipt !== undefined) round.acknowledges.push(storeReceipt);
  return true;
}

function fail(works: readonly StackWork[], outcomes: DeliveryOutcome[], reason: string): void {
  for (const { inputs } of works) for (const { index } of inputs) outcomes[index] = { kind: "retry", reason };
}

function toReason(error: unknown): string {
  if (isStackyardError(error)) return `${error.code}: ${error.message}`;
  return error instanceof Error ? error.message : String(error);
}
