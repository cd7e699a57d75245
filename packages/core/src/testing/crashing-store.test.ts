import { describe, expect, it } from "vitest";
import { createMemoryStore } from "../memory/memory-store.ts";
import { createCrashingStore, ProcessDied } from "./crashing-store.ts";
import { settlePromises } from "./fake-clock.ts";
import { aQueuedEvent } from "./store-conformance/store-builders.ts";

async function countEvents(store: ReturnType<typeof createMemoryStore>): Promise<number> {
  return (await store.queries.stats()).queuedEvents;
}

describe("a crashing store", () => {
  it("forwards calls while no process dies", async () => {
    const memory = createMemoryStore();
    const view = createCrashingStore(memory, () => undefined);

    await view.store.enqueue([aQueuedEvent("a")]);

    expect([await countEvents(memory), view.isDead()]).toEqual([1, false]);
  });

  it.each([
    ["before", 0],
    ["after", 1],
  ] as const)("dies %s a call, which is done then or not", async (crash, events) => {
    const memory = createMemoryStore();
    const view = createCrashingStore(memory, () => crash);

    await expect(view.store.enqueue([aQueuedEvent("a")])).rejects.toThrow(ProcessDied);

    expect([await countEvents(memory), view.isDead()]).toEqual([events, true]);
  });

  it("reaches the store no more after its death, by any of its parts", async () => {
    const memory = createMemoryStore();
    const { store, die } = createCrashingStore(memory, () => undefined);

    die();

    await expect(store.enqueue([aQueuedEvent("a")])).rejects.toThrow(ProcessDied);
    await expect(store.revisions.put({ name: "n", hash: "h", source: "s" }, 0)).rejects.toThrow(ProcessDied);
    await expect(store.records.get("k", 0)).rejects.toThrow(ProcessDied);
    expect([await countEvents(memory), await memory.revisions.get("h")]).toEqual([0, undefined]);
  });

  it("hears nothing of a call that was under way when it died", async () => {
    const memory = createMemoryStore();
    const view = createCrashingStore(
      {
        ...memory,
        enqueue: async (events) => {
          await settlePromises();
          return memory.enqueue(events);
        },
      },
      () => undefined,
    );

    const call = view.store.enqueue([aQueuedEvent("a")]);
    view.die();

    await expect(call).rejects.toThrow(ProcessDied);
    expect(await countEvents(memory)).toBe(1);
  });
});
