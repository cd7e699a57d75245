import { type Clock, type Logger, StackyardError, type Store, type Transport } from "@stackyard/core";
import type { createEngine, Retention } from "@stackyard/core/engine";
import type { OutboxRelay, Sender } from "@stackyard/transport-sqs";
import { sendTicks } from "./send-ticks.ts";

/** What the sweep of a schedule works with. */
export interface SweepMinuteDeps {
  readonly store: Store;
  readonly engine: Pick<ReturnType<typeof createEngine>, "sweep" | "sweepRevised">;
  readonly outbox: OutboxRelay;
  readonly transport: Pick<Transport, "capabilities">;
  /** Of the queue `stack-ticks`. Undefined: there is none, and what is due is worked here, up to a minute late. */
  readonly ticks: Sender | undefined;
  readonly retention: Retention;
  /** Works what commits have left behind. */
  readonly drain: (stopAt: number) => Promise<number>;
  /** Measures how the yard stands. Undefined: somebody else does. */
  readonly measure: (() => Promise<void>) | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What a sweep has done. */
export interface SweepReport {
  /** Timers, deadlines and parked events that were worked, or sent to become due. */
  readonly due: number;
  /** Messages of suspended attempts, and of those whose runner is gone. */
  readonly polls: number;
  /** Task messages and events of the store's own queue. */
  readonly drained: number;
}

const MINUTE_MS = 60_000;
const PRUNE_EVERY_MINUTES = 10;
/** A look may read a whole table. The schedule reaches any instance, so none of them knows when the last look was. */
const MEASURE_EVERY_MINUTES = 5;

/**
 * What a schedule does each minute: sends everything that is due before the end of the next minute with the delay that is
 * left, hands lapsed leases out again, finishes what commits have left behind, and prunes. One part that fails holds up no
 * other; then it throws, so that the schedule's alarm sees it. May be killed anywhere, and run twice at a time.
 */
export async function sweepMinute(deps: SweepMinuteDeps, stopAt: number): Promise<SweepReport> {
  const { clock, outbox, engine } = deps;
  const startedAt = clock.now();
  const until = Math.floor(startedAt / MINUTE_MS) * MINUTE_MS + 2 * MINUTE_MS;
  const faults: unknown[] = [];
  const step = async (what: string, run: () => Promise<number>): Promise<number> => {
    try {
      return await run();
    } catch (error) {
      deps.logger.error(`The sweep could not ${what}.`, { error });
      faults.push(error);
      return 0;
    }
  };
  const revised = await step("look at machines", () => engine.sweepRevised());
  const due = await step("take what is due", () => takeDue(deps, { until, stopAt }));
  const polls = await step("send polls", () => sendPolls(deps, { until, stopAt }));
  const lapsed = await step("end lapsed leases", () => outbox.drain({ kinds: ["lapsedLease"], stopAt }));
  const drained = await step("drain the outbox", () => deps.drain(stopAt));
  await step("prune", () => prune(deps, stopAt));
  if (isMinuteOf(startedAt, MEASURE_EVERY_MINUTES)) await measure(deps, stopAt);
  if (faults.length > 0) {
    throw new StackyardError("STORE_UNAVAILABLE", "A part of the sweep failed; the next one does it again.", {
      cause: faults[0],
    });
  }
  return { due: due + revised, polls: polls + lapsed, drained };
}

interface Span {
  readonly until: number;
  readonly stopAt: number;
}

async function takeDue({ store, ticks, clock, engine }: SweepMinuteDeps, span: Span): Promise<number> {
  if (ticks !== undefined) {
    return sendTicks({ store, ticks, clock }, { kinds: ["timer", "deadline", "parked"], ...span });
  }
  for (let worked = 0; ; ) {
    const now = clock.now();
    const swept = now >= span.stopAt ? 0 : await engine.sweep();
    if (swept === 0) return worked;
    worked += swept;
  }
}

/** A queue that delays no single message gets polls when they are due: `stack-ticks` has the delay. */
async function sendPolls({ store, ticks, clock, outbox, transport }: SweepMinuteDeps, span: Span): Promise<number> {
  const { until, stopAt } = span;
  if (transport.capabilities.maxDelayMs >= until - clock.now()) {
    return outbox.drain({ kinds: ["poll"], pollsUntil: until, stopAt });
  }
  if (ticks === undefined) return outbox.drain({ kinds: ["poll"], stopAt });
  return sendTicks({ store, ticks, clock }, { kinds: ["poll"], ...span });
}

async function prune({ store, retention, clock }: SweepMinuteDeps, stopAt: number): Promise<number> {
  if (!isMinuteOf(clock.now(), PRUNE_EVERY_MINUTES)) return 0;
  let calls = 0;
  while (clock.now() < stopAt) {
    calls += 1;
    if (!(await store.prune(retention, clock.now()))) break;
  }
  return calls;
}

/** The last thing, in the time that is left: a sweep that could not be measured has done its work all the same. */
async function measure({ clock, logger, measure: look }: SweepMinuteDeps, stopAt: number): Promise<void> {
  const leftMs = Math.min(MINUTE_MS, stopAt - clock.now());
  if (look === undefined || leftMs <= 0) return;
  const done = new AbortController();
  const measuring = look().catch((error: unknown) => logger.warn("The yard could not be measured.", { error }));
  await Promise.race([measuring, clock.sleep(leftMs, done.signal)]);
  done.abort();
}

function isMinuteOf(now: number, everyMinutes: number): boolean {
  return Math.floor(now / MINUTE_MS) % everyMinutes === 0;
}
