import type { Clock, Logger, Store, Transport } from "@stackyard/core";
import type { Yard } from "@stackyard/core/engine";
import { type BatchItem, type SqsBatch, type SqsBatchResponse, toBatchResponse } from "@stackyard/transport-sqs";
import { parseTick, type Tick, toDueItem } from "./tick.ts";

/** Dependencies of handling ticks. */
interface HandleTicksDeps {
  readonly yard: { readonly engine: Pick<Yard["engine"], "processDue"> };
  readonly store: Pick<Store, "findTaskMessage">;
  readonly transport: Pick<Transport, "sendTasks">;
  readonly clock: Clock;
  readonly logger: Logger;
}

type Outcome = BatchItem["outcome"];

const DONE: Outcome = { kind: "done" };
/**
 * The clocks of two functions differ by milliseconds; ticks that are further ahead are left to the lease of their take.
 */
const MOST_EARLY_MS = 2_000;

/**
 * Handles a batch of `stack-ticks`. Failed ticks are delivered again; other messages are ignored, because the store
 * lists due work.
 */
export async function handleTicks(deps: HandleTicksDeps, { messages }: SqsBatch): Promise<SqsBatchResponse> {
  const ticks = messages.map(({ body }) => parseTick(body));
  for (const [index, tick] of ticks.entries()) {
    if (tick === undefined) deps.logger.error("A message is not a tick.", { messageId: messages[index]?.messageId });
  }
  await waitUntilDue(deps.clock, ticks);
  const worked = await workAll(deps, ticks);
  const items = messages.map(({ messageId }, index) => ({ messageId, lane: "", outcome: worked[index] ?? DONE }));
  return toBatchResponse(items);
}

/** Waits until ticks are due: the clock of the sender may be ahead. */
async function waitUntilDue(clock: Clock, ticks: readonly (Tick | undefined)[]): Promise<void> {
  const now = clock.now();
  const early = ticks.map((tick) => (tick?.dueAt ?? now) - now).filter((ms) => ms > 0 && ms <= MOST_EARLY_MS);
  if (early.length > 0) await clock.sleep(Math.max(...early));
}

async function workAll(deps: HandleTicksDeps, ticks: readonly (Tick | undefined)[]): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = ticks.map(() => DONE);
  const due = ticks.flatMap((tick, index) => {
    const item = tick === undefined ? undefined : toDueItem(tick);
    return item === undefined ? [] : [{ index, item }];
  });
  const worked = await deps.yard.engine.processDue(due.map(({ item }) => item));
  for (const [place, { index }] of due.entries()) outcomes[index] = worked[place] ?? DONE;
  const polls = ticks.map(async (tick, index) => {
    if (tick?.tick === "poll") outcomes[index] = await passOn(deps, tick.attemptId);
  });
  await Promise.all(polls);
  return outcomes;
}

/** Forwards a poll. An attempt that has ended meanwhile still has a message; its claim returns that it is gone. */
async function passOn({ store, transport, logger }: HandleTicksDeps, attemptId: string): Promise<Outcome> {
  try {
    const message = await store.findTaskMessage(attemptId);
    if (message !== undefined) await transport.sendTasks([message]);
    return DONE;
  } catch (error) {
    logger.error("A poll could not be forwarded; it is delivered again.", { error, attemptId });
    return { kind: "retry", reason: String(error) };
  }
}
