import { describe, expect, it } from "vitest";
import { checkDefinition, isFargate } from "./check-definition.ts";

const arn = "arn:aws:ecs:eu-west-1:111122223333:task-definition/api:7";
const networkConfiguration = { awsvpcConfiguration: { subnets: ["subnet-1"] } };

function aDefinition(given: object = {}) {
  return {
    taskDefinitionArn: arn,
    status: "ACTIVE",
    containerDefinitions: [{ name: "app" }, { name: "proxy" }],
    ...given,
  };
}

describe("checkDefinition", () => {
  it.each([
    ["bridge", undefined],
    ["host", undefined],
    [undefined, undefined],
    ["awsvpc", networkConfiguration],
  ])("has nothing against the network mode %s with %j", (networkMode, network) => {
    expect(checkDefinition(aDefinition({ networkMode }), { networkConfiguration: network })).toBeUndefined();
  });

  it.each([
    ["awsvpc", {}, "The task definition api:7 has the network mode awsvpc: name subnets in its network configuration."],
    [
      "bridge",
      { networkConfiguration },
      "The task definition api:7 has the network mode bridge, which takes no network configuration. Leave it out.",
    ],
    [
      "host",
      { launchType: "FARGATE" },
      "The task definition api:7 has the network mode host, and Fargate needs awsvpc.",
    ],
    [
      undefined,
      { capacityProviderStrategy: [{ capacityProvider: "FARGATE_SPOT" }], networkConfiguration },
      "The task definition api:7 has the network mode bridge, and Fargate needs awsvpc.",
    ],
  ])("refuses the network mode %s with %j", (networkMode, run, message) => {
    expect(checkDefinition(aDefinition({ networkMode }), run)).toEqual({ code: "ECS_NETWORK", message });
  });

  it.each(["INACTIVE", "DELETE_IN_PROGRESS"])("refuses a definition that is %s", (status) => {
    expect(checkDefinition(aDefinition({ status }), {})).toMatchObject({ code: "ECS_TASK_DEFINITION" });
  });

  it("refuses names of overrides and checks that are no container, all at once", () => {
    const overrides = { containerOverrides: [{ name: "app" }, { name: "db" }] };

    expect(checkDefinition(aDefinition(), { overrides, check: ["proxy", "cache", "db"] })).toEqual({
      code: "ECS_PROPERTIES_INVALID",
      message: 'No container is called "db", "cache" in api:7; it has "app", "proxy".',
    });
    expect(checkDefinition(aDefinition(), { check: "essential" })).toBeUndefined();
  });

  it("knows Fargate by launch type and by capacity provider", () => {
    expect(isFargate({ launchType: "FARGATE" })).toBe(true);
    expect(
      isFargate({ capacityProviderStrategy: [{ capacityProvider: "asg" }, { capacityProvider: "FARGATE" }] }),
    ).toBe(true);
    expect(isFargate({ launchType: "EC2" })).toBe(false);
    expect(isFargate({})).toBe(false);
  });
});
