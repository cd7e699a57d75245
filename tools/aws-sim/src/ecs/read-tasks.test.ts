import {
  DescribeTaskDefinitionCommand,
  DescribeTasksCommand,
  type DescribeTasksCommandInput,
  ListTasksCommand,
  type ListTasksCommandInput,
  StopTaskCommand,
  TagResourceCommand,
} from "@aws-sdk/client-ecs";
import { describe, expect, it } from "vitest";
import { aDefinition, createEcsWorld } from "../testing/a-world.ts";
import { taskScripts } from "./task-course.ts";

function createTasks() {
  const world = createEcsWorld();
  const list = async (input: Partial<ListTasksCommandInput> = {}) =>
    world.client.send(new ListTasksCommand({ cluster: "main", ...input }));
  const look = async (tasks: string[], input: Partial<DescribeTasksCommandInput> = {}) =>
    world.client.send(new DescribeTasksCommand({ cluster: "main", tasks, ...input }));
  const stop = (task: string) => world.client.send(new StopTaskCommand({ cluster: "main", task }));
  return { ...world, list, look, stop };
}

describe("DescribeTasks", () => {
  it("accepts up to 100 ids or ARNs, and reports the missing ones", async () => {
    const { run, look } = createTasks();
    const { tasks: [one, two] = [] } = await run({ count: 2 });
    const id = two?.taskArn?.split("/").at(-1) ?? "";
    const strangers = Array.from({ length: 98 }, (_, index) => `none-${index}`);

    const { tasks = [], failures = [] } = await look([one?.taskArn ?? "", id, ...strangers]);

    expect(tasks.map(({ taskArn }) => taskArn)).toEqual([one?.taskArn, two?.taskArn]);
    expect(failures).toHaveLength(98);
    expect(failures[0]).toEqual({ arn: expect.stringMatching(/task\/main\/none-0$/), reason: "MISSING" });
    await expect(look(Array(101).fill("x"))).rejects.toMatchObject({ name: "InvalidParameterException" });
    await expect(look([])).rejects.toMatchObject({ message: "Tasks cannot be empty." });
  });

  it("returns tags on request; they can be added, and StopTask deletes them", async () => {
    const { run, look, client, ecs, stop } = createTasks();
    ecs.registerTaskDefinition(
      aDefinition({
        family: "tagged",
        tags: [
          { key: "a", value: "0" },
          { key: "b", value: "0" },
        ],
      }),
    );
    const { tasks: [task] = [] } = await run({
      taskDefinition: "tagged",
      propagateTags: "TASK_DEFINITION",
      tags: [{ key: "a", value: "1" }],
    });
    const resourceArn = task?.taskArn ?? "";
    const read = async () => (await look([resourceArn], { include: ["TAGS"] })).tasks?.[0]?.tags;

    expect((await look([resourceArn])).tasks?.[0]?.tags).toEqual([]);
    expect(await read()).toEqual([
      { key: "b", value: "0" },
      { key: "a", value: "1" },
    ]);
    await client.send(new TagResourceCommand({ resourceArn, tags: [{ key: "b", value: "2" }] }));
    expect(await read()).toEqual([
      { key: "a", value: "1" },
      { key: "b", value: "2" },
    ]);
    await stop(resourceArn);
    expect(await read()).toEqual([]);
  });

  it("forgets a task an hour after it stopped", async () => {
    const { run, look, clock, stop, list } = createTasks();
    const { tasks: [task] = [] } = await run();
    const arn = task?.taskArn ?? "";
    await clock.advance(15_000 + 3_600_000 - 1);
    expect((await look([arn])).tasks).toHaveLength(1);
    expect((await list({ desiredStatus: "STOPPED" })).taskArns).toEqual([arn]);

    await clock.advance(1);

    expect((await look([arn])).failures).toEqual([{ arn, reason: "MISSING" }]);
    expect((await list({ desiredStatus: "STOPPED" })).taskArns).toEqual([]);
    await expect(stop(arn)).rejects.toMatchObject({ message: "The referenced task was not found." });
  });
});

