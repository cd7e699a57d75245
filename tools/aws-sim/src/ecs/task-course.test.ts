import { DescribeTasksCommand, StopTaskCommand } from "@aws-sdk/client-ecs";
import { describe, expect, it } from "vitest";
import { aDefinition, createEcsWorld, NETWORK } from "../testing/a-world.ts";
import { type TaskScript, taskScripts } from "./task-course.ts";

const FARGATE = { taskDefinition: "api", launchType: "FARGATE", networkConfiguration: NETWORK } as const;

/** A task of the family `pair`, with the essential container `app` and the sidecar `proxy`. */
async function runPair(script: TaskScript, stopTimeout?: number) {
  const world = createEcsWorld();
  const containers = [
    { name: "app", ...(stopTimeout === undefined ? {} : { stopTimeout }) },
    { name: "proxy", essential: false },
  ];
  world.ecs.registerTaskDefinition(aDefinition({ family: "pair", containerDefinitions: containers }));
  world.ecs.script("pair", script);
  const { tasks: [task] = [] } = await world.run({ taskDefinition: "pair" });
  const stop = () => world.client.send(new StopTaskCommand({ cluster: "main", task: task?.taskArn ?? "" }));
  return { ...world, task, stop };
}

describe("scripts of tasks", () => {
  it("stop the sidecar when the essential container has exited", async () => {
    const { clock, ecs } = await runPair({ containers: { app: 1 } });
    await clock.advance(60_000);

    expect(ecs.tasks()).toMatchObject([
      {
        lastStatus: "STOPPED",
        stopCode: "EssentialContainerExited",
        containers: [
          { name: "app", exitCode: 1 },
          { name: "proxy", exitCode: 143 },
        ],
      },
    ]);
  });

  it("leave the task alone when a container exits that is not essential", async () => {
    const { clock, ecs } = await runPair({
      runsMs: 30_000,
      containers: { proxy: { exitsAfterMs: 1_000, exitCode: 2 } },
    });
    await clock.advance(10_000);

    expect(ecs.tasks()).toMatchObject([
      { lastStatus: "RUNNING", containers: [{ lastStatus: "RUNNING" }, { lastStatus: "STOPPED", exitCode: 2 }] },
    ]);
  });

  it("kill what does not heed SIGTERM for stopTimeout, 30 s where nothing is said", async () => {
    for (const [stopTimeout, seconds] of [
      [undefined, 30],
      [5, 5],
    ] as const) {
      const { clock, ecs, stop } = await runPair(
        { ...taskScripts.runsOn(), containers: { app: { stopsInMs: 120_000 } } },
        stopTimeout,
      );
      await clock.advance(60_000);
      await stop();
      await clock.advance(seconds * 1_000 - 1);
      expect(ecs.tasks()).toMatchObject([{ lastStatus: "STOPPING" }]);
      await clock.advance(1);
      expect(ecs.tasks()).toMatchObject([
        { lastStatus: "STOPPED", containers: [{ exitCode: 137 }, { exitCode: 143 }] },
      ]);
    }
  });

  it("fail to start without exit codes: on Fargate the task knows why, on an instance the container", async () => {
    const { run, clock, ecs } = createEcsWorld();
    ecs.script("api", taskScripts.cannotPull("docker.io/x:1"));
    ecs.script("migrate", {
      failsToStart: { stoppedReason: "Task failed to start", containerReason: "CannotPullContainerError: no x:1" },
    });
    await run(FARGATE);
    await run();
    await clock.advance(60_000);

    const [fargate, instance] = ecs.tasks();
    expect(fargate).toMatchObject({
      stopCode: "TaskFailedToStart",
      stoppedReason: expect.stringMatching(/^CannotPullContainerError/),
    });
    expect(instance).toMatchObject({
      stoppedReason: "Task failed to start",
      containers: [{ reason: expect.stringMatching(/^CannotPull/) }],
    });
    for (const task of [fargate, instance]) {
      expect(task?.containers[0]).not.toHaveProperty("exitCode");
      expect(task).not.toHaveProperty("startedAt");
    }
  });

  it("end by lack of memory and by interruption", async () => {
    const { run, clock, ecs } = createEcsWorld();
    ecs.script(
      "migrate",
      {
        containers: { app: { exitCode: 137, reason: "OutOfMemoryError: Container killed due to memory usage" } },
      },
      1,
    );
    ecs.script(
      "migrate",
      {
        ...taskScripts.runsOn(),
        endedBy: { afterMs: 5_000, code: "SpotInterruption", reason: "Your Spot Task was interrupted." },
      },
      1,
    );
    await run({ count: 2 });
    await clock.advance(60_000);

    expect(ecs.tasks()).toMatchObject([
      { containers: [{ exitCode: 137, reason: expect.stringMatching(/^OutOfMemoryError/) }] },
      {
        stopCode: "SpotInterruption",
        stoppedReason: "Your Spot Task was interrupted.",
        containers: [{ exitCode: 143 }],
      },
    ]);
  });

  it("never start, until they are stopped; then no container has an exit code", async () => {
    for (const stage of ["PROVISIONING", "PENDING", "ACTIVATING"] as const) {
      const { clock, ecs, stop } = await runPair({ stagesMs: { [stage]: Number.POSITIVE_INFINITY } });
      await clock.advance(3_600_000);
      expect(ecs.tasks()).toMatchObject([{ lastStatus: stage, desiredStatus: "RUNNING" }]);
      await stop();
      const [task] = ecs.tasks();
      expect(task).toMatchObject({
        lastStatus: "STOPPED",
        stopCode: "UserInitiated",
        stoppedReason: "Task stopped by user",
      });
      expect(task?.containers[0]).not.toHaveProperty("exitCode");
    }
  });

  it("go through every state where each has a length", async () => {
    const { run, clock, ecs } = createEcsWorld();
    ecs.script("api", { stagesMs: { DEACTIVATING: 1_000, STOPPING: 1_000 } });
    await run(FARGATE);
    const seen: unknown[] = [];
    for (let second = 0; second < 30; second += 1) {
      const [task] = ecs.tasks();
      if (task?.lastStatus !== seen.at(-1)) seen.push(task?.lastStatus);
      await clock.advance(1_000);
    }

    expect(seen).toEqual([
      ...["PROVISIONING", "PENDING", "ACTIVATING", "RUNNING"],
      ...["DEACTIVATING", "STOPPING", "DEPROVISIONING", "STOPPED"],
    ]);
  });

  it("may leave a container without an exit code", async () => {
    const { clock, ecs } = await runPair({ containers: { app: { hasNoExitCode: true } } });
    await clock.advance(60_000);

    expect(ecs.tasks()[0]?.containers[0]).not.toHaveProperty("exitCode");
  });

  it("are missing for a while, or for good: the API is eventually consistent", async () => {
    const { client, clock, task } = await runPair({ missingMs: 5_000, lostAfterMs: 8_000 });
    const look = async () => {
      const { tasks = [], failures } = await client.send(
        new DescribeTasksCommand({ cluster: "main", tasks: [task?.taskArn ?? ""] }),
      );
      return { count: tasks.length, failures };
    };
    const missing = { count: 0, failures: [{ arn: task?.taskArn, reason: "MISSING" }] };

    expect(await look()).toEqual(missing);
    await clock.advance(5_000);
    expect(await look()).toEqual({ count: 1, failures: [] });
    await clock.advance(3_000);
    expect(await look()).toEqual(missing);
  });
});

describe("events of tasks", () => {});
