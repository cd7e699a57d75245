import { DescribeTasksCommand, StopTaskCommand } from "@aws-sdk/client-ecs";
import { describe, expect, it } from "vitest";
import { createEcsWorld, NETWORK } from "../testing/a-world.ts";

describe("a task that ends by itself", () => {
  it("goes through its states by the clock and exits", async () => {
    const { client, clock, run } = createEcsWorld();
    const { tasks: [started] = [], failures } = await run({ startedBy: "me" });
    const look = async () => {
      const { tasks: [task] = [] } = await client.send(
        new DescribeTasksCommand({ cluster: "main", tasks: [started?.taskArn ?? ""] }),
      );
      return task;
    };
    const seen: unknown[] = [];
    for (let second = 0; second < 20; second += 1) {
      const stage = (await look())?.lastStatus;
      if (stage !== seen.at(-1)) seen.push(stage);
      await clock.advance(1_000);
    }

    expect(failures).toEqual([]);
    expect(started).toMatchObject({
      lastStatus: "PENDING",
      desiredStatus: "RUNNING",
      group: "family:migrate",
      startedBy: "me",
    });
    expect(seen).toEqual(["PENDING", "ACTIVATING", "RUNNING", "STOPPED"]);
    expect(await look()).toMatchObject({
      desiredStatus: "STOPPED",
      stopCode: "EssentialContainerExited",
      stoppedReason: "Essential container in task exited",
      startedAt: new Date(Date.UTC(2026, 0, 1, 0, 0, 5)),
      stoppedAt: new Date(Date.UTC(2026, 0, 1, 0, 0, 15)),
      containers: [{ name: "app", lastStatus: "STOPPED", exitCode: 0 }],
    });
  });

  it("has an interface to wait for and to give back where it is awsvpc", async () => {
    const { client, clock, run } = createEcsWorld();
    const { tasks: [started] = [] } = await run({
      taskDefinition: "api",
      launchType: "FARGATE",
      networkConfiguration: NETWORK,
    });
    const seen: unknown[] = [];
    for (let second = 0; second < 25; second += 1) {
      const input = { cluster: "main", tasks: [started?.taskArn ?? ""] };
      const { tasks: [task] = [] } = await client.send(new DescribeTasksCommand(input));
      if (task?.lastStatus !== seen.at(-1)) seen.push(task?.lastStatus);
      await clock.advance(1_000);
    }

    expect(started).toMatchObject({ launchType: "FARGATE", platformVersion: "1.4.0", lastStatus: "PROVISIONING" });
    expect(seen).toEqual(["PROVISIONING", "PENDING", "ACTIVATING", "RUNNING", "DEPROVISIONING", "STOPPED"]);
  });
});

describe("StopTask", () => {
  it("ends a task with SIGTERM and says who did it", async () => {
    const { client, clock, ecs, run } = createEcsWorld();
    ecs.script("migrate", { runsMs: Number.POSITIVE_INFINITY });
    const { tasks: [started] = [] } = await run();
    await clock.advance(60_000);

    const { task } = await client.send(
      new StopTaskCommand({ cluster: "main", task: started?.taskArn ?? "", reason: "enough" }),
    );
    await clock.advance(1_000);

    expect(task).toMatchObject({ lastStatus: "STOPPING", desiredStatus: "STOPPED", stopCode: "UserInitiated" });
    expect(ecs.tasks()).toMatchObject([
      { lastStatus: "STOPPED", stoppedReason: "enough", containers: [{ exitCode: 143 }] },
    ]);
  });
});
