import type { Clock, Logger, Store, Transport } from "@stackyard/core";
import type { createEngine } from "@stackyard/core/engine";
import { type BatchItem, type SqsBatch, type SqsBatchResponse, toBatchResponse } from "@stackyard/transport-sqs";
import { parseTick, type Tick, toDueItem } from "./tick.ts";

/** What working ticks needs. */
export interface HandleTicksDeps {
  readonly engine: Pick<ReturnType<typeof createEngine>, "workDue">;
  readonly store: Pick<Store, "findTaskMessage">;
  readonly transport: Pick<Transport, "sendTasks">;
  readonly clock: Clock;
  readonly logger: Logger;
}

type Outcome = BatchItem["outcome"];

const DONE: Outcome = { kind: "done" };
/** The clocks of two functions differ by milliseconds; what is further away is left to the lease of its take. */
const MOST_EARLY_MS = 2_000;

/** Works a batch of `stack-ticks`. What fails comes again; what is no tick is passed over, for the store knows what is due. */
export async function handleTicks(deps: HandleTicksDeps, { messages }: SqsBatch): Promise<SqsBatchResponse> {
  const ticks = messages.map(({ body }) => parseTick(body));
  for (const [index, tick] of ticks.entries()) {
    if (tick === undefined) deps.logger.error("A message is no tick.", { messageId: messages[index]?.messageId });
  }
  await waitUntilDue(deps.clock, ticks);
  const worked = await workAll(deps, ticks);
  const items = messages.map(({ messageId }, index) => ({ messageId, lane: "", outcome: worked[index] ?? DONE }));
  return toBatchResponse(items);
}

/** Whoever sent it may have had a clock that was ahead. */
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
  const worked = await deps.engine.workDue(due.map(({ item }) => item));
  for (const [place, { index }] of due.entries()) outcomes[index] = worked[place] ?? DONE;
  const polls = ticks.map(async (tick, index) => {
    if (tick?.tick === "poll") outcomes[index] = await passOn(deps, tick.attemptId);
  });
  await Promise.all(polls);
  return outcomes;
}

/** An attempt that has ended meanwhile has a message still; its claim says that it is gone. */
async function passOn({ store, transport, logger }: HandleTicksDeps, attemptId: string): Promise<Outcome> {
  try {
    const message = await store.findTaskMessage(attemptId);
    if (message !== undefined) await transport.sendTasks([message]);
    return DONE;
  } catch (error) {
    logger.error("A poll could not be passed on; it comes again.", { error, attemptId });
    return { kind: "retry", reason: String(error) };
  }
}
