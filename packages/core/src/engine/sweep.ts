import type { AuditSealer } from "../access/audit-seal.ts";
import { StackyardError } from "../errors/stackyard-error.ts";
import { isAhead } from "../machine/decide/correct-instants.ts";
import { defined, isMap } from "../machine/json.ts";
import type { Clock, Ids } from "../ports/clock.ts";
import type { Logger } from "../ports/executor.ts";
import type { Lease } from "../ports/records.ts";
import type { Retention, Store } from "../ports/store.ts";
import type { Subscription } from "../ports/transport.ts";
import type { DueKind } from "../ports/work-queue.ts";
import { readClock, type SeenClock } from "../steady-clock.ts";
import { within } from "../within.ts";
import { createLeases } from "./built-in-ports.ts";
import type { Engine } from "./engine.ts";
import type { OutboxRelay, TickSender } from "./relay.ts";

/** Dependencies of the sweep. */
export interface SweepDeps {
  readonly engine: Pick<Engine, "sweep" | "sweepRevised" | "sweepMistimed" | "noteCorrected">;
  readonly store: Pick<Store, "takeDue" | "nextDueAt" | "prune" | "correctAttempts" | "records">;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Names this process among those that may prune, and seal the audit log. */
  readonly owner: string;
  /** Set if the transport does not read the store. Default: consumers read the messages of commits from the store. */
  readonly outbox?: SweptOutbox | undefined;
  /** Sends due work ahead. Default: the sweep applies it itself. */
  readonly ticks?: TickSender | undefined;
  readonly ids: Ids;
  /** Records that the yard is looking, before due work is applied. Default: the yard is never away. */
  readonly watch?: (() => Promise<void>) | undefined;
  /** Measures the yard. Default: it is not measured. */
  readonly measure?: (() => Promise<void>) | undefined;
}

/** The outbox of a store that the transport does not read. */
interface SweptOutbox {
  readonly relay: OutboxRelay;
  /** The longest delay of a task message. */
  readonly maxDelayMs: number;
  /** Sends or applies work that commits have left, until that instant. */
  drain(stopAt: number): Promise<number>;
}

/** The times for which a sweep keeps rows. */
export interface SweepRetention extends Retention {
  /** Lines of the audit log. Default: 400 days. */
  readonly auditMs?: number | undefined;
}

/** One call by a schedule. */
export interface SweepSpan {
  /** Work that is due by then is sent ahead, if there is a `TickSender`. */
  readonly until: number;
  /** The instant after which no work is started. */
  readonly stopAt: number;
  /** True if the yard is measured. Default: in every fifth minute. */
  readonly measures?: boolean;
}

/** The result of a sweep. */
export interface SweepReport {
  /** Timers, deadlines and parked events that were applied, or sent ahead. */
  readonly due: number;
  /** Messages of suspended attempts, and of attempts whose lease has expired. */
  readonly polls: number;
  /** Task messages and events of the store's own queue. */
  readonly drained: number;
  /** Due work waits until the clock can be trusted. */
  readonly isHeld: boolean;
}

/** Due work that the engine applies. */
const ENGINE_KINDS: readonly DueKind[] = ["timer", "deadline", "parked"];
/** Messages that wait in the store if the transport does not read it. */
const OUTBOX_KINDS: readonly DueKind[] = ["poll", "lapsedLease", "event", "task"];
// A timer that another process set, or that was set while this one slept, fires at most this much too late.
const LONGEST_SLEEP_MS = 1_000;
// A store may report due work but return none, because another process has it.
const SHORTEST_SLEEP_MS = 10;
const PRUNE_EVERY_MS = 600_000;
const PRUNE_LEASE = "prune";
const CLOCK_KEY = "yard/clock";
const MINUTE_MS = 60_000;
/** The schedule may call any process, and a measurement may read a whole table. */
const MEASURE_EVERY_MINUTES = 5;
/** The number of items that are sent ahead at once. A process that crashes has received no more than these. */
const TICKS_AT_ONCE = 100;
/**
 * The time for which items that were sent ahead remain received after they are due. Long enough that the next sweep does not send
 * them again while they are in the queue, and short enough that a lost one is soon found.
 */
const TICK_LEASE_MS = 180_000;

