import { describe, expect, it } from "vitest";
import { createMemoryStore } from "../memory/memory-store.ts";
import { aChange, aHistoryEntry, commitNow } from "../testing/store-conformance/store-builders.ts";
import { findEventFate, toEventFate } from "./event-fate.ts";

describe("the fate of an event", () => {
  it.each([
    ["applied", undefined, "applied"],
    ["removed", undefined, "applied"],
    ["parked", "EVENT_NOT_HANDLED", "parked"],
    ["dead-lettered", "EVENT_UNDECLARED", "refused"],
    ["refused", "NOT_ALLOWED", "refused"],
    ["ignored", "STACK_UNKNOWN", "refused"],
    ["ignored", "EVENT_REPEATED", "repeated"],
  ] as const)("of one that was %s with the code %s is %s", (outcome, code, kind) => {
    expect(toEventFate({ outcome, ...(code && { code }), reason: "why" }).kind).toBe(kind);
  });

  it("is that of its last decision, which no second delivery and no event of the engine changes", async () => {
    const store = createMemoryStore();
    const { queries } = store;
    const line = (over: object) => aHistoryEntry("e1", { stackId: "pr-1", ...over });
    const history = [
      line({ outcome: "parked", code: "EVENT_NOT_HANDLED" }),
      line({ outcome: "dead-lettered", code: "EVENT_NOT_HANDLED", reason: "no" }),
      line({ outcome: "ignored", code: "DUPLICATE" }),
      line({ outcome: "applied", internal: true }),
    ];
    await commitNow(store, aChange({ stackId: "pr-1", history }));

    expect(await findEventFate({ queries }, { stackId: "pr-1", id: "e1" })).toEqual({
      kind: "refused",
      code: "EVENT_NOT_HANDLED",
      reason: "no",
    });
    expect(await findEventFate({ queries }, { stackId: "pr-1", id: "e2" })).toEqual({ kind: "undecided" });
  });

  it("that repeats a parked one is the fate of that one", async () => {
    const store = createMemoryStore();
    const first = aHistoryEntry("e1", { stackId: "pr-1", outcome: "parked", code: "EVENT_NOT_HANDLED" });
    const again = { outcome: "ignored", code: "EVENT_REPEATED", repeats: "e1" } as const;
    await commitNow(
      store,
      aChange({ stackId: "pr-1", history: [first, aHistoryEntry("e2", { stackId: "pr-1", ...again })] }),
    );
    const find = async () => (await findEventFate({ queries: store.queries }, { stackId: "pr-1", id: "e2" })).kind;
    expect([toEventFate(again).kind, await find()]).toEqual(["parked", "parked"]);

    const end = aHistoryEntry("e1", { stackId: "pr-1", outcome: "dead-lettered", code: "EVENT_NOT_HANDLED" });
    await commitNow(store, aChange({ stackId: "pr-1", history: [end] }));

    expect(await find()).toBe("refused");
  });
});
