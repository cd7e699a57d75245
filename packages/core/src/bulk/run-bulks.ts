import type { By } from "../access/by.ts";
import { hasEnded } from "../access/credentials.ts";
import { createLeases } from "../engine/built-in-ports.ts";
import { withdrawParked } from "../engine/withdraw-parked.ts";
import { StackyardError } from "../errors/stackyard-error.ts";
import { findLastDecision } from "../inspect/last-decision.ts";
import { defined } from "../machine/json.ts";
import type { Clock, Ids } from "../ports/clock.ts";
import type { Logger } from "../ports/executor.ts";
import type { Lease, Leases, Page, PageInput } from "../ports/records.ts";
import type { QueuedEvent } from "../ports/stack-store.ts";
import type { Store } from "../ports/store.ts";
import {
  type Bulk,
  type BulkItem,
  type BulkPlans,
  type BulkResult,
  type BulkStep,
  chunkOf,
  type EventOperation,
  isOnEvents,
  nextBulkStep,
  toBulkEventId,
  toEventOutcome,
} from "./bulk.ts";
import {
  type BulkItemsInput,
  type BulkRecords,
  createBulkRecords,
  listBulkItems,
  type StoredBulk,
  type StoredChunk,
} from "./bulk-records.ts";

/** Signals that the history has grown. Where no other process applies events, `wait` does so. */
interface ChangeBell {
  readonly count: number;
  wait(count: number, ms: number, signal: AbortSignal): Promise<void>;
}

/** Dependencies of bulks. */
export interface BulksDeps {
  readonly store: Pick<Store, "records" | "enqueue" | "queries" | "load" | "loadParked" | "commit">;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly logger: Logger;
  readonly bell: ChangeBell;
}

/** A new bulk without the fields that are set at its start. The id must be a new one. */
export type NewBulk = Pick<Bulk, "id" | "operation" | "filter" | "message" | "reason" | "sender">;

/** Who ends a bulk, and why. */
export interface CancelBulkInput extends By {
  readonly reason?: string;
}

/** Bulk operations of a yard. Kept for 7 days. */
export interface Bulks {
  /**
   * Stores the bulk with the ids of its items, and begins. Once this resolves, the bulk continues even if processes
   * crash. The event of an item with a plan does that, or is refused.
   */
  start(bulk: NewBulk, ids: readonly string[], plans?: BulkPlans): Promise<Bulk>;
  find(id: string): Promise<StoredBulk | undefined>;
  /** Lists bulks, newest first. */
  list(page: PageInput): Promise<Page<Bulk>>;
  /** Lists running bulks, oldest first, at most 100. */
  listRunning(): Promise<readonly StoredBulk[]>;
  listItems(bulk: Bulk, page: BulkItemsInput): Promise<Page<BulkItem>>;
  /** Ends it after the items that are sent. Returns it; one that is over is unchanged. Throws `NOT_FOUND`. */
  cancel(id: string, input: CancelBulkInput): Promise<Bulk>;
  /** Carries out what other processes have left, now and then, until `stop`. */
  run(): void;
  /**
   * Carries out what other processes have left, in a call by a schedule: begins no step after that instant. Never
   * rejects.
   */
  continueUntil(stopAt: number): Promise<void>;
  stop(): Promise<void>;
}

/** The pause between two looks for bulks whose process is gone. */
const LOOK_MS = 2_000;

/** Creates the bulks of a yard. Any number of processes may do so; a lease decides who carries which one out. */
export function createBulks(deps: BulksDeps): Bulks {
  const { store, clock, ids, logger } = deps;
  const bulks = createBulkRecords(store.records, clock);
  const stopping = new AbortController();
  const leases = createLeases(store.records, { clock });
  const owner = ids.next();
  const carrier = { ...deps, bulks, leases, owner, signal: stopping.signal, stopAt: Number.POSITIVE_INFINITY };
  const active = new Map<string, Promise<void>>();
  let wake = new AbortController();
  let loop: Promise<void> | undefined;

  function noteFailure(error: unknown): void {
    if (stopping.signal.aborted) return;
    logger.warn("A bulk operation could not be carried on; it is tried again.", { error });
  }

  function begin(id: string): void {
    if (active.has(id)) return;
    const work = carryOut(carrier, id)
      .catch(noteFailure)
      .finally(() => active.delete(id));
    active.set(id, work);
  }

  async function look(): Promise<void> {
    while (!stopping.signal.aborted) {
      wake = new AbortController();
      try {
        for (const { bulk } of await bulks.listOpen()) begin(bulk.id);
      } catch (error) {
        noteFailure(error);
      }
      await clock.sleep(LOOK_MS, AbortSignal.any([stopping.signal, wake.signal]));
    }
  }

  function run(): void {
    loop ??= look();
    wake.abort();
  }

  return {
    async start(given, targets, plans) {
      const created = { status: "running", createdAt: clock.now(), done: 0, counts: {} } as const;
      const bulk: Bulk = { ...given, ...created, total: targets.length };
      await bulks.add(bulk, targets, plans);
      run();
      return bulk;
    },
    find: bulks.find,
    list: bulks.list,
    listRunning: async () => (await bulks.listOpen()).filter(({ bulk }) => bulk.status === "running"),
    listItems: (bulk, page) => listBulkItems(bulks, bulk, page),
    async cancel(id, input) {
      const bulk = await cancelBulk({ bulks, clock }, id, input);
      run();
      return bulk;
    },
    run,
    async continueUntil(stopAt) {
      const inTime = { ...carrier, stopAt, decidedWithinMs: DECIDED_IN_CALL_MS };
      try {
        const open = clock.now() < stopAt ? await bulks.listOpen() : [];
        await Promise.all(open.map(({ bulk }) => carryOut(inTime, bulk.id).catch(noteFailure)));
      } catch (error) {
        noteFailure(error);
      }
    },
    async stop() {
      stopping.abort();
      await loop;
      await Promise.all(active.values());
    },
  };
}

