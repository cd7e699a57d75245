import { describe, expect, it } from "vitest";
import { findRunReport } from "./run-report.ts";

describe("findRunReport", () => {
  it("adds the instances of all pages to the counts of the first", () => {
    const counts = { selected: 4, succeeded: 1, failed: 2, running: 1, skipped: 3, notSent: 0 };
    const pages = [
      {
        runId: "run-1",
        counts,
        instances: [
          { instanceId: "i-1", state: "failed", code: "COMMAND_FAILED", roles: [] },
          { instanceId: "i-2", state: "succeeded", roles: [] },
          { instanceId: "i-3", state: "skipped", code: "TAG_MISSING", roles: [] },
        ],
      },
      {
        runId: "run-1",
        instances: [
          { instanceId: "i-4", state: "not-sent", code: "NOT_SENT", roles: [] },
          { instanceId: "i-5", state: "not-sent", roles: [] },
          { instanceId: "i-6", state: "cancelled", code: "TERMINATED", roles: [] },
        ],
      },
    ];

    expect(findRunReport(pages)).toEqual({
      counts,
      failed: [
        { instanceId: "i-1", code: "COMMAND_FAILED" },
        { instanceId: "i-4", code: "NOT_SENT" },
        { instanceId: "i-6", code: "TERMINATED" },
      ],
    });
  });

  it("counts an instance once that stands on two pages while they are written", () => {
    const counts = { selected: 1, succeeded: 1, failed: 0, running: 0, skipped: 0, notSent: 0 };
    const pages = [
      { counts, instances: [{ instanceId: "i-1", state: "failed", code: "COMMAND_FAILED" }] },
      { instances: [{ instanceId: "i-1", state: "succeeded" }] },
    ];

    expect(findRunReport(pages)?.failed).toEqual([]);
  });

  it("finds none before the first page", () => {
    expect(findRunReport([])).toBeUndefined();
    expect(findRunReport([{ instances: [] }])).toBeUndefined();
  });

  it("takes what is no count for none", () => {
    expect(findRunReport([{ counts: { selected: -1, failed: "2", running: 1.5 }, instances: "x" }, null])).toEqual({
      counts: { selected: 0, succeeded: 0, failed: 0, running: 0, skipped: 0, notSent: 0 },
      failed: [],
    });
  });
});
