import type { Job } from "@stackyard/sdk/jobs";
import { Compile } from "typebox/compile";
import { describe, expect, it } from "vitest";
import { EcsConfig } from "../definition.ts";
import { type TaskArgs, toRunExitCode, toTaskConfig } from "./ecs-commands.ts";

const run: Job = { jobId: "run-7", state: "failed", executor: "ecs", config: {}, startedAt: "" };

describe("toRunExitCode", () => {
  it.each([
    ["ECS_EXIT_CODE", 1],
    ["ECS_TASK_STOPPED", 1],
    ["ECS_TASK_LOST", 2],
    ["ECS_TIMEOUT", 2],
    ["ECS_PLACEMENT_FAILED", 3],
    ["ECS_TASK_DEFINITION", 3],
    ["EXECUTOR_UNKNOWN", 3],
  ])("for %s", (code, exitCode) => {
    expect(toRunExitCode({ ...run, error: { code, message: "" } })).toBe(exitCode);
  });

  it.each([
    ["ECS_AWS_ERROR", '["arn:1"]', 2],
    ["ECS_AWS_ERROR", "[]", 3],
    ["ECS_PLACEMENT_FAILED", '["arn:1"]', 1],
    ["ECS_PLACEMENT_FAILED", "[]", 3],
  ])("for %s with the tasks %s, since a script must not run them twice", (code, taskArns, exitCode) => {
    expect(toRunExitCode({ ...run, error: { code, message: "" }, outputs: { taskArns } })).toBe(exitCode);
  });

  it("for a success and for a cancel", () => {
    expect([toRunExitCode({ ...run, state: "succeeded" }), toRunExitCode({ ...run, state: "cancelled" })]).toEqual([
      0, 1,
    ]);
  });
});

const validator = Compile(EcsConfig);
const needed = { cluster: "main", taskDefinition: "migrate" };

describe("toTaskConfig", () => {
  it.each<[string, TaskArgs, object]>([
    ["a cluster and a definition", {}, {}],
    ["how many and where", { count: 2, launchType: "FARGATE" }, { count: 2, launchType: "FARGATE" }],
    [
      "capacity providers",
      { capacityProvider: ["FARGATE_SPOT", "FARGATE"] },
      { capacityProviders: ["FARGATE_SPOT", "FARGATE"] },
    ],
    [
      "a network",
      { subnet: ["subnet-1", "subnet-2"], securityGroup: ["sg-1"], assignPublicIp: true },
      { network: { subnets: ["subnet-1", "subnet-2"], securityGroups: ["sg-1"], assignPublicIp: true } },
    ],
    ["variables", { env: ["A=1=2", "B="] }, { environment: { A: "1=2", B: "" } }],
    [
      "a command",
      { container: "app", command: ["./migrate", "up"] },
      { container: "app", overrides: { containerOverrides: [{ name: "app", command: ["./migrate", "up"] }] } },
    ],
    ["all containers", { check: ["all"] }, { check: "all" }],
    ["some containers", { check: ["app", "all"] }, { check: ["app", "all"] }],
    ["times", { timeout: "2h", placementTimeout: "0s" }, { timeout: "2h", placementTimeout: "0s" }],
  ])("takes %s, as the executor's schema wants them", (_what, args, config) => {
    const given = toTaskConfig({ ...needed, ...args });

    expect(given).toEqual({ ...needed, ...config });
    expect(validator.Check(given)).toBe(true);
  });

  it("lets flags win over the file, and keeps the rest of it", () => {
    const file = {
      ...needed,
      environment: { A: "1", B: "1" },
      network: { awsvpcConfiguration: { subnets: ["subnet-1"] } },
    };

    expect(toTaskConfig({ cluster: "other", env: ["B=2"], securityGroup: ["sg-1"] }, file)).toEqual({
      cluster: "other",
      taskDefinition: "migrate",
      environment: { A: "1", B: "2" },
      network: { subnets: ["subnet-1"], securityGroups: ["sg-1"] },
    });
  });

  it.each<[string, TaskArgs, object, RegExp]>([
    ["no cluster", { taskDefinition: "migrate" }, {}, /--cluster/],
    ["no definition", { cluster: "main" }, {}, /--task-definition/],
    ["a variable without a value", { ...needed, env: ["A"] }, {}, /--env "A" is not name=value/],
    ["a command of no container", { ...needed, command: ["up"] }, {}, /needs --container/],
    [
      "a command together with overrides",
      { ...needed, container: "app", command: ["up"] },
      { overrides: {} },
      /one of them/,
    ],
  ])("rejects %s", (_what, args, file, message) => {
    expect(() => toTaskConfig(args, file as Record<string, unknown>)).toThrow(
      expect.objectContaining({ code: "USAGE", message: expect.stringMatching(message) }),
    );
  });
});
