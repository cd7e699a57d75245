import { type FleetInstanceReport, toFleetReport } from "@stackyard/executor-runcommand/report";
import { describe, expect, it } from "vitest";
import { filterInstances, groupInstances, isFleetPage, toErrorBudget, toStanding } from "./fleet-data.ts";

const anInstance = (instanceId: string, more: Partial<FleetInstanceReport> = {}): FleetInstanceReport => {
  return { instanceId, state: "succeeded", roles: ["web"], ...more };
};
const fleet = [
  anInstance("i-1", { state: "failed", code: "COMMAND_FAILED" }),
  anInstance("i-2", { roles: ["web", "db", "web"] }),
  anInstance("i-3", { roles: [], state: "not-sent" }),
  anInstance("i-4", { state: "not-sent", code: "NOT_SENT" }),
];
const idsOf = (instances: readonly FleetInstanceReport[]) => instances.map(({ instanceId }) => instanceId);

describe("filterInstances", () => {
  it.each([
    [{}, ["i-1", "i-2", "i-3", "i-4"]],
    [{ role: "db" }, ["i-2"]],
    [{ role: "" }, ["i-3"]],
    [{ state: "waiting" }, ["i-3"]],
    [{ state: "not sent", role: "web" }, ["i-4"]],
    [{ code: "COMMAND_FAILED" }, ["i-1"]],
  ] as const)("filters by %j", (filter, ids) => {
    expect(idsOf(filterInstances(fleet, filter))).toEqual(ids);
  });
});

describe("groupInstances", () => {
  it("lists an instance under each of its roles once, and those without a role last", () => {
    const groups = groupInstances(fleet, "role").map(({ name, instances }) => [name, idsOf(instances)]);

    expect(groups).toEqual([
      ["db", ["i-2"]],
      ["web", ["i-1", "i-2", "i-4"]],
      ["no role", ["i-3"]],
    ]);
  });

  it("groups by code, or by standing without one", () => {
    expect(groupInstances(fleet, "code").map(({ name }) => name)).toEqual([
      "COMMAND_FAILED",
      "succeeded",
      "waiting",
      "NOT_SENT",
    ]);
  });
});

describe("toErrorBudget", () => {
  const report = toFleetReport([{ runId: "r", instances: fleet }]);

  it.each([
    [undefined, { allowed: 0, used: 1 }],
    [2, { allowed: 2, used: 1 }],
    ["3", { allowed: 3, used: 1 }],
    ["50%", { allowed: 2, used: 1 }],
    ["many", { allowed: 0, used: 1 }],
  ])("reads %s", (maxErrors, budget) => {
    expect(toErrorBudget(maxErrors, report)).toEqual(budget);
  });
});

describe("isFleetPage", () => {
  it.each([
    [{ runId: "r", instances: fleet }, true],
    [{ runId: "r", instances: [{ instanceId: "i-1", state: "failed" }] }, false],
    [{ state: "succeeded", services: {} }, false],
    [null, false],
  ])("judges %j", (page, expected) => {
    expect(isFleetPage(page)).toBe(expected);
  });
});

describe("toStanding", () => {
  it("knows the standings alone", () => {
    expect([toStanding("not sent"), toStanding("odd"), toStanding(undefined)]).toEqual([
      "not sent",
      undefined,
      undefined,
    ]);
  });
});
