import { StackyardError } from "@stackyard/core";
import { createMemoryStore } from "@stackyard/core/engine";
import { createFakeClock } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { loadResultKey } from "./load-result-key.ts";

const clock = createFakeClock();

describe("loadResultKey", () => {
  it("is the same for two processes of a yard that start at the same time, and another one for another yard", async () => {
    const store = createMemoryStore();

    const [first, second] = await Promise.all([loadResultKey(store, clock), loadResultKey(store, clock)]);

    expect(first).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(second).toBe(first);
    expect(await store.records.get("transport/result-key", clock.now())).toMatchObject({ value: { key: first } });
    expect(await loadResultKey(createMemoryStore(), clock)).not.toBe(first);
  });

  it("closes the store when the key cannot be read", async () => {
    const failure = new StackyardError("STORE_UNAVAILABLE", "The store does not answer.");
    let closed = 0;
    const { records } = createMemoryStore();
    const store = {
      records: { ...records, get: () => Promise.reject(failure) },
      close: async () => {
        closed += 1;
      },
    };

    await expect(loadResultKey(store, clock)).rejects.toBe(failure);
    expect(closed).toBe(1);
  });
});
