import { describe, expect, it } from "vitest";
import { createEcsExecutor } from "./ecs.ts";
import { createEcsYard, INSTANCE } from "./testing/an-ecs-yard.ts";

const config = { cluster: "web", taskDefinition: "migrate" };

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
        /^The task would fail with ECS_TASK_DEFINITION\. There is no task definition "gone"/,
      ),
    });
    expect(await plan({ timeout: "1s" })).toEqual({
      summary: "The task would fail with ECS_PROPERTIES_INVALID. /timeout must be from 10s to 7d.",
    });
  });
});
