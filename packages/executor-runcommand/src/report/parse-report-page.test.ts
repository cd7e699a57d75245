import { describe, expect, it } from "vitest";
import { aFailure, aPage, WHOLE_RUN } from "../testing/a-report.ts";
import { parseReportPage } from "./parse-report-page.ts";

describe("parseReportPage", () => {
  it("takes a page, with keys that a newer version has", () => {
    const page = { ...aPage([aFailure(1)], WHOLE_RUN), newer: 1 };

    expect(parseReportPage(page)).toEqual(page);
  });

  it.each([
    ["another executor's", { containers: [] }],
    ["nothing", null],
    ["one with an instance of no known state", aPage([{ ...aFailure(1), state: "odd" as "failed" }])],
    ["one with an instance without roles", { runId: "r", instances: [{ instanceId: "i", state: "failed" }] }],
  ])("rejects %s", (_what, value) => {
    expect(() => parseReportPage(value)).toThrow(expect.objectContaining({ code: "SERVER_ERROR" }));
  });
});