/** The pauses of a loop of sweeps. */
export interface SweepLoopOptions {
  /** Default: 1 s. Each query for due work on DynamoDB costs a few dozen reads. */
  readonly longestSleepMs?: number;
  /** Default: 10 ms. */
  readonly shortestSleepMs?: number;
}

/** Starts a loop that applies due work and deletes expired rows, unless another process deletes them. */
export function startSweep(
  deps: SweepDeps,
  retention: SweepRetention,
  { longestSleepMs = LONGEST_SLEEP_MS, shortestSleepMs = SHORTEST_SLEEP_MS }: SweepLoopOptions = {},
): Subscription {
  const stopping = new AbortController();
  const { clock, store, logger, outbox } = deps;
  const sweep = createSweep(deps, retention);
  const kinds = outbox === undefined ? ENGINE_KINDS : [...ENGINE_KINDS, ...OUTBOX_KINDS];
  const loop = run();

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      // The sweep itself logs its failures.
      const report = await sweep().catch(() => undefined);
      const worked = report === undefined ? 0 : report.due + report.polls + report.drained;
      if (worked === 0) await clock.sleep(await sleepMs(report), stopping.signal);
    }
  }

  async function sleepMs(report: SweepReport | undefined): Promise<number> {
    // Due work does not hurry a sweep that has failed, nor one that holds it.
    if (report === undefined || report.isHeld) return longestSleepMs;
    try {
      const dueAt = (await store.nextDueAt(kinds)) ?? Number.POSITIVE_INFINITY;
      return Math.min(longestSleepMs, Math.max(shortestSleepMs, dueAt - clock.now()));
    } catch (error) {
      logger.error("The sweep could not read the next due time.", { error });
      return longestSleepMs;
    }
  }

  return {
    async stop() {
      stopping.abort();
      await loop;
    },
  };
}

/**
 * Returns one sweep: applies due work, or sends it ahead; redelivers expired leases, processes work that commits have
 * left, and prunes. A part that fails does not block others; then it throws, so that the alarm of a schedule is raised.
 * It may be killed anywhere, and may run twice at a time. Without a span it is a turn of a loop, and processes at most
 * one batch of a kind.
 */
export function createSweep(deps: SweepDeps, retention: SweepRetention): (span?: SweepSpan) => Promise<SweepReport> {
  const { clock, engine, logger, outbox } = deps;
  const prune = createPruner(deps, retention);
  const seal = createSealer(deps, retention);
  const findHold = createHold(deps);
  let isHeld = false;

  async function workOnce(): Promise<number> {
    isHeld = await findHold();
    return isHeld ? 0 : engine.sweep();
  }

  async function work(span: SweepSpan | undefined): Promise<number> {
    if (span === undefined) return workOnce();
    for (let worked = 0; ; ) {
      const swept = clock.now() >= span.stopAt ? 0 : await engine.sweep();
      if (swept === 0) return worked;
      worked += swept;
    }
  }

  return async (span) => {
    const startedAt = clock.now();
    const { stopAt = Number.POSITIVE_INFINITY } = span ?? {};
    const faults: unknown[] = [];
    const step = async (what: string, run: () => Promise<number> | undefined): Promise<number> => {
      try {
        return (await run()) ?? 0;
      } catch (error) {
        logger.error(`The sweep could not ${what}; the next sweep retries.`, { error });
        faults.push(error);
        return 0;
      }
    };
    const ahead = span !== undefined && deps.ticks !== undefined ? { ...span, ticks: deps.ticks } : undefined;
    await step("record that the yard is looking", async () => {
      await deps.watch?.();
      return 0;
    });
    const revised =
      ahead === undefined ? 0 : await step("check machines for new revisions", () => engine.sweepRevised());
    const due = await step("process due work", () => (ahead ? sendAhead(deps, ENGINE_KINDS, ahead) : work(span)));
    const polls = await step("send polls", () => outbox && sendPolls(deps, outbox, span));
    const lapsed = await step("end lapsed leases", () => outbox?.relay.drain({ kinds: ["lapsedLease"], stopAt }));
    const drained = await step("drain the outbox", () => outbox?.drain(stopAt));
    await step("seal the audit log", () => seal(span?.stopAt));
    await step("prune", () => prune(span?.stopAt));
    if (isMeasured(span, startedAt)) await measure(deps, stopAt);
    if (faults.length > 0) {
      throw new StackyardError("STORE_UNAVAILABLE", "A part of the sweep failed; the next sweep retries it.", {
        cause: faults[0],
      });
    }
    return { due: due + revised, polls: polls + lapsed, drained, isHeld };
  };
}

