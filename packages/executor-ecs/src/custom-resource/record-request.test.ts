import { taskScripts } from "@stackyard/aws-sim";
import { CUSTOM_RESOURCE_RUNS } from "@stackyard/core";
import type { CustomResourceRun } from "@stackyard/core/api";
import { describe, expect, it } from "vitest";
import { createEcsTaskWorld, type EcsTaskWorld, LEAST } from "../testing/an-ecs-task-world.ts";

async function listRuns({ records, clock }: EcsTaskWorld): Promise<readonly CustomResourceRun[]> {
  const { items } = await records.list(CUSTOM_RESOURCE_RUNS, { limit: 100, now: clock.now() });
  return items.map(({ value }) => value as CustomResourceRun);
}

describe("the list of requests", () => {
  it("has each request with its tasks and the answer, the newest first", async () => {
    const world = createEcsTaskWorld();
    await world.until(world.life.create(LEAST));
    await world.until(world.life.update({ ...LEAST, Triggers: "2" }));
    await world.until(world.life.delete());

    const runs = await listRuns(world);

    expect(runs.map(({ requestType, answer }) => [requestType, answer?.status])).toEqual([
      ["Delete", "SUCCESS"],
      ["Update", "SUCCESS"],
      ["Create", "SUCCESS"],
    ]);
    const [created] = runs.slice(-1);
    const [taskArn] = created?.taskArns ?? [];
    expect(created).toMatchObject({
      cluster: "web",
      taskDefinition: expect.stringMatching(/:task-definition\/migrate:1$/),
      answer: { reason: expect.stringMatching(/^RUN: /), data: { Ran: "true", TaskArn: taskArn, ExitCode: "0" } },
    });
    expect(new Set(runs.map(({ resourceId }) => resourceId)).size).toBe(1);
    expect(Date.parse(created?.startedAt ?? "")).toBeLessThan(Date.parse(created?.answeredAt ?? ""));
  });

  it("has the end of the log where a task has failed (aws-cdk-cli#1645)", async () => {
    const world = createEcsTaskWorld();
    world.sim.ecs.script("migrate", { containers: { app: { exitCode: 1, logs: ["starts", "no room"] } } });
    await world.until(world.life.create(LEAST));

    const run = (await listRuns(world)).find(({ requestType }) => requestType === "Create");

    expect(run?.answer).toMatchObject({
      status: "FAILED",
      reason: expect.stringMatching(/^ECS_EXIT_CODE: .* Last lines: starts\nno room$/),
    });
  });

  it("has a request whose tasks run, without an answer", async () => {
    const world = createEcsTaskWorld();
    world.sim.ecs.script("migrate", taskScripts.runsOn());
    void world.life.create(LEAST);
    await world.until(
      (async () => {
        while (world.count("ECS.DescribeTasks") === 0) await world.clock.sleep(1_000);
      })(),
    );

    const [run] = await listRuns(world);

    expect(run).toMatchObject({ requestType: "Create", taskArns: [expect.any(String)] });
    expect(run).not.toHaveProperty("answer");
  });

  it("does not decide about the answer: a table that refuses it is logged", async () => {
    const world = createEcsTaskWorld();
    const { records } = createEcsTaskWorld();
    const broken = createEcsTaskWorld({
      records: {
        ...records,
        put: (input) =>
          input.key.startsWith(CUSTOM_RESOURCE_RUNS) ? Promise.reject(new Error("no room")) : records.put(input),
      },
    });
    await world.until(world.life.create(LEAST));

    const { status } = await broken.until(broken.life.create(LEAST));

    expect(status).toBe("CREATE_COMPLETE");
    expect(broken.logger.lines.map(({ message }) => message)).toContain(
      "The request is missing in the list of requests.",
    );
  });
});