describe("ListTasks", () => {
  it("gives those who started them, in pages of up to 100", async () => {
    const { run, list, ecs } = createTasks();
    ecs.script("migrate", taskScripts.runsOn());
    for (let call = 0; call < 21; call += 1) await run({ count: 10, startedBy: call % 2 === 0 ? "me" : "you" });
    const found: string[] = [];
    const sizes: number[] = [];
    let nextToken: string | undefined;
    do {
      const page = await list({ startedBy: "me", ...(nextToken && { nextToken }) });
      found.push(...(page.taskArns ?? []));
      sizes.push(page.taskArns?.length ?? 0);
      nextToken = page.nextToken;
    } while (nextToken !== undefined);

    expect(sizes).toEqual([100, 10]);
    expect(new Set(found).size).toBe(110);
    expect((await list({ startedBy: "me", maxResults: 3 })).taskArns).toHaveLength(3);
  });

  it("shows tasks that shall run, and those that shall not on request", async () => {
    const { run, list, clock, stop } = createTasks();
    const { tasks: [one, two] = [] } = await run({ count: 2 });
    await stop(one?.taskArn ?? "");

    expect((await list()).taskArns).toEqual([two?.taskArn]);
    expect((await list({ desiredStatus: "STOPPED" })).taskArns).toEqual([one?.taskArn]);
    await clock.advance(60_000);
    expect((await list()).taskArns).toEqual([]);
  });

  it("filters by family, and rejects other filters together with startedBy", async () => {
    const { run, list } = createTasks();
    await run({ startedBy: "me" });

    expect((await list({ family: "migrate" })).taskArns).toHaveLength(1);
    expect((await list({ family: "api" })).taskArns).toEqual([]);
    for (const filter of [
      { family: "migrate" },
      { desiredStatus: "RUNNING" as const },
      { launchType: "EC2" as const },
    ]) {
      await expect(list({ startedBy: "me", ...filter })).rejects.toMatchObject({ name: "InvalidParameterException" });
    }
  });

  it("rejects invalid tokens and sizes", async () => {
    const { list } = createTasks();

    await expect(list({ nextToken: "x" })).rejects.toMatchObject({ name: "InvalidParameterException" });
    await expect(list({ maxResults: 101 })).rejects.toMatchObject({ name: "InvalidParameterException" });
    await expect(list({ cluster: "none" })).rejects.toMatchObject({ name: "ClusterNotFoundException" });
  });
});

describe("StopTask", () => {
  it("does not change a task that has ended", async () => {
    const { run, clock, stop } = createTasks();
    const { tasks: [task] = [] } = await run();
    await clock.advance(60_000);

    expect((await stop(task?.taskArn ?? "")).task).toMatchObject({ stopCode: "EssentialContainerExited" });
    await expect(stop("none")).rejects.toMatchObject({ name: "InvalidParameterException" });
  });
});

describe("DescribeTaskDefinition", () => {
  it("gives the latest active revision of a family, or the one that is named, also when it is inactive", async () => {
    const { client, ecs } = createTasks();
    const second = ecs.registerTaskDefinition(aDefinition({ family: "migrate" }));
    const third = ecs.registerTaskDefinition(aDefinition({ family: "migrate" }));
    ecs.deregisterTaskDefinition(third);
    const read = async (taskDefinition: string) =>
      (await client.send(new DescribeTaskDefinitionCommand({ taskDefinition }))).taskDefinition;

    expect(await read("migrate")).toMatchObject({ taskDefinitionArn: second, revision: 2, status: "ACTIVE" });
    expect(await read("migrate:1")).toMatchObject({ revision: 1, family: "migrate" });
    expect(await read(third)).toMatchObject({ revision: 3, status: "INACTIVE" });
    await expect(read("none")).rejects.toMatchObject({ name: "ClientException" });
  });
});
