// @module-tag promise
import { createFakeClock, type TransportUnderTest, transportConformance } from "@stackyard/core/testing";
import { afterEach, describe, it, vi } from "vitest";
import { createSqsTransport } from "./sqs-transport.ts";
import { type Emulator, startEmulator } from "./testing/start-emulator.ts";

/** Consumers look again each second; after a while nothing but deliveries that come again is waited for. */
const STEP_MS = 1_000;
const WHILE_MS = 10_000;
const LONG_STEP_MS = 10_000;

let emulator: Emulator | undefined;
afterEach(async () => {
  vi.useRealTimers();
  await emulator?.stop();
  emulator = undefined;
});

/** A transport over an emulator whose time, as the transport's, passes only when the case says so. */
async function createPort(suffix: "" | ".fifo"): Promise<TransportUnderTest> {
  const started = await startEmulator();
  emulator = started;
  const clock = createFakeClock();
  vi.useFakeTimers({ toFake: ["Date"], now: clock.now() });
  const transport = createSqsTransport({
    sqs: started.sqs,
    eventQueue: { url: await started.createQueue(`events${suffix}`) },
    taskQueue: { url: await started.createQueue(`tasks${suffix}`) },
    clock,
    waitMs: 0,
    resultKey: "k".repeat(43),
  });
  return {
    transport,
    sendTask: (message) => transport.sendTasks([message]),
    finishEvent: async () => undefined,
    finishTask: async () => undefined,
    async advance(ms) {
      const end = clock.now() + ms;
      await started.settle();
      for (let left = ms; left > 0; left = end - clock.now()) {
        await clock.advance(Math.min(left, ms - left < WHILE_MS ? STEP_MS : LONG_STEP_MS));
        vi.setSystemTime(clock.now());
        await started.settle();
      }
    },
  };
}

describe.each([
  ["standard queues", ""],
  ["FIFO queues", ".fifo"],
] as const)("createSqsTransport over %s", (_, suffix) => {
  for (const c of transportConformance) it(c.name, () => c.run(() => createPort(suffix)));
});
