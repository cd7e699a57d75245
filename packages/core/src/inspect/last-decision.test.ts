import { describe, expect, it } from "vitest";
import { createMemoryStore } from "../memory/memory-store.ts";
import { aChange, aHistoryEntry, commitNow } from "../testing/store-conformance/store-builders.ts";
import { findLastDecision } from "./last-decision.ts";

describe("findLastDecision", () => {
  it("passes over second deliveries and events of the engine, and finds nothing of an unknown event", async () => {
    const store = createMemoryStore();
    const line = (over: object) => aHistoryEntry("e1", { stackId: "pr-1", ...over });
    const history = [
      line({ outcome: "parked", code: "EVENT_NOT_HANDLED" }),
      line({ outcome: "applied" }),
      line({ outcome: "ignored", code: "DUPLICATE" }),
      line({ outcome: "refused", internal: true }),
    ];
    await commitNow(store, aChange({ stackId: "pr-1", history }));

    expect(await findLastDecision(store, { stackId: "pr-1", eventId: "e1" })).toMatchObject({ outcome: "applied" });
    expect(await findLastDecision(store, { stackId: "pr-1", eventId: "e2" })).toBeUndefined();
  });
});
