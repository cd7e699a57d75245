import { describe, it } from "vitest";
import { createMemoryStore } from "../memory/memory-store.ts";
import { durableStoreConformance } from "./durable-store-conformance.ts";

describe("durableStoreConformance", () => {
  for (const c of durableStoreConformance) {
    it(`${c.name}, were the memory to outlive the process`, () =>
      c.run(async () => {
        const store = createMemoryStore();
        return { open: async () => store, crash: async () => undefined };
      }));
  }
});
