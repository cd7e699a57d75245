import { describe, expect, it } from "vitest";
import { createEcsExecutor } from "./ecs.ts";
import { toSettings } from "./ecs-call.ts";
import { createEcsYard, INSTANCE } from "./testing/an-ecs-yard.ts";

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
        stopOnError: false,
        success: undefined,
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
      "/timeout must be from 10s to 7d; /overrides/Foo is unknown; valid keys are containerOverrides, cpu, memory, taskRoleArn, executionRoleArn, ephemeralStorage; /overrides/cpu must be text, not null; /platformVersion is for Fargate only.",
    ],
  ])("rejects %j", (given, message) => {
    expect(toSettings({ ...config, ...given })).toEqual({ kind: "problems", message });
  });
});

async function plan(given: object, yard = createEcsYard()) {
  return createEcsExecutor().plan?.(yard.context(), { ...config, ...given } as never);
}

describe("plan", () => {
  it("shows the resolved revision, images, network and names of what would be overridden", async () => {
    const yard = createEcsYard();
    const overrides = { cpu: 512, containerOverrides: [{ name: "app", command: ["up"] }] };

    const shown = await plan({ count: 2, overrides, environment: { DB_PASSWORD: "hunter2" } }, yard);

    expect(shown).toEqual({
      summary: 'Would run 2 tasks of migrate:1 in "web".',
      details: {
        taskDefinition: "arn:aws:ecs:eu-west-1:111122223333:task-definition/migrate:1",
        containers: [{ name: "app", image: "app@sha256:0123", digest: "sha256:0123", essential: true }],
        network: "bridge",
        overrides: { task: ["cpu"], containers: { app: { keys: ["command"], environment: ["DB_PASSWORD"] } } },
      },
    });
    expect(yard.sim.calls.map(({ operation }) => operation)).toEqual(["ECS.DescribeTaskDefinition"]);
  });

  it.each([
    [{ launchType: "EC2" }, 'Would run one task of migrate:1 in "web" on EC2.'],
    [{ instances: [INSTANCE] }, 'Would run one task of migrate:1 in "web" on one instance.'],
    [{ capacityProviders: ["asg", "b"] }, 'Would run one task of migrate:1 in "web" by asg, b.'],
  ])("says where, with %j", async (given, summary) => {
    expect(await plan(given)).toMatchObject({ summary });
  });

  it("says what would fail", async () => {
    expect(await plan({ taskDefinition: "gone" })).toMatchObject({
      summary: expect.stringMatching(
        /^The task would fail with ECS_TASK_DEFINITION\. The task definition "gone" does not exist/,
      ),
    });
    expect(await plan({ timeout: "1s" })).toEqual({
      summary: "The task would fail with ECS_PROPERTIES_INVALID. /timeout must be from 10s to 7d.",
    });
  });
});
