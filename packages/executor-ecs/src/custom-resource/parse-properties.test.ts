import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseProperties } from "./parse-properties.ts";

const LEAST = { Cluster: "blue", TaskDefinition: "migrate" };
const DEFAULTS = {
  cluster: "blue",
  taskDefinition: "migrate",
  count: 1,
  timeout: 3540,
  pollInterval: 10,
  runOnUpdate: true,
  runOnRollback: true,
  instances: [],
  overrides: {},
  checkContainers: "all",
  placementTimeout: 0,
  stopOnError: false,
};
const GROUP = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef";

/** The problems of these properties together with the required ones. */
function problemsOf(properties: object) {
  const result = parseProperties({ ...LEAST, ...properties });
  return result.kind === "problems" ? result.problems : [];
}

function configOf(properties: object) {
  const result = parseProperties({ ...LEAST, ...properties });
  if (result.kind === "problems") throw new Error(JSON.stringify(result.problems));
  return result.config;
}

describe("parseProperties", () => {
  it("fills in every default", () => {
    expect(parseProperties(LEAST)).toEqual({ kind: "config", config: DEFAULTS, warnings: [] });
  });

  it("takes every scalar as text, as CloudFormation sends it", () => {
    const texts = {
      ServiceToken: "arn",
      Count: "3",
      Timeout: "120",
      PollInterval: "30",
      RunOnUpdate: "No",
      RunOnRollback: "FALSE",
      EnableExecuteCommand: "yes",
      PlacementTimeout: "900",
      ServiceTimeout: "600",
      CapacityProviderStrategy: [{ CapacityProvider: "FARGATE_SPOT", Weight: "4", Base: "1" }],
    };

    expect(configOf(texts)).toEqual({
      ...DEFAULTS,
      count: 3,
      timeout: 120,
      pollInterval: 30,
      runOnUpdate: false,
      runOnRollback: false,
      enableExecuteCommand: true,
      placementTimeout: 900,
      serviceTimeout: 600,
      capacityProviderStrategy: [{ capacityProvider: "FARGATE_SPOT", weight: 4, base: 1 }],
    });
  });

  it("takes the native forms", () => {
    const native = { Count: 3, Timeout: 0, PollInterval: 60, RunOnUpdate: false, EnableExecuteCommand: true };

    expect(configOf(native)).toEqual({
      ...DEFAULTS,
      count: 3,
      timeout: 0,
      pollInterval: 60,
      runOnUpdate: false,
      enableExecuteCommand: true,
    });
  });

  it("passes on how tasks are started, in the spelling of ECS", () => {
    const start = {
      LaunchType: "FARGATE",
      PlatformVersion: "1.4.0",
      Group: "jobs",
      PropagateTags: "TASK_DEFINITION",
      NetworkConfiguration: {
        AwsvpcConfiguration: { Subnets: ["subnet-1"], securityGroups: [], AssignPublicIp: "DISABLED" },
      },
      Tags: [{ Key: "team", Value: "db" }, { Key: "urgent" }],
      PlacementConstraints: [{ Type: "memberOf", Expression: "attribute:x == y" }],
      PlacementStrategy: [{ type: "spread", field: "instanceId" }],
      TargetGroupHealthCheck: GROUP,
    };

    expect(configOf(start)).toEqual({
      ...DEFAULTS,
      launchType: "FARGATE",
      platformVersion: "1.4.0",
      group: "jobs",
      propagateTags: "TASK_DEFINITION",
      networkConfiguration: {
        awsvpcConfiguration: { subnets: ["subnet-1"], securityGroups: [], assignPublicIp: "DISABLED" },
      },
      tags: [{ key: "team", value: "db" }, { key: "urgent" }],
      placementConstraints: [{ type: "memberOf", expression: "attribute:x == y" }],
      placementStrategy: [{ type: "spread", field: "instanceId" }],
      targetGroupHealthCheck: GROUP,
    });
  });

  it("caps the timeout below the hour of CloudFormation", () => {
    expect([10, 3539, 3540, 3541, "3600"].map((Timeout) => configOf({ Timeout }).timeout)).toEqual([
      ...[10, 3539, 3540, 3540, 3540],
    ]);
  });

  it.each([
    ["Count", [-1, 11, "11", "+1", "-1", " 1", "1 ", "1.0", 1.5, "", "one", null, true, [], {}, "1e1", Number.NaN]],
    ["Timeout", [1, 9, "9", 3601, "3601", -1, "-0", "ten", null]],
    ["PollInterval", [0, 9, "9", 61, "61", "", null]],
    ["PlacementTimeout", [-1, 901, "901", "5m"]],
    ["ServiceTimeout", [0, "0", 3601]],
    ["RunOnUpdate", ["1", "0", 1, 0, "on", "off", "", " true", "t", null, [], {}]],
    ["RunOnRollback", ["1", "", 0]],
    ["EnableExecuteCommand", ["1", "", 0]],
    ["Cluster", ["", "  ", 1, null, ["blue"], "x".repeat(2_049)]],
    ["TaskDefinition", ["", 1, null, {}]],
    ["Instances", ["i-1,i-2", "i-1", null, {}, Array.from({ length: 11 }, (_, at) => `i-${at}`)]],
    ["LaunchType", ["fargate", "", "MANAGED", null]],
    ["CapacityProviderStrategy", [{}, "FARGATE", Array(21).fill({ capacityProvider: "FARGATE" })]],
    ["PropagateTags", ["SERVICE", "none", ""]],
    ["NetworkConfiguration", ["", null, [], { awsvpcConfiguration: [] }].slice(0, 3)],
    ["PlacementConstraints", [Array(11).fill({ type: "distinctInstance" }), {}]],
    ["PlacementStrategy", [Array(6).fill({ type: "random" }), "spread"]],
    ["CheckContainers", ["ALL", "", "app", [], null, {}]],
    ["TargetGroupHealthCheck", ["web", "arn:aws:s3:::bucket", "", 1]],
    ["Overrides", ["", "{}", [], null, 1]],
    ["UpdateCriteria", ["", {}, null]],
    ["Tags", [{}, Array(47).fill({ Key: "a", Value: "b" })]],
  ] as const)("rejects what is no %s, and says where", (name, values) => {
    for (const value of values) {
      const problems = problemsOf({ [name]: value });

      expect([value, problems.map(({ path }) => path)]).toEqual([value, [`/${name}`]]);
      expect(problems[0]?.message).toMatch(/\.$|, not |:/);
    }
  });

  it.each([
    ["/Instances/1", { Instances: ["i-1", ""] }],
    ["/CapacityProviderStrategy/0/capacityProvider", { CapacityProviderStrategy: [{ weight: 1 }] }],
    ["/CapacityProviderStrategy/0/weight", { CapacityProviderStrategy: [{ capacityProvider: "a", weight: 1001 }] }],
    ["/NetworkConfiguration/awsvpcConfiguration", { NetworkConfiguration: {} }],
    ["/NetworkConfiguration/awsvpcConfiguration/subnets", { NetworkConfiguration: { awsvpcConfiguration: {} } }],
    [
      "/NetworkConfiguration/awsvpcConfiguration/subnets",
      { NetworkConfiguration: { awsvpcConfiguration: { subnets: [] } } },
    ],
    [
      "/NetworkConfiguration/awsvpcConfiguration/Subnets",
      { NetworkConfiguration: { awsvpcConfiguration: { Subnets: Array(17).fill("subnet-1") } } },
    ],
    [
      "/NetworkConfiguration/awsvpcConfiguration/securityGroups",
      { NetworkConfiguration: { awsvpcConfiguration: { subnets: ["a"], securityGroups: Array(6).fill("sg") } } },
    ],
    [
      "/NetworkConfiguration/awsvpcConfiguration/assignPublicIp",
      { NetworkConfiguration: { awsvpcConfiguration: { subnets: ["a"], assignPublicIp: true } } },
    ],
    [
      "/NetworkConfiguration/awsvpcConfiguration/Subnets",
      { NetworkConfiguration: { awsvpcConfiguration: { subnets: ["a"], Subnets: ["a"] } } },
    ],
    [
      "/NetworkConfiguration/vpc~1id",
      { NetworkConfiguration: { awsvpcConfiguration: { subnets: ["a"] }, "vpc/id": 1 } },
    ],
    ["/PlacementConstraints/0/type", { PlacementConstraints: [{ type: "near" }] }],
    ["/PlacementStrategy/0/type", { PlacementStrategy: [{ field: "cpu" }] }],
    ["/CheckContainers/0", { CheckContainers: [""] }],
    ["/Tags/0/Key", { Tags: [{ Key: "aws:x", Value: "1" }] }],
    ["/Tags/0/Key", { Tags: [{ Key: "stackyard:stack", Value: "1" }] }],
    ["/Tags/0/key", { Tags: [{ value: "a" }] }],
    ["/Tags/0/value", { Tags: [{ key: "a", value: null }] }],
    ["/Overrides/containerOverrides/0/cpu", { Overrides: { containerOverrides: [{ name: "app", cpu: "much" }] } }],
    ["/UpdateCriteria/0/Container", { UpdateCriteria: [{ EnvironmentKeys: ["A"] }] }],
    ["/UpdateCriteria/0/Container", { UpdateCriteria: [{ Container: "", EnvironmentKeys: ["A"] }] }],
    ["/UpdateCriteria/0/EnvironmentKeys", { UpdateCriteria: [{ Container: "app" }] }],
    ["/UpdateCriteria/0/EnvironmentKeys", { UpdateCriteria: [{ Container: "app", EnvironmentKeys: [] }] }],
    ["/UpdateCriteria/0/EnvironmentKeys", { UpdateCriteria: [{ Container: "app", EnvironmentKeys: "A" }] }],
    ["/UpdateCriteria/0/EnvironmentKeys/0", { UpdateCriteria: [{ Container: "app", EnvironmentKeys: [""] }] }],
    ["/UpdateCriteria/0/EnvironmentKey", { UpdateCriteria: [{ Container: "app", EnvironmentKey: "" }] }],
    ["/UpdateCriteria/0/Keys", { UpdateCriteria: [{ Container: "app", EnvironmentKeys: ["A"], Keys: [] }] }],
    [
      "/UpdateCriteria/0/EnvironmentKeys",
      { UpdateCriteria: [{ Container: "app", EnvironmentKeys: ["A"], EnvironmentKey: "A" }] },
    ],
    ["/UpdateCriteria/0", { UpdateCriteria: ["app"] }],
  ])("rejects %s in %j", (path, properties) => {
    const paths = problemsOf(properties).map((problem) => problem.path);

    expect(paths.map((found) => found.replace(/\/EnvironmentKey\/0$/, "/EnvironmentKey"))).toEqual([path]);
  });

  it.each([
    ["/LaunchType", { Instances: ["i-1"], LaunchType: "FARGATE" }],
    ["/CapacityProviderStrategy", { Instances: ["i-1"], CapacityProviderStrategy: [{ capacityProvider: "a" }] }],
    ["/PlacementStrategy", { Instances: ["i-1"], PlacementStrategy: [{ type: "random" }] }],
    ["/LaunchType", { LaunchType: "EC2", CapacityProviderStrategy: [{ capacityProvider: "a" }] }],
    ["/PlatformVersion", { PlatformVersion: "LATEST" }],
    ["/PlatformVersion", { PlatformVersion: "LATEST", LaunchType: "EC2" }],
    ["/PlatformVersion", { PlatformVersion: "LATEST", CapacityProviderStrategy: [{ capacityProvider: "mine" }] }],
  ])("rejects the contradiction at %s of %j", (path, properties) => {
    expect(problemsOf(properties).map((problem) => problem.path)).toEqual([path]);
  });

  it.each([
    { Instances: [], LaunchType: "FARGATE" },
    { Instances: ["i-1"], LaunchType: "EC2" },
    { LaunchType: "EC2", CapacityProviderStrategy: [] },
    { PlatformVersion: "LATEST", CapacityProviderStrategy: [{ capacityProvider: "FARGATE_SPOT" }] },
    { Instances: Array.from({ length: 10 }, (_, at) => `i-${at}`) },
    { CapacityProviderStrategy: Array(20).fill({ capacityProvider: "a" }) },
  ])("takes %j", (properties) => {
    expect(problemsOf(properties)).toEqual([]);
  });

  it("reports all problems at once", () => {
    const result = parseProperties({ Count: "many", Timeout: 5, RunOnUpdate: "maybe", Instances: "i-1" });

    expect(result.kind === "problems" && result.problems.map(({ path }) => path)).toEqual([
      ...["/Count", "/Timeout", "/RunOnUpdate", "/Instances", "/Cluster", "/TaskDefinition"],
    ]);
  });

  it("takes EnvironmentKey as a name for EnvironmentKeys, also for one variable, and an empty list of criteria as none", () => {
    const criterion = { container: "app", environmentKeys: ["A"] };

    expect(configOf({ UpdateCriteria: [{ Container: "app", EnvironmentKey: "A" }] }).updateCriteria).toEqual([
      criterion,
    ]);
    expect(configOf({ UpdateCriteria: [{ Container: "app", EnvironmentKey: ["A"] }] }).updateCriteria).toEqual([
      criterion,
    ]);
    expect(configOf({ UpdateCriteria: [{ Container: "app", EnvironmentKeys: ["A"] }] }).updateCriteria).toEqual([
      criterion,
    ]);
    expect(configOf({ UpdateCriteria: [] })).toEqual(DEFAULTS);
  });

  it("takes the three forms of CheckContainers", () => {
    const forms = ["all", "essential", ["app", "sidecar"]];

    expect(forms.map((CheckContainers) => configOf({ CheckContainers }).checkContainers)).toEqual(forms);
  });

  it("coerces overrides by what ECS wants", () => {
    const Overrides = {
      ContainerOverrides: [{ Name: "app", Cpu: "256", Command: [1, true], Environment: [] }],
      Cpu: 512,
    };

    expect(configOf({ Overrides }).overrides).toEqual({
      containerOverrides: [{ name: "app", cpu: 256, command: ["1", "true"], environment: [] }],
      cpu: "512",
    });
  });

  it("ignores Triggers whatever they are, and names what it does not know", () => {
    const result = parseProperties({ ...LEAST, Triggers: [{ a: null }], ServiceToken: 1, Clutser: "x", "a/b": 1 });

    expect(result).toEqual({
      kind: "config",
      config: DEFAULTS,
      warnings: ["Unknown properties are ignored: Clutser, a~1b."],
    });
  });

  it("warns where StartTask has no use for a property", () => {
    const result = parseProperties({
      ...LEAST,
      Instances: ["i-1"],
      PlacementConstraints: [{ type: "distinctInstance" }],
    });

    expect(result.kind === "config" && result.warnings).toEqual([
      "PlacementConstraints are ignored when Instances is set.",
    ]);
  });

  it.each([undefined, null, "", 1, [], true])("rejects %j for properties", (properties) => {
    expect(parseProperties(properties)).toMatchObject({ kind: "problems", problems: [{ path: "" }] });
  });

  it("reads nothing that is inherited", () => {
    const properties = JSON.parse('{"Cluster":"a","TaskDefinition":"b","__proto__":{"Count":"7"}}');

    expect(parseProperties(properties)).toMatchObject({ kind: "config", config: { count: 1 } });
    expect(parseProperties(Object.create(LEAST))).toMatchObject({ kind: "problems", problems: [{}, {}] });
  });

  it("answers every value, and reads its own limits only", () => {
    const names = [
      "Count",
      "Timeout",
      "Overrides",
      "Instances",
      "UpdateCriteria",
      "NetworkConfiguration",
      "Tags",
      "Group",
    ];
    const properties = fc.dictionary(fc.constantFrom("Cluster", "TaskDefinition", ...names), fc.jsonValue());

    fc.assert(
      fc.property(fc.oneof(fc.anything(), properties), (value) => {
        const result = parseProperties(value);
        if (result.kind === "problems") {
          expect(result.problems.length).toBeGreaterThan(0);
          for (const { path, message } of result.problems)
            expect([typeof path, message !== ""]).toEqual(["string", true]);
          return;
        }
        const { count, timeout, instances } = result.config;
        expect(count).toBeLessThanOrEqual(10);
        expect(timeout).toBeLessThanOrEqual(3_540);
        expect(instances.length).toBeLessThanOrEqual(10);
      }),
      { numRuns: 300 },
    );
  });

  it("reports values that are not JSON", () => {
    expect(parseProperties({ ...LEAST, Count: 1n })).toMatchObject({
      problems: [{ path: "/Count", message: "must be a whole number from 0 to 10; it is 1." }],
    });
  });

  it("reads text and number alike", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -5, max: 4_000 }),
        fc.constantFrom("Count", "Timeout", "PollInterval"),
        (n, name) => {
          expect(parseProperties({ ...LEAST, [name]: `${n}` }).kind).toBe(
            parseProperties({ ...LEAST, [name]: n }).kind,
          );
        },
      ),
    );
  });
});
