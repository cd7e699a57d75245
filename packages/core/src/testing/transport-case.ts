import assert from "node:assert/strict";
import type { TaskMessage } from "../machine/task-message.ts";
import type { DeliveryOutcome, EventDelivery, Subscription, TaskDelivery, Transport } from "../ports/transport.ts";
import type { ConformanceCase } from "./conformance-case.ts";

/** A transport with what its medium needs beside it. */
export interface TransportUnderTest {
  readonly transport: Transport;
  /** Brings a task message under way: by `sendTasks`, or by the commit that dispatches it. */
  sendTask(message: TaskMessage): Promise<void>;
  /** What the commit does that handles an event; nothing where `done` is enough. */
  finishEvent(delivery: EventDelivery): Promise<void>;
  /** What the claim does that takes a task up; nothing where `done` is enough. */
  finishTask(delivery: TaskDelivery): Promise<void>;
  /** Lets so much time pass, and everything happen that is due. */
  advance(ms: number): Promise<void>;
}

export const DONE: DeliveryOutcome = { kind: "done" };
export const RETRY: DeliveryOutcome = { kind: "retry", reason: "The store does not answer." };
export const WHILE = 10_000;
export const LONG = 30 * 60_000;

/** A case that is given its port ready made. */
export function transportCase(
  name: string,
  run: (port: TransportUnderTest) => Promise<void>,
): ConformanceCase<TransportUnderTest> {
  return { name, run: async (create) => run(await create()) };
}

/** Runs the work and stops the consumer afterwards, whatever becomes of it. */
export async function stopAfter(subscription: Subscription, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } finally {
    await subscription.stop();
  }
}

/** The ids in the order in which they were published; of a medium that keeps none, just these. */
export function assertDelivered(
  { transport }: TransportUnderTest,
  delivered: readonly string[],
  published: readonly string[],
): void {
  if (transport.capabilities.keepsOrder) assert.deepEqual(delivered, published);
  else assert.deepEqual(delivered.toSorted(), published.toSorted());
}

/** A promise and what fulfils it. */
export function createGate() {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}
