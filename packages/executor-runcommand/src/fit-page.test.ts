import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fitPage, MAX_PAGE_BYTES } from "./fit-page.ts";
import type { FleetInstanceReport } from "./fleet-report.ts";

function aFailure(overrides: Partial<FleetInstanceReport> = {}): FleetInstanceReport {
  return { instanceId: "i-0123456789abcdef0", state: "failed", code: "COMMAND_FAILED", roles: ["web"], ...overrides };
}

describe("fitPage", () => {
  it("leaves what fits alone", () => {
    const page = [aFailure({ stdoutTail: "a".repeat(24_000), stderrTail: "b".repeat(8_000) })];

    expect(fitPage(page)).toEqual(page);
  });

  it("keeps the ends of texts, and says that they are cut", () => {
    const texts = { stdoutTail: `${"a".repeat(23_000)}the end`, stderrTail: "short" };
    const [first] = fitPage(Array.from({ length: 50 }, () => aFailure(texts)));

    expect(first).toMatchObject({ cut: true, stderrTail: "short", stdoutTail: expect.stringMatching(/^a+the end$/) });
    expect(first?.stdoutTail?.length).toBeLessThan(8_000);
  });

  it("does not begin in the middle of a character", () => {
    const page = Array.from({ length: 50 }, () => aFailure({ stdoutTail: `${"😀".repeat(11_000)}x` }));

    for (const { stdoutTail } of fitPage(page)) expect(stdoutTail?.isWellFormed()).toBe(true);
  });

  it("makes any page small enough for a record", () => {
    const instance = fc.record({
      roles: fc.array(fc.string({ maxLength: 63 }), { maxLength: 4 }),
      stdoutTail: fc.constantFrom("", "x".repeat(24_000), "\u0001".repeat(24_000), "é".repeat(24_000)),
      stderrTail: fc.constantFrom("", "\\".repeat(8_000), "😀".repeat(4_000)),
      links: fc.constantFrom({}, { stdout: `https://${"u".repeat(2_000)}`, stderr: `https://${"u".repeat(2_000)}` }),
    });
    fc.assert(
      fc.property(fc.array(instance, { minLength: 50, maxLength: 50 }), (instances) => {
        const page = fitPage(instances.map((each) => aFailure(each)));

        expect(page).toHaveLength(50);
        expect(Buffer.byteLength(JSON.stringify(page))).toBeLessThanOrEqual(MAX_PAGE_BYTES);
      }),
      { numRuns: 30 },
    );
  });
});
