import type { Clock, Random } from "../ports/clock.ts";
import type { Store } from "../ports/store.ts";
import type { DueItem, DueKind } from "../ports/work-queue.ts";
import type { SimulatedProcesses } from "./simulated-processes.ts";

/** What a turn of the scheduler works with. */
export interface TurnDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly processes: SimulatedProcesses;
  /** Probability that events are handed to a second engine while the first still works them. */
  readonly duplicateRate: number;
}

const TASK_KINDS: readonly DueKind[] = ["task", "poll", "lapsedLease"];
const QUEUE_LEASE_MS = 60_000;
const MAX_EVENTS = 8;

/** Events, tasks and the sweep at the same time, in an order that chance gives. Gives how much was worked. */
export async function workTurn(deps: TurnDeps): Promise<number> {
  const actions = shuffle([takeEvents, takeEvents, takeTask, sweep], deps.random);
  // A process that dies here counts as work: whoever comes next goes on.
  const worked = await Promise.all(actions.map((act) => act(deps).catch(() => 1)));
  await settlePromises();
  return worked.reduce((sum, count) => sum + count, 0);
}

async function takeEvents(deps: TurnDeps): Promise<number> {
  const engine = deps.processes.engine();
  const limit = 1 + Math.floor(deps.random() * MAX_EVENTS);
  const leaseMs = deps.random() < deps.duplicateRate ? 0 : QUEUE_LEASE_MS;
  const items = await take(deps, ["event"], limit, leaseMs);
  const events = items.flatMap((item) => (item.kind === "event" ? [item] : []));
  if (events.length === 0) return 0;
  const deliveries = events.map(({ event, receipt, deliveries: count }) => {
    return { event, storeReceipt: receipt, deliveries: count };
  });
  const outcomes = await engine.handle(deliveries);
  const failed = events.filter((_, index) => outcomes[index]?.kind !== "done");
  await deps.store.release(
    failed.map(({ receipt }) => receipt),
    deps.clock.now() + 1_000,
  );
  return events.length;
}

async function takeTask(deps: TurnDeps): Promise<number> {
  const items = await take(deps, TASK_KINDS, 1);
  for (const item of items) {
    if (!("message" in item)) continue;
    const { attemptId, message } = item;
    // It may wait for time, which passes only when everybody waits. A worker that dies leaves the attempt to another.
    void deps.processes
      .worker()
      .handle({ attemptId, message, deliveries: 1 })
      .catch(() => undefined);
  }
  return items.length;
}

function sweep({ processes }: TurnDeps): Promise<number> {
  return processes.engine().sweep();
}

function take(
  { store, clock }: TurnDeps,
  kinds: readonly DueKind[],
  limit: number,
  leaseMs = QUEUE_LEASE_MS,
): Promise<readonly DueItem[]> {
  return store.takeDue({ kinds, now: clock.now(), limit, leaseMs });
}

function shuffle<T>(items: readonly T[], random: Random): readonly T[] {
  return items
    .map((item) => ({ item, place: random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ item }) => item);
}

/** Lets everything that is not waiting for time go on. */
export async function settlePromises(): Promise<void> {
  for (let turn = 0; turn < 4; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
