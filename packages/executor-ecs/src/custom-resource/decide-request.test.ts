import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ComparedContainer, criteriaChanged, decideRequest, listNeededFacts } from "./decide-request.ts";

const LEAST = { Cluster: "blue", TaskDefinition: "migrate" };
const CRITERIA = { UpdateCriteria: [{ Container: "app", EnvironmentKeys: ["VERSION"] }] };
const CHANGED = [{ container: "app", key: "VERSION" }];
const ROLLBACKS = ["ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS"];

function decide(RequestType: string, properties: unknown, facts = {}) {
  const { kind, ...rest } = decideRequest({ RequestType, ResourceProperties: properties }, facts);
  return [kind, ("code" in rest && rest.code) || ("reason" in rest && rest.reason) || ""];
}

describe("decideRequest", () => {
  it.each(["", "create", "DELETE", "Read"])("rejects the type %j", (type) => {
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

  it.each(["Create", "Update"])("rejects wrong properties on %s, all of them in the reason", (RequestType) => {
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
  ])("requests no unneeded fact: %s with %j", (RequestType, properties, needed) => {
    expect(listNeededFacts({ RequestType, ResourceProperties: { ...LEAST, ...properties } })).toEqual(needed);
  });
});

const KEY_CRITERIA = [{ container: "app", environmentKeys: ["A", "B"] }];

function aDefinition(app: Omit<ComparedContainer, "name"> = {}, ...others: ComparedContainer[]) {
  return { containerDefinitions: [{ name: "app", ...app }, ...others] };
}

function variables(values: Readonly<Record<string, string>>) {
  return { environment: Object.entries(values).map(([name, value]) => ({ name, value })) };
}

function overriding(values: Readonly<Record<string, string>>, name = "app") {
  return { containerOverrides: [{ name, ...variables(values) }] };
}

describe("criteriaChanged", () => {
  it("finds nothing in equal environments, whatever their order", () => {
    const before = aDefinition(variables({ A: "1", B: "2", C: "3" }));
    const after = aDefinition(variables({ C: "4", B: "2", A: "1" }));

    expect(criteriaChanged(KEY_CRITERIA, before, after, {}, {})).toEqual([]);
  });

  it("names container and variable of each difference, and no value", () => {
    const before = aDefinition(variables({ A: "1", B: "2" }));
    const after = aDefinition(variables({ A: "2", B: "1" }));

    expect(criteriaChanged(KEY_CRITERIA, before, after, {}, {})).toEqual([
      { container: "app", key: "A" },
      { container: "app", key: "B" },
    ]);
  });

  it("sees what two variables have swapped", () => {
    const [before, after] = [variables({ A: "1", B: "2" }), variables({ A: "2", B: "1" })].map((app) =>
      aDefinition(app),
    );

    expect(criteriaChanged(KEY_CRITERIA, before, after ?? {}, {}, {})).toHaveLength(2);
  });

  it("distinguishes missing from empty", () => {
    const empty = aDefinition(variables({ A: "" }));

    expect(criteriaChanged(KEY_CRITERIA, aDefinition(), empty, {}, {})).toEqual([{ container: "app", key: "A" }]);
    expect(criteriaChanged(KEY_CRITERIA, empty, aDefinition(), {}, {})).toEqual([{ container: "app", key: "A" }]);
    expect(criteriaChanged(KEY_CRITERIA, aDefinition(), aDefinition(), {}, {})).toEqual([]);
  });

  it("compares secrets by their references", () => {
    const secret = (valueFrom: string) => aDefinition({ secrets: [{ name: "A", valueFrom }] });

    expect(criteriaChanged(KEY_CRITERIA, secret("arn:1"), secret("arn:1"), {}, {})).toEqual([]);
    expect(criteriaChanged(KEY_CRITERIA, secret("arn:1"), secret("arn:2"), {}, {})).toEqual([
      { container: "app", key: "A" },
    ]);
    expect(criteriaChanged(KEY_CRITERIA, aDefinition(variables({ A: "arn:1" })), secret("arn:1"), {}, {})).toHaveLength(
      1,
    );
  });

  it("lets overrides stand above the definition, of their own container only", () => {
    const definition = aDefinition(variables({ A: "1" }), { name: "other" });

    expect(criteriaChanged(KEY_CRITERIA, definition, definition, {}, overriding({ A: "2" }))).toHaveLength(1);
    expect(criteriaChanged(KEY_CRITERIA, definition, definition, {}, overriding({ A: "1" }))).toEqual([]);
    expect(criteriaChanged(KEY_CRITERIA, definition, definition, {}, overriding({ A: "2" }, "other"))).toEqual([]);
    expect(
      criteriaChanged(KEY_CRITERIA, definition, definition, overriding({ A: "2" }), overriding({ A: "2" })),
    ).toEqual([]);
    expect(criteriaChanged(KEY_CRITERIA, definition, definition, undefined, undefined)).toEqual([]);
  });

  it("counts a variable that moves from the definition into an override as the same", () => {
    const before = aDefinition(variables({ A: "1" }));

    expect(criteriaChanged(KEY_CRITERIA, before, aDefinition(), {}, overriding({ A: "1" }))).toEqual([]);
  });

  it("lets the last of two entries with one name win", () => {
    const twice = aDefinition({ environment: [...variables({ A: "1" }).environment, { name: "A", value: "2" }] });

    expect(criteriaChanged(KEY_CRITERIA, twice, aDefinition(variables({ A: "2" })), {}, {})).toEqual([]);
  });

  it("takes a container that only the new definition has for one that had no variables", () => {
    const criteria = [{ container: "new", environmentKeys: ["A", "B"] }];
    const after = aDefinition({}, { name: "new", ...variables({ A: "1" }) });

    expect(criteriaChanged(criteria, aDefinition(), after, {}, {})).toEqual([{ container: "new", key: "A" }]);
  });

  it("rejects a container that the new definition lacks, and says which it has", () => {
    const criteria = [
      { container: "app", environmentKeys: ["A"] },
      { container: "ap", environmentKeys: ["A"] },
    ];

    expect(criteriaChanged(criteria, aDefinition(), aDefinition({}, { name: "log" }), {}, {})).toEqual({
      kind: "rejected",
      code: "ECS_CRITERIA_CONTAINER",
      reason: "UpdateCriteria names ap, and the task definition has no such container. It has: app, log.",
    });
  });

  it("treats everything as changed without an earlier definition", () => {
    expect(criteriaChanged(KEY_CRITERIA, undefined, aDefinition(), {}, {})).toEqual([
      { container: "app", key: "A" },
      { container: "app", key: "B" },
    ]);
  });

  it("names a difference once, in the order of the criteria", () => {
    const criteria = [...KEY_CRITERIA, { container: "app", environmentKeys: ["C", "A"] }];
    const after = aDefinition(variables({ A: "1", C: "2" }));

    expect(criteriaChanged(criteria, aDefinition(), after, {}, {})).toEqual([
      { container: "app", key: "A" },
      { container: "app", key: "C" },
    ]);
  });

  it("is not fooled by names that every object has", () => {
    const criteria = [{ container: "app", environmentKeys: ["constructor", "__proto__"] }];

    expect(criteriaChanged(criteria, aDefinition(), aDefinition(), {}, {})).toEqual([]);
  });
});
