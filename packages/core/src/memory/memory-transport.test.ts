import { describe, it } from "vitest";
import { createFakeClock } from "../testing/fake-clock.ts";
import { transportConformance } from "../testing/transport-conformance.ts";
import { createMemoryTransport } from "./memory-transport.ts";

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
});
