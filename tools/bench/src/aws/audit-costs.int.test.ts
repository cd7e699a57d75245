import { expect, it } from "vitest";
import { measureAuditCosts } from "./audit-costs.ts";

it("counts what a line of the audit log adds to an event, and its sealing", async () => {
  const costs = await measureAuditCosts(30, {
    plain: { kind: "token", id: "token bench", name: "bench", groups: [] },
    audited: { kind: "person", id: "https://id.example.org ada", name: "ada", groups: [] },
  });

  const [plain, audited, sealed] = costs.map(({ writeUnits }) => writeUnits);
  expect((audited ?? 0) - (plain ?? 0)).toBeGreaterThanOrEqual(1);
  expect((audited ?? 0) - (plain ?? 0)).toBeLessThan(2);
  // Each line is written and removed as pending, and written to the log.
  expect(sealed).toBeGreaterThanOrEqual(3);
  expect(sealed).toBeLessThan(8);
});
