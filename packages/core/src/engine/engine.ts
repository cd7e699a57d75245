import { DEFAULT_PARKING, type ParkingOptions } from "../aggregate/parking.ts";
import type { StackInput } from "../aggregate/stack-input.ts";
import type { Dispatch } from "../machine/decide/decision.ts";
import { DEFAULT_LIMITS, type DecideLimits } from "../machine/decide/work.ts";
import type { ExecutorRegistry } from "../machine/executor-definition.ts";
import type { TaskMessage } from "../machine/message/task-message.ts";
import type { MetadataValue } from "../machine/stack.ts";
import type { Clock, Ids, Random } from "../ports/clock.ts";
import type { Locator } from "../ports/locator.ts";
import type { Logger } from "../ports/logger.ts";
import type { AppliedResult, BirthClaim, Grant, QueuedEvent } from "../ports/stack-store.ts";
import type { Store } from "../ports/store.ts";
import type { DeliveryOutcome, EventDelivery } from "../ports/transport.ts";
import type { DueItem, DueKind } from "../ports/work-queue.ts";
import { createCompileRevision } from "./compile-revision.ts";
import { createMachineFinder } from "./machine-finder.ts";
import { createRevisionWatch } from "./revision-watch.ts";
import { systemRandom } from "./system-clock.ts";
import { toInputs, workDue } from "./work-due.ts";
import { type WorkDeps, workInputs } from "./work-inputs.ts";

/** What an engine works with. */
export interface EngineDeps {
  readonly store: Store;
  readonly locator: Locator;
  /** Definitions of the executors that machines may name. */
  readonly executors: ExecutorRegistry;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly logger: Logger;
  /** What spreads the retries of tasks. Default: the system's. */
  readonly random?: Random;
  /** Default: every attempt goes through the queue. */
  readonly births?: Births;
}

/** What an engine does differently from its defaults. */
export interface EngineOptions {
  /**
   * Of events from outside that only the present state or machine refuses: `park` (default): decided again later.
   * `redeliver`: reported as failed, as the predecessor did; not for transports that keep an order. `drop`: recorded only.
   */
  readonly refusedEvents?: "park" | "redeliver" | "drop";
  readonly parking?: Partial<ParkingOptions>;
  readonly limits?: Partial<DecideLimits>;
  /** Lets `NEXT` in from outside (`ALLOW_EXTERNAL_NEXT`). Default: false. */
  readonly allowExternalNext?: boolean;
  /** False where a runner may have no store; then an unclaimed attempt is cancelled only at its deadline. Default: true. */
  readonly runnersHaveStore?: boolean;
  /** A delivery that failed so often is set aside. Default: 10. */
  readonly maxDeliveries?: number;
}

/** Takes attempts for this process as they begin. */
export interface Births {
  /** A claim with a place for an attempt that this process can run at once; undefined: its message is queued. */
  reserve(dispatch: Dispatch): BirthClaim | undefined;
  /** Runs an attempt that was granted. */
  run(born: BornAttempt): void;
  /** The place of a claim that was not granted is free again. */
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

/** The only writer of stacks: load, decide, commit. */
export interface Engine {
  /** Handles deliveries of events; those of one stack in their order. Outcomes in the same order. */
  handle(deliveries: readonly EventDelivery[]): Promise<readonly DeliveryOutcome[]>;
  /**
   * Applies results of attempts that this process holds, each by the commit that ends its attempt. `retry`: nothing was
   * written, because events of the stack come first, the attempt has another owner, or the store has failed: settle it.
   */
  finish(finished: readonly FinishedAttempt[]): Promise<readonly DeliveryOutcome[]>;
  /**
   * Works what time has made due (timers, deadlines, parked events), and what a machine's new revision may allow now.
   * Gives how many items were worked.
   */
  sweep(): Promise<number>;
  /**
   * Works items that `takeDue` gave to somebody, perhaps before their time, as far as they are due now; what has become of
   * their stacks and attempts meanwhile counts. Outcomes in their order; of kinds that no engine works: done.
   */
  workDue(items: readonly DueItem[]): Promise<readonly DeliveryOutcome[]>;
  /** Works what a machine's new revision may allow now, without a look at what time has made due. */
  sweepRevised(): Promise<number>;
}

const DUE_KINDS: readonly DueKind[] = ["timer", "deadline", "parked"];
const SWEEP_LIMIT = 256;
const SWEEP_LEASE_MS = 30_000;

/** An engine over a store. */
export function createEngine(deps: EngineDeps, options: EngineOptions = {}): Engine {
  const finder = createMachineFinder({
    locator: deps.locator,
    clock: deps.clock,
    revisions: deps.store.revisions,
    compile: createCompileRevision(deps.executors),
    onLocated: (name, located) => watch.note(name, located),
  });
  const watch = createRevisionWatch({
    locator: deps.locator,
    store: deps.store,
    clock: deps.clock,
    pins: finder.pins,
  });
  const { store, clock, logger } = deps;
  const apply = toApplyOptions(deps, options);
  const work = (inputs: readonly StackInput[]) =>
    workInputs({ store, clock, logger, finder, apply, births: deps.births }, inputs);

  async function sweepDue(): Promise<number> {
    const now = clock.now();
    const due = await store.takeDue({ kinds: DUE_KINDS, now, limit: SWEEP_LIMIT, leaseMs: SWEEP_LEASE_MS });
    await work(due.flatMap(toInputs).sort(byUrgency));
    return due.length;
  }

  async function sweepRevised(): Promise<number> {
    try {
      const revised = await watch.takeRevised();
      await work(revised);
      return revised.length;
    } catch (error) {
      // Whatever is parked is tried again by time too.
      logger.warn("Machines could not be looked at for newer revisions.", { error });
      return 0;
    }
  }

  return {
    handle: (deliveries) =>
      work(deliveries.map((delivery) => ({ kind: "delivery", stackId: delivery.event.stackId, delivery }))),
    finish: (finished) => work(finished.map((each) => ({ kind: "result", ...each }))),
    sweep: async () => (await sweepDue()) + (await sweepRevised()),
    workDue: (items) => workDue({ store, clock, work }, items),
    sweepRevised,
  };
}

function toApplyOptions({ ids, random = systemRandom }: EngineDeps, options: EngineOptions): WorkDeps["apply"] {
  return {
    ids,
    random,
    limits: { ...DEFAULT_LIMITS, ...options.limits },
    parking: { ...DEFAULT_PARKING, ...options.parking },
    refusedEvents: options.refusedEvents ?? "park",
    allowExternalNext: options.allowExternalNext ?? false,
    unclaimedAtOnce: options.runnersHaveStore ?? true,
    maxDeliveries: options.maxDeliveries ?? 10,
  };
}

/** What ends an attempt comes before what its end may arm or drop. */
function byUrgency(a: StackInput, b: StackInput): number {
  return Number(b.kind === "deadline") - Number(a.kind === "deadline");
}
