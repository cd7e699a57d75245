import { Value } from "typebox/value";
import { describe, expect, it } from "vitest";
import { EcsConfig, EcsOutputs, ecsDefinition } from "./definition.ts";

const config = { cluster: "web", taskDefinition: "migrate" };
const DAY_MS = 86_400_000;

describe("EcsConfig", () => {
  it.each([
    [{}, true],
    [{ count: 10 }, true],
    [{ count: 0 }, false],
    [{ count: 11 }, false],
    [{ count: "2" }, false],
    [{ cluster: "" }, false],
    [{ cluster: undefined }, false],
    [{ instances: ["i-1"] }, true],
    [{ instances: "i-1" }, false],
    [{ instances: Array.from({ length: 11 }, () => "i") }, false],
    [{ launchType: "FARGATE" }, true],
    [{ launchType: "LAMBDA" }, false],
    [{ capacityProviders: ["FARGATE_SPOT", { capacityProvider: "asg", weight: 1, base: 0 }] }, true],
    [{ capacityProviders: [] }, false],
    [{ network: { subnets: ["s"], securityGroups: ["g"], assignPublicIp: true } }, true],
    [{ network: { awsvpcConfiguration: { subnets: ["s"], assignPublicIp: "ENABLED" } } }, true],
    [{ network: { subnets: [] } }, false],
    [{ network: { subnets: ["s"], securityGroups: ["1", "2", "3", "4", "5", "6"] } }, false],
    [{ environment: { A: "x", B: 1, C: true } }, true],
    [{ environment: { A: null } }, false],
    [{ timeout: "90m" }, true],
    [{ timeout: "0s" }, false],
    [{ timeout: 60 }, false],
    [{ placementTimeout: "0s" }, true],
    [{ check: "all" }, true],
    [{ check: ["app"] }, true],
    [{ check: [] }, false],
    [{ check: "some" }, false],
    [{ logs: { tail: 0 } }, true],
    [{ logs: { tail: 51 } }, false],
    [{ logs: { success: "done" } }, true],
    [{ logs: { success: "" } }, false],
    [{ other: 1 }, false],
  ])("with %j: %s", (given, valid) => {
    expect(Value.Check(EcsConfig, { ...config, ...given })).toBe(valid);
  });
});

describe("EcsOutputs", () => {
  it("are scalars by name", () => {
    expect(Value.Check(EcsOutputs, { exitCode: 0, logsUrl: "https://x" })).toBe(true);
    expect(Value.Check(EcsOutputs, { taskArns: [] })).toBe(false);
  });
});

describe("ecsDefinition", () => {
  it("gives an attempt its time, two minutes to end, and a day of unwatched time", () => {
    expect(ecsDefinition).toMatchObject({ name: "ecs", resumable: true, cancelWithin: "5m" });
    expect(ecsDefinition.timeout(config)).toBe(DAY_MS + 62 * 60_000);
    expect(ecsDefinition.timeout({ ...config, timeout: "10s" })).toBe(DAY_MS + 130_000);
  });
});