async function cancelBulk(
  { bulks, clock }: { readonly bulks: BulkRecords; readonly clock: Clock },
  id: string,
  input: CancelBulkInput,
): Promise<Bulk> {
  for (;;) {
    const stored = await bulks.find(id);
    if (stored === undefined) throw new StackyardError("NOT_FOUND", `The bulk operation "${id}" does not exist.`);
    const { bulk, version } = stored;
    if (bulk.status !== "running" || bulk.cancel !== undefined) return bulk;
    const cancelled = { ...bulk, cancel: { at: clock.now(), ...input } };
    if (await bulks.putBulk(cancelled, version)) return cancelled;
  }
}

/** Dependencies of running a bulk. */
interface Carrier extends BulksDeps {
  readonly bulks: BulkRecords;
  readonly leases: Leases;
  readonly owner: string;
  readonly signal: AbortSignal;
  /** No step begins after it. */
  readonly stopAt: number;
  /** See `BulkProgress`. */
  readonly decidedWithinMs?: number;
}

/** This process's state of the present chunk. */
interface ChunkState {
  readonly n: number;
  readonly sentAt?: number;
  readonly decided: Map<number, BulkResult>;
}

const LEASE_MS = 10_000;
/** A function ends before an item that is never decided would be given up, and the next one begins anew. */
const DECIDED_IN_CALL_MS = 20_000;
const POLL_MS = 250;
const GATHER_MS = 20;

/** Carries a bulk out until it is over, this process stops, or another one has it. */
async function carryOut(carrier: Carrier, id: string): Promise<void> {
  const { leases, owner, signal, bulks, clock, stopAt } = carrier;
  const taken = await leases.acquire(`bulk/${id}`, owner, LEASE_MS);
  if (taken.kind === "held") return;
  let lease: Lease | undefined = taken.lease;
  let state: ChunkState | "over" | undefined;
  try {
    while (lease !== undefined && state !== "over" && !signal.aborted && clock.now() < stopAt) {
      state = await takeStep(carrier, id, state);
      lease = await keep(carrier, lease);
    }
  } finally {
    if (lease !== undefined) await leases.release(lease).catch(() => undefined);
  }
  if (state === "over") await bulks.close(id);
}

async function keep({ leases, clock }: Carrier, lease: Lease): Promise<Lease | undefined> {
  return lease.until - clock.now() < LEASE_MS / 2 ? leases.renew(lease, LEASE_MS) : lease;
}

/** Takes one step. Every write is conditional, so a process that has lost the lease changes nothing. */
async function takeStep(
  carrier: Carrier,
  id: string,
  before: ChunkState | undefined,
): Promise<ChunkState | "over" | undefined> {
  const { bulks, bell, clock, decidedWithinMs } = carrier;
  const stored = await bulks.find(id);
  if (stored === undefined) return "over";
  const { bulk } = stored;
  const n = chunkOf(bulk);
  const kept = bulk.done < bulk.total ? await bulks.findChunk(id, n) : undefined;
  const state = before?.n === n ? before : { n, decided: new Map<number, BulkResult>() };
  const seen = bell.count;
  if (kept?.chunk.sentAt !== undefined) await lookAt(carrier, bulk, kept, state.decided);
  const step = nextBulkStep(bulk, { chunk: kept?.chunk, ...state, decidedWithinMs, now: clock.now() });
  if (step.kind === "send" && (await isEnded(carrier, bulk))) {
    await cancelBulk(carrier, id, { by: "stackyard", reason: ENDED });
    return undefined;
  }
  return follow(carrier, step, { stored, kept, state, seen });
}

