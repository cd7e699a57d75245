import type { Transport } from "@stackyard/core";
import { untilAborted } from "../run-main.ts";
import type { StateManagerParts } from "./open-state-manager.ts";
import { createLonePruner } from "./prune-alone.ts";

type HandleEvents = Parameters<Transport["consumeEvents"]>[0];

/** Events that one commit may take together, and calls at a time: while one commits, others gather. */
const CONSUMING = { batchSize: 50, concurrency: 4 };
/** A timer that another process set while this one slept is at most so late. Each look at DynamoDB is a few dozen reads. */
const LONGEST_SLEEP_MS = { dynamodb: 5_000, postgres: 1_000 } as const;
/** Of the work behind a commit, before its messages are removed. */
const DRAIN_MS = 10_000;
// A store may say that something is due and hand nothing out, because somebody else has it.
const SHORTEST_SLEEP_MS = 250;
const DUE_KINDS = ["timer", "deadline", "parked", "poll", "lapsedLease", "event", "task"] as const;

/**
 * Consumes the event queue and does the work of the schedule in this process, until the signal; then takes nothing new and
 * ends what is under way. Several may run side by side, also beside functions.
 */
export async function runContainer(parts: StateManagerParts, stopping: AbortSignal): Promise<void> {
  const handle: HandleEvents = async (deliveries) => {
    const outcomes = await parts.engine.handle(deliveries);
    // What fails or takes too long here is in the store, and the sweep does it: the messages in hand wait for this.
    await parts.drain(parts.clock.now() + DRAIN_MS, "own").catch((error: unknown) => {
      parts.logger.error("The outbox could not be drained; the sweep tries again.", { error });
    });
    return outcomes;
  };
  const events = parts.transport.consumeEvents(handle, CONSUMING);
  const sweeping = sweepUntil(parts, stopping);
  parts.logger.info("The state manager consumes events.", { queue: parts.environment.queues.events });
  await untilAborted(stopping);
  parts.logger.info("The state manager takes nothing new and ends what is under way.");
  await Promise.all([events.stop(), sweeping]);
}

async function sweepUntil(parts: StateManagerParts, stopping: AbortSignal): Promise<void> {
  const { clock, logger, environment } = parts;
  const longestMs = LONGEST_SLEEP_MS[environment.store?.kind ?? "postgres"];
  const prune = createLonePruner(parts);
  while (!stopping.aborted) {
    try {
      const worked = await sweep(parts);
      await prune();
      await parts.measure().catch((error: unknown) => logger.warn("The yard could not be measured.", { error }));
      if (worked === 0) await clock.sleep(await toSleepMs(parts, longestMs), stopping);
    } catch (error) {
      logger.error("The sweep failed; it tries again.", { error });
      await clock.sleep(longestMs, stopping);
    }
  }
}

async function sweep({ engine, outbox, drain }: StateManagerParts): Promise<number> {
  const swept = await engine.sweep();
  const sent = await outbox.drain({ kinds: ["poll", "lapsedLease"] });
  return swept + sent + (await drain(Number.POSITIVE_INFINITY));
}

async function toSleepMs({ store, clock }: StateManagerParts, longestMs: number): Promise<number> {
  const dueAt = await store.nextDueAt(DUE_KINDS);
  if (dueAt === undefined) return longestMs;
  return Math.min(longestMs, Math.max(SHORTEST_SLEEP_MS, dueAt - clock.now()));
}