/** The items to send ahead, and their receiver. */
interface AheadSpan extends SweepSpan {
  readonly ticks: TickSender;
}

/**
 * Sends due work ahead. If the process crashes between receiving and sending, the lease expires: the work is a few
 * minutes late, not lost.
 */
async function sendAhead(
  { store, clock }: SweepDeps,
  kinds: readonly DueKind[],
  { ticks, until, stopAt }: AheadSpan,
): Promise<number> {
  for (let sent = 0; ; ) {
    const now = clock.now();
    if (now >= stopAt) return sent;
    const take = { kinds, now: Math.max(now, until), limit: TICKS_AT_ONCE, leaseMs: TICK_LEASE_MS };
    const items = await store.takeDue(take);
    if (items.length > 0) await ticks.send(items);
    sent += items.length;
    // Each call costs a DynamoDB yard some twenty reads; items that others have received come with the next sweep.
    if (items.length < TICKS_AT_ONCE) return sent;
  }
}

/** Sends polls. A queue without delays for single messages gets them when they are due: the ticks have the delay. */
async function sendPolls(deps: SweepDeps, { relay, maxDelayMs }: SweptOutbox, span: SweepSpan | undefined) {
  if (span === undefined) return relay.drain({ kinds: ["poll"] });
  const { until, stopAt } = span;
  if (maxDelayMs >= until - deps.clock.now()) return relay.drain({ kinds: ["poll"], pollsUntil: until, stopAt });
  if (deps.ticks === undefined) return relay.drain({ kinds: ["poll"], stopAt });
  return sendAhead(deps, ["poll"], { ...span, ticks: deps.ticks });
}

/** Prunes every ten minutes, unless another process does: a pass reads all ids that the store remembers. */
function createPruner({ engine, store, clock, owner, logger }: SweepDeps, retention: Retention) {
  const { records } = store;
  const leases = createLeases(records, { clock });
  let lease: Lease | undefined;
  let prunedAt = Number.NEGATIVE_INFINITY;

  async function isMine(now: number): Promise<boolean> {
    if (lease !== undefined && now < lease.until) return true;
    const taken = await leases.acquire(PRUNE_LEASE, owner, PRUNE_EVERY_MS);
    lease = taken.kind === "acquired" ? taken.lease : undefined;
    return lease !== undefined;
  }

  /** Prunes a part of the store. Returns true when more is left: a call of the store removes a bounded part. */
  async function pruneSome(): Promise<boolean> {
    const now = clock.now();
    if (now - prunedAt < PRUNE_EVERY_MS) return false;
    const isMore = (await isMine(now)) && (await pruneByClock(now));
    if (!isMore) prunedAt = now;
    return isMore;
  }

  async function pruneByClock(now: number): Promise<boolean> {
    await engine.noteCorrected(await store.correctAttempts(now));
    return (await isTrusted(now)) && (await store.prune(retention, now));
  }

  /** Notes the clock in the store. Returns whether rows may be removed by it; not when another process notes it too. */
  async function isTrusted(now: number): Promise<boolean> {
    const record = await records.get(CLOCK_KEY, now);
    const seen = toSeenClock(record?.value);
    if (seen !== undefined && isAhead(seen.seenAt, now)) await engine.sweepMistimed();
    const { clock: next, hasJumped, isSteady } = readClock(seen, now);
    if (hasJumped && seen !== undefined) {
      const message =
        "The clock has jumped by more than a day. For a day, nothing is removed from the store by its age.";
      logger.warn(message, { from: new Date(seen.seenAt).toISOString(), to: new Date(now).toISOString() });
    }
    const put = await records.put({ key: CLOCK_KEY, value: next, expected: record?.version ?? "absent", now });
    return isSteady && put.kind === "written";
  }

  /** Until that instant; undefined: one part. */
  return async (stopAt?: number): Promise<number> => {
    if (stopAt === undefined) return Number(await pruneSome());
    let parts = 0;
    while (clock.now() < stopAt && (await pruneSome())) parts += 1;
    return parts;
  };
}

