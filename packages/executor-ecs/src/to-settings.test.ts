import { describe, expect, it } from "vitest";
import { toSettings } from "./to-settings.ts";

const config = { cluster: "web", taskDefinition: "migrate" };

describe("toSettings", () => {
  it("has defaults", () => {
    expect(toSettings(config)).toEqual({
      kind: "settings",
      settings: {
        timeoutMs: 3_600_000,
        placementTimeoutMs: 300_000,
        check: "essential",
        stopOnTimeout: true,
        tailLines: 50,
        container: undefined,
        environment: [],
        overrides: {},
        order: { cluster: "web", taskDefinition: "migrate", count: 1 },
      },
    });
  });

  it("takes networks in both spellings", () => {
    const subnets = ["subnet-1"];
    const flat = toSettings({ ...config, network: { subnets, assignPublicIp: false } });
    const aws = toSettings({ ...config, network: { awsvpcConfiguration: { subnets, assignPublicIp: "DISABLED" } } });

    expect(flat).toMatchObject({
      settings: { order: { networkConfiguration: { awsvpcConfiguration: { subnets, assignPublicIp: "DISABLED" } } } },
    });
    expect(aws).toEqual(flat);
  });

  it("gives capacity providers by name a weight, and leaves others as they are", () => {
    const capacityProviders = ["FARGATE", { capacityProvider: "FARGATE_SPOT", weight: 4, base: 1 }];

    expect(toSettings({ ...config, capacityProviders })).toMatchObject({
      settings: {
        order: {
          capacityProviderStrategy: [
            { capacityProvider: "FARGATE", weight: 1 },
            { capacityProvider: "FARGATE_SPOT", weight: 4, base: 1 },
          ],
        },
      },
    });
  });

  it.each([
    ["10s", 10_000],
    ["7d", 604_800_000],
  ])("takes a timeout of %s", (timeout, timeoutMs) => {
    expect(toSettings({ ...config, timeout })).toMatchObject({ settings: { timeoutMs } });
  });

  it.each([
    [{ timeout: "9s" }, "/timeout must be from 10s to 7d."],
    [{ timeout: "8d" }, "/timeout must be from 10s to 7d."],
    [{ overrides: { cpu: null } }, "/overrides/cpu must be text, not null."],
    [
      { instances: ["i"], launchType: "FARGATE" as const },
      "/instances and the launch type FARGATE exclude each other.",
    ],
    [{ instances: ["i"], capacityProviders: ["asg"] }, "/instances and /capacityProviders exclude each other."],
    [
      { launchType: "EC2" as const, capacityProviders: ["asg"] },
      "/launchType and /capacityProviders exclude each other.",
    ],
    [{ launchType: "EC2" as const, platformVersion: "1.4.0" }, "/platformVersion is for Fargate only."],
    [{ platformVersion: "1.4.0" }, "/platformVersion is for Fargate only."],
    [
      { timeout: "1s", overrides: { Foo: 1, cpu: null }, platformVersion: "x" },
      "/timeout must be from 10s to 7d; /overrides/Foo is unknown; the keys here are containerOverrides, cpu, memory, taskRoleArn, executionRoleArn, ephemeralStorage; /overrides/cpu must be text, not null; /platformVersion is for Fargate only.",
    ],
  ])("refuses %j", (given, message) => {
    expect(toSettings({ ...config, ...given })).toEqual({ kind: "problems", message });
  });
});
