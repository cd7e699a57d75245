import { describe, expect, it } from "vitest";
import { createMemoryRecords } from "../memory/memory-records.ts";
import { createFakeClock } from "../testing/fake-clock.ts";
import { leasesConformance } from "../testing/leases-conformance.ts";
import { createLeases } from "./built-in-ports.ts";

describe("createLeases", () => {
  for (const c of leasesConformance) {
    it(c.name, () =>
      c.run(async () => {
        const clock = createFakeClock();
        return { clock, leases: createLeases(createMemoryRecords(), { clock }) };
      }),
    );
  }

  it("keeps leases under a prefix of their own, and takes a foreign value for a free lease", async () => {
    const clock = createFakeClock();
    const records = createMemoryRecords();
    await records.put({ key: "locks/a", value: "foreign", expected: "absent", now: clock.now() });
    const leases = createLeases(records, { clock, prefix: "locks/" });

    expect(await leases.find("a")).toBeUndefined();
    expect(await leases.acquire("a", "ada", 1_000)).toMatchObject({ kind: "acquired" });
    expect((await records.list("locks/", { limit: 10, now: clock.now() })).items).toHaveLength(1);
  });
});
