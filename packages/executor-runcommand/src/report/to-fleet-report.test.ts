import { describe, expect, it } from "vitest";
import { aFailure, anInstance, aPage, WHOLE_RUN } from "../testing/a-report.ts";
import { standingOf, toFleetReport } from "./to-fleet-report.ts";

describe("toFleetReport", () => {
  it("puts the pages together, failing instances first", () => {
    const report = toFleetReport([
      aPage([anInstance(1), anInstance(9, { state: "skipped", code: "TAG_VALUE", roles: [] })], WHOLE_RUN),
      aPage([
        anInstance(2, { state: "not-sent" }),
        anInstance(3, { state: "running" }),
        anInstance(4, { state: "not-sent", code: "NOT_SENT" }),
        anInstance(5, { state: "cancelled", code: "TERMINATED" }),
        aFailure(7, { code: "UNDELIVERABLE" }),
        aFailure(8),
        aFailure(6),
      ]),
    ]);

    expect(
      report.instances.map((each) => `${Number.parseInt(each.instanceId.slice(2), 16)} ${standingOf(each)}`),
    ).toEqual([
      ...[
        "6 failed",
        "8 failed",
        "7 failed",
        "5 cancelled",
        "4 not sent",
        "3 running",
        "2 waiting",
        "9 skipped",
        "1 succeeded",
      ],
    ]);
    expect(report.counts).toEqual({ selected: 8, succeeded: 1, failed: 4, running: 1, skipped: 1, notSent: 2 });
    expect(report).toMatchObject({ runId: "run-7", source: "pipeline", startedAt: WHOLE_RUN.startedAt });
  });

  it("counts an instance under each of its roles once, and those without one apart", () => {
    const { roles } = toFleetReport([
      aPage([
        anInstance(1, { roles: ["web", "app", "web"] }),
        aFailure(2, { roles: ["web"] }),
        anInstance(3, { roles: [] }),
      ]),
    ]);

    expect(roles.map(({ role, total, counts }) => [role, total, counts.failed, counts.succeeded])).toEqual([
      ["app", 1, 0, 1],
      ["web", 2, 1, 1],
      [undefined, 1, 0, 1],
    ]);
  });

  it("counts an instance once that stands on two pages", () => {
    const { instances, counts } = toFleetReport([aPage([anInstance(1)]), aPage([aFailure(1)])]);

    expect([instances.length, counts.failed, counts.succeeded]).toEqual([1, 1, 0]);
  });

  it("keeps what was skipped as a repetition beside the instance itself", () => {
    const { instances } = toFleetReport([
      aPage([anInstance(1), anInstance(1, { state: "skipped", code: "DUPLICATE" })]),
    ]);

    expect(instances.map(standingOf)).toEqual(["skipped", "succeeded"]);
  });

  it("is of no instances where there is no page", () => {
    expect(toFleetReport([])).toMatchObject({ runId: "", instances: [], roles: [], causes: [] });
  });

  it("is fast for 10,000 instances", () => {
    const pages = Array.from({ length: 200 }, (_, page) =>
      aPage(Array.from({ length: 50 }, (_unused, index) => anInstance(page * 50 + index))),
    );

    expect(toFleetReport(pages).counts.succeeded).toBe(10_000);
  });
});
