import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decideRequest, listNeededFacts } from "./decide-request.ts";

const LEAST = { Cluster: "blue", TaskDefinition: "migrate" };
const CRITERIA = { UpdateCriteria: [{ Container: "app", EnvironmentKeys: ["VERSION"] }] };
const CHANGED = [{ container: "app", key: "VERSION" }];
const ROLLBACKS = ["ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS"];

function decide(RequestType: string, properties: unknown, facts = {}) {
  const { kind, ...rest } = decideRequest({ RequestType, ResourceProperties: properties }, facts);
  return [kind, ("code" in rest && rest.code) || ("reason" in rest && rest.reason) || ""];
}

describe("decideRequest", () => {
  it.each(["", "create", "DELETE", "Read"])("refuses the type %j", (type) => {
    expect(decide(type, LEAST)).toEqual(["fail", "ECS_REQUEST_INVALID"]);
    expect(decide(type, {})).toEqual(["fail", "ECS_REQUEST_INVALID"]);
  });

  it.each([undefined, null, "x", {}, { Count: "many" }, { Cluster: "" }, { Cluster: 7 }])(
    "stops on Delete without a look at the properties %j",
    (properties) => {
      expect(decideRequest({ RequestType: "Delete", ResourceProperties: properties })).toEqual({
        kind: "stop",
        cluster: undefined,
      });
    },
  );

  it("reads the cluster alone on Delete", () => {
    const properties = { Cluster: "blue", Count: "many", Timeout: [] };

    expect(decideRequest({ RequestType: "Delete", ResourceProperties: properties })).toEqual({
      kind: "stop",
      cluster: "blue",
    });
  });

  it.each(["Create", "Update"])("refuses wrong properties on %s, all of them in the reason", (RequestType) => {
    const action = decideRequest({ RequestType, ResourceProperties: { Cluster: "", Count: "x", Timeout: 5 } });

    expect(action).toMatchObject({ kind: "fail", code: "ECS_PROPERTIES_INVALID" });
    const reason = action.kind === "fail" ? action.reason : "";
    for (const path of ["/Cluster", "/TaskDefinition", "/Count", "/Timeout"]) expect(reason).toContain(path);
  });

  it.each([
    ["Create", {}, {}, "run", ""],
    ["Create", { Count: "0" }, {}, "none", "COUNT_ZERO"],
    ["Create", { Count: 0, Instances: ["i-1"] }, {}, "none", "COUNT_ZERO"],
    ["Create", { RunOnUpdate: "false", RunOnRollback: "false", ...CRITERIA }, { stackStatus: ROLLBACKS[0] }, "run", ""],
    ["Update", {}, {}, "run", ""],
    ["Update", { Count: "0", RunOnUpdate: "no" }, {}, "none", "COUNT_ZERO"],
    [
      "Update",
      { RunOnUpdate: "no", RunOnRollback: "no" },
      { stackStatus: ROLLBACKS[1] },
      "none",
      "RUN_ON_UPDATE_FALSE",
    ],
    ["Update", { RunOnRollback: "no" }, { stackStatus: ROLLBACKS[0] }, "none", "ROLLBACK"],
    ["Update", { RunOnRollback: "no" }, { stackStatus: ROLLBACKS[1] }, "none", "ROLLBACK"],
    [
      "Update",
      { RunOnRollback: "no", ...CRITERIA },
      { stackStatus: ROLLBACKS[1], changes: CHANGED },
      "none",
      "ROLLBACK",
    ],
    ["Update", { RunOnRollback: "no" }, { stackStatus: "UPDATE_IN_PROGRESS" }, "run", ""],
    ["Update", { RunOnRollback: "no" }, { stackStatus: "UPDATE_ROLLBACK_COMPLETE" }, "run", ""],
    ["Update", { RunOnRollback: "no" }, {}, "run", ""],
    ["Update", { RunOnRollback: "yes" }, { stackStatus: ROLLBACKS[1] }, "run", ""],
    ["Update", CRITERIA, { changes: [] }, "none", "CRITERIA_UNCHANGED"],
    ["Update", CRITERIA, { changes: CHANGED }, "run", ""],
    ["Update", CRITERIA, {}, "run", ""],
    ["Update", {}, { changes: [] }, "run", ""],
    [
      "Update",
      CRITERIA,
      { changes: { kind: "rejected", code: "ECS_CRITERIA_CONTAINER", reason: "none" } },
      "fail",
      "ECS_CRITERIA_CONTAINER",
    ],
  ])("%s with %j and %j: %s %s", (type, properties, facts, kind, reason) => {
    expect(decide(type, { ...LEAST, ...properties }, facts)).toEqual([kind, reason]);
  });

  it("always knows an answer", () => {
    const type = fc.oneof(fc.constantFrom("Create", "Update", "Delete"), fc.string());
    fc.assert(
      fc.property(type, fc.anything(), (RequestType, ResourceProperties) => {
        const action = decideRequest({ RequestType, ResourceProperties });
        expect(action.kind === "stop").toBe(RequestType === "Delete");
      }),
    );
  });
});

describe("listNeededFacts", () => {
  it.each([
    ["Create", { RunOnRollback: "false", ...CRITERIA }, []],
    ["Delete", { RunOnRollback: "false", ...CRITERIA }, []],
    ["Update", {}, []],
    ["Update", { RunOnRollback: "false" }, ["stackStatus"]],
    ["Update", CRITERIA, ["changes"]],
    ["Update", { RunOnRollback: "false", ...CRITERIA }, ["stackStatus", "changes"]],
    ["Update", { RunOnUpdate: "false", RunOnRollback: "false", ...CRITERIA }, []],
    ["Update", { Count: "0", RunOnRollback: "false", ...CRITERIA }, []],
    ["Update", { Count: "many", RunOnRollback: "false" }, []],
  ])("asks for nothing that changes nothing: %s with %j", (RequestType, properties, needed) => {
    expect(listNeededFacts({ RequestType, ResourceProperties: { ...LEAST, ...properties } })).toEqual(needed);
  });
});
