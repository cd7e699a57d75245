import { describe, expect, it } from "vitest";
import { createFakeClock } from "./fake-clock.ts";
import { createMemoryTransport } from "./memory-transport.ts";
import { aDispatch } from "./store-conformance/store-builders.ts";
import { transportConformance } from "./transport-conformance.ts";

describe("createMemoryTransport", () => {
  for (const c of transportConformance) {
    it(c.name, () =>
      c.run(async () => {
        const clock = createFakeClock();
        const transport = createMemoryTransport({ clock });
        return {
          transport,
          sendTask: (message) => transport.sendTasks([message]),
          finishEvent: async () => undefined,
          finishTask: async () => undefined,
          advance: clock.advance,
        };
      }),
    );
  }

  it("delivers a task message after its delay", async () => {
    const clock = createFakeClock();
    const transport = createMemoryTransport({ clock });
    const delivered: string[] = [];
    const tasks = transport.consumeTasks(
      async ({ attemptId }) => {
        delivered.push(attemptId);
        return { kind: "done" };
      },
      { batchSize: 1, concurrency: 1 },
    );

    await transport.sendTasks([aDispatch("later").message], { delayMs: 30_000 });
    await transport.sendTasks([aDispatch("now").message]);
    await clock.advance(29_999);
    expect(delivered).toEqual(["now"]);
    await clock.advance(1);

    expect(delivered).toEqual(["now", "later"]);
    await tasks.stop();
  });
});
