import { describe, expect, it } from "vitest";
import { recordsConformance } from "../testing/records-conformance.ts";
import { createMemoryRecords } from "./memory-records.ts";

describe("createMemoryRecords", () => {
  for (const c of recordsConformance) it(c.name, () => c.run(async () => createMemoryRecords()));

  it("drops what is expired when told to", async () => {
    const records = createMemoryRecords();
    const { record } = Object(await records.put({ key: "a", value: 1, expected: "absent", expiresAt: 10, now: 0 }));
    await records.put({ key: "b", value: 1, expected: "absent", now: 0 });

    records.removeExpired(10);

    expect(await records.remove("a", record.version + 1)).toBe(true);
    expect(await records.get("b", 10)).toBeDefined();
  });

  it("refuses a value that is not JSON", async () => {
    const put = createMemoryRecords().put({ key: "a", value: undefined, expected: "absent", now: 0 });

    await expect(put).rejects.toMatchObject({ code: "USAGE" });
  });
});