const ENDED = "The login or token that started it has ended.";

/** Returns true when the credential has ended that the bulk was started with: it sends no more events for its sender. */
async function isEnded({ store, clock }: Carrier, { sender, cancel }: Bulk): Promise<boolean> {
  if (sender.credential === undefined || cancel !== undefined) return false;
  return hasEnded(store.records, sender.credential, clock.now());
}

interface StepFacts {
  readonly stored: StoredBulk;
  readonly kept: StoredChunk | undefined;
  readonly state: ChunkState;
  /** Rings of the bell before the look. */
  readonly seen: number;
}

async function follow(
  carrier: Carrier,
  step: BulkStep,
  { stored, kept, state, seen }: StepFacts,
): Promise<ChunkState | "over" | undefined> {
  const { bulks, bell, clock, signal } = carrier;
  const { bulk, version } = stored;
  const expected = kept?.version ?? "absent";
  switch (step.kind) {
    case "over":
      return "over";
    case "end":
      await bulks.putBulk(step.bulk, version);
      return undefined;
    case "send": {
      const isRepeat = kept?.chunk.sentAt !== undefined;
      if (!isRepeat && !(await bulks.putChunk(bulk.id, state.n, step.chunk, expected))) return undefined;
      await send(carrier, bulk, { items: step.items, decided: state.decided, isRepeat });
      return { ...state, sentAt: clock.now() };
    }
    case "wait":
      await bell.wait(seen, POLL_MS, signal);
      // One look at the history for all that are decided together.
      await clock.sleep(GATHER_MS, signal);
      return state;
    case "record":
      if (await bulks.putChunk(bulk.id, state.n, step.chunk, expected)) await bulks.putBulk(step.bulk, version);
      return undefined;
  }
}

interface SendInput {
  readonly items: readonly BulkItem[];
  readonly decided: Map<number, BulkResult>;
  /** Another process may have sent them, or a part of them. */
  readonly isRepeat: boolean;
}

async function send({ store, clock }: Carrier, bulk: Bulk, { items, decided, isRepeat }: SendInput): Promise<void> {
  const now = clock.now();
  if (!isOnEvents(bulk.operation)) {
    await store.enqueue(items.map((item) => toEvent(bulk, item, now)));
    return;
  }
  const ids = items.map(({ id }) => id);
  const outcome = toEventOutcome(bulk.operation);
  const found = new Set(await changeEvents(store, { ...bulk, operation: bulk.operation }, { ids, now }));
  for (const { n, id } of items) decided.set(n, { outcome: found.has(id) || isRepeat ? outcome : "gone" });
}

interface ChangeEventsInput {
  readonly ids: readonly string[];
  readonly now: number;
}

/** Returns the ids of the events that were there. */
function changeEvents(
  store: BulksDeps["store"],
  { operation, sender, reason = "" }: Bulk & { readonly operation: EventOperation },
  { ids, now }: ChangeEventsInput,
): Promise<readonly string[]> {
  if (operation === "withdraw") return withdrawParked(store, ids, { by: sender.name, reason, now });
  return store.queries[operation](ids, now);
}

function toEvent(bulk: Bulk, item: BulkItem, receivedAt: number): QueuedEvent {
  const { sender, message, reason } = bulk;
  const id = toBulkEventId(bulk.id, item);
  const body = { ...message, id, stackId: item.id, ...defined({ reason, plan: item.plan }) };
  // Events that senders choose are theirs; those of operations are the yard's.
  const own = bulk.operation === "send" ? undefined : (true as const);
  const facts = defined({ actor: sender.name, sender, own });
  return { id, stackId: item.id, origin: "external", receivedAt, message: body, ...facts };
}

const TAKEN: BulkResult = {
  outcome: "refused",
  code: "DUPLICATE",
  reason: "The id of this item's event was used before for another event.",
};

/** Notes the outcomes in the history of the items of a chunk that was sent. */
async function lookAt(
  { store }: Carrier,
  bulk: Bulk,
  { chunk }: StoredChunk,
  decided: Map<number, BulkResult>,
): Promise<void> {
  if (isOnEvents(bulk.operation)) return;
  const open = chunk.items.filter(({ n, outcome }) => outcome === undefined && !decided.has(n));
  for (const item of open) {
    const line = await findLastDecision(store, { eventId: toBulkEventId(bulk.id, item), stackId: item.id });
    if (line === undefined) continue;
    const { outcome, code, reason } = line;
    decided.set(item.n, line.event === bulk.message["event"] ? { outcome, ...defined({ code, reason }) } : TAKEN);
  }
}
