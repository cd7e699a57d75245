import { describe, it } from "vitest";
import { resultConformance, storeConformance } from "../testing/store-conformance.ts";
import { createMemoryStore } from "./memory-store.ts";

describe("createMemoryStore", () => {
  for (const c of [...storeConformance, ...resultConformance]) it(c.name, () => c.run(async () => createMemoryStore()));
});
