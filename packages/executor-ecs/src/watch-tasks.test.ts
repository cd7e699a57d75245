import { DescribeTasksCommand, ECSClient, ListTasksCommand } from "@aws-sdk/client-ecs";
import { SimFault } from "@stackyard/aws-sim";
import { mockClient } from "aws-sdk-client-mock";
import { describe, expect, it } from "vitest";
import { startTasks } from "./start-tasks.ts";
import { describeTasks, listTasks, stopTasks } from "./task-order.ts";
import { createEcsYard } from "./testing/an-ecs-yard.ts";

async function createRunning(count: number) {
  const yard = createEcsYard();
  yard.sim.ecs.script("migrate", { runsMs: Number.POSITIVE_INFINITY });
  const deps = { ecs: yard.aws(ECSClient), clock: yard.clock, signal: new AbortController().signal };
  const order = { cluster: "web", taskDefinition: "migrate", count, startedBy: "me", clientToken: "t" };
  const { taskArns } = await startTasks(deps, order, []);
  return { ...yard, deps, taskArns };
}

describe("describeTasks", () => {
  it("requests a hundred at a time and keeps the order", async () => {
    const client = new ECSClient({ region: "eu-west-1" });
    const mock = mockClient(client);
    mock.on(DescribeTasksCommand).callsFake(({ tasks }: { tasks: readonly string[] }) => ({
      tasks: tasks
        .filter((arn) => arn !== "t7")
        .map((taskArn) => ({ taskArn }))
        .reverse(),
      failures: tasks.includes("t7") ? [{ arn: "t7", reason: "MISSING" }] : [],
    }));
    const taskArns = Array.from({ length: 250 }, (_, index) => `t${index}`);

    const { tasks, missing } = await describeTasks(
      { ecs: client, signal: new AbortController().signal },
      { cluster: "web", taskArns },
    );

    expect(tasks.map(({ taskArn }) => taskArn)).toEqual(taskArns.filter((arn) => arn !== "t7"));
    expect(missing).toEqual(["t7"]);
    expect(mock.commandCalls(DescribeTasksCommand).map((call) => call.args[0].input.tasks?.length)).toEqual([
      100, 100, 50,
    ]);
  });

  it("makes no call for an empty list", async () => {
    const { deps, countCalls } = await createRunning(1);

    expect(await describeTasks(deps, { cluster: "web", taskArns: [] })).toEqual({ tasks: [], missing: [] });
    expect(countCalls("ECS.DescribeTasks")).toBe(0);
  });
});

describe("listTasks", () => {
  it("filters by the starter only and follows nextToken", async () => {
    const client = new ECSClient({ region: "eu-west-1" });
    const mock = mockClient(client);
    mock.on(ListTasksCommand).resolves({ taskArns: ["a", "b"], nextToken: "2" });
    mock.on(ListTasksCommand, { nextToken: "2" }).resolves({ taskArns: ["c"] });

    const listed = await listTasks(
      { ecs: client, signal: new AbortController().signal },
      { cluster: "web", startedBy: "me" },
    );

    expect(listed).toEqual(["a", "b", "c"]);
    expect(mock.commandCalls(ListTasksCommand)[0]?.args[0].input).toEqual({ cluster: "web", startedBy: "me" });
  });
});

describe("stopTasks", () => {
  it("stops each with the reason, and treats missing tasks as stopped", async () => {
    const { deps, taskArns, sim } = await createRunning(2);
    const gone = taskArns[0]?.replace(/.$/, "x") ?? "";

    const result = await stopTasks(deps, { cluster: "web", taskArns: [...taskArns, gone], reason: "x".repeat(2_000) });

    expect(result).toEqual({ stopped: taskArns, gone: [gone] });
    expect(sim.calls.at(-1)?.input["reason"]).toHaveLength(1_024);
  });

  it("treats a missing cluster as stopped", async () => {
    const { deps, taskArns } = await createRunning(1);

    expect(await stopTasks(deps, { cluster: "gone", taskArns, reason: "r" })).toEqual({ stopped: [], gone: taskArns });
  });

  it("tries every task before it throws what AWS says of one", async () => {
    const { deps, taskArns, sim, countCalls } = await createRunning(3);
    sim.once("ECS.StopTask", async () => {
      throw new SimFault("AccessDeniedException", 400, "no");
    });

    await expect(stopTasks(deps, { cluster: "web", taskArns, reason: "r" })).rejects.toThrow("no");
    expect(countCalls("ECS.StopTask")).toBe(2);
  });
});
