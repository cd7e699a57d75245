import { describe, expect, it } from "vitest";
import { aDispatch, aPut, HOUR, T0 } from "../testing/store-conformance/store-builders.ts";
import { resultConformance, storeConformance } from "../testing/store-conformance.ts";
import { createMemoryStore } from "./memory-store.ts";

describe("createMemoryStore", () => {
  for (const c of [...storeConformance, ...resultConformance]) it(c.name, () => c.run(async () => createMemoryStore()));

  it("ends an unclaimed attempt at its time-out where runners may have no store", async () => {
    const store = createMemoryStore({ runnersHaveStore: false });

    await store.commit([aPut({}, { dispatches: [aDispatch("a1", { timeoutMs: HOUR })] })]);

    expect((await store.findAttempt("a1"))?.deadlineAt).toBe(T0 + HOUR);
  });
});