/** Long enough for a clock to be set after a start, short for timers of days. */
const HOLD_MS = 600_000;

/**
 * Returns whether a process that runs holds back its due work: for ten minutes after its clock has jumped by more than a day, since the
 * store saw it last or while the process ran, also when another process saw the jump or this one starts again. A wrong clock would end
 * environments whose time has not come; a yard that was off for days loses only these minutes.
 */
function createHold({ store: { records }, clock, logger }: SweepDeps): () => Promise<boolean> {
  let seen: SeenClock | undefined;
  return async () => {
    const now = clock.now();
    seen ??= toSeenClock((await records.get(CLOCK_KEY, now))?.value) ?? { seenAt: now, steadySince: now };
    const { clock: next } = readClock(seen, now);
    if (next.jumpedAt !== seen.jumpedAt) {
      const message =
        "The clock has jumped by more than a day, or the yard was off. Timers wait for 10 minutes: set the clock if it is wrong.";
      logger.warn(message, { from: new Date(seen.seenAt).toISOString(), to: new Date(now).toISOString() });
    }
    seen = next;
    const { jumpedAt = Number.POSITIVE_INFINITY } = seen;
    return now >= jumpedAt && now < jumpedAt + HOLD_MS;
  };
}

function toSeenClock(value: unknown): SeenClock | undefined {
  if (!isMap(value)) return undefined;
  const { seenAt, steadySince, jumpedAt } = value;
  if (typeof seenAt !== "number" || typeof steadySince !== "number") return undefined;
  return { seenAt, steadySince, ...(typeof jumpedAt === "number" && { jumpedAt }) };
}

const SEAL_EVERY_MS = 1_000;
/** The most batches in one turn of the loop, because other work is waiting too. */
const SEALED_BATCHES = 16;

/** Seals entries of the audit log: in a loop each second, in a scheduled call until none waits. */
function createSealer({ store, clock, ids, logger, owner }: SweepDeps, { auditMs }: SweepRetention) {
  const leases = createLeases(store.records, { clock });
  const deps = { records: store.records, leases, clock, ids, logger, owner };
  let opened: AuditSealer | undefined;
  // Most invocations of a function end before they seal, and a start should not read it.
  const open = async () => {
    const { createAuditSealer } = await import("../access/audit-seal.ts");
    opened ??= createAuditSealer(deps, defined({ retentionMs: auditMs }));
    return opened;
  };
  let sealedAt = Number.NEGATIVE_INFINITY;

  /** Returns true when another batch may follow; without a time limit, up to `SEALED_BATCHES` in one turn. */
  const mayGoOn = (stopAt: number | undefined, batches: number): boolean =>
    stopAt === undefined ? batches < SEALED_BATCHES : clock.now() < stopAt;

  return async (stopAt?: number): Promise<number> => {
    if (stopAt === undefined && clock.now() - sealedAt < SEAL_EVERY_MS) return 0;
    const sealer = opened ?? (await open());
    let sum = 0;
    for (let batches = 0; mayGoOn(stopAt, batches); batches += 1) {
      const lines = await sealer.seal();
      sum += lines;
      if (lines > 0) continue;
      sealedAt = clock.now();
      break;
    }
    return sum;
  };
}

/** Measures the yard last, in the time that is left. A sweep succeeds even when the measurement fails. */
async function measure({ clock, logger, measure: look }: SweepDeps, stopAt: number): Promise<void> {
  const leftMs = Math.min(MINUTE_MS, stopAt - clock.now());
  if (look === undefined || leftMs <= 0) return;
  const measuring = look().catch((error: unknown) => logger.warn("The yard could not be measured.", { error }));
  await within(measuring, { clock, ms: leftMs, late: () => undefined });
}

function isMeasured(span: SweepSpan | undefined, startedAt: number): boolean {
  if (span === undefined) return true;
  return span.measures !== false && Math.floor(startedAt / MINUTE_MS) % MEASURE_EVERY_MINUTES === 0;
}
