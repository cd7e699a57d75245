import { describe, it } from "vitest";
import { createMemoryStore } from "../memory/memory-store.ts";
import { silentLogger } from "../ports/logger.ts";
import { createFakeClock } from "../testing/fake-clock.ts";
import { aClaim, aDispatch, aPut, commitNow } from "../testing/store-conformance/store-builders.ts";
import { transportConformance } from "../testing/transport-conformance.ts";
import { createStoreTransport } from "./store-transport.ts";

describe("createStoreTransport", () => {
  for (const c of transportConformance) {
    it(c.name, () =>
      c.run(async () => {
        const clock = createFakeClock();
        const store = createMemoryStore();
        return {
          transport: createStoreTransport({ store, clock, logger: silentLogger }),
          async sendTask(message) {
            const dispatch = aDispatch(message.dispatch.id, { message });
            await commitNow(store, aPut({}, { dispatches: [dispatch], now: clock.now() }));
          },
          finishEvent: ({ storeReceipt = "" }) => store.acknowledge([storeReceipt]),
          async finishTask({ attemptId }) {
            await store.claim(aClaim(attemptId, { now: clock.now(), leaseMs: 3_600_000 }));
          },
          advance: clock.advance,
        };
      }),
    );
  }
});
