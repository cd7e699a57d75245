import { ECSClient, ListTasksCommand, RunTaskCommand } from "@aws-sdk/client-ecs";
import { describe, expect, it } from "vitest";
import { createEcsTaskWorld, type EcsTaskWorld, LEAST } from "../testing/an-ecs-task-world.ts";
import { toResourceId } from "./identity.ts";
import { findLastRun } from "./resource-record.ts";

const FOR_EVER = { runsMs: Number.POSITIVE_INFINITY };

function states({ sim }: EcsTaskWorld) {
  return sim.ecs.tasks().map(({ lastStatus, desiredStatus }) => (desiredStatus === "STOPPED" ? "ended" : lastStatus));
}

/** Ids as CloudFormation would send them. */
const IDS = {
  StackId: "arn:aws:cloudformation:eu-west-1:111122223333:stack/shop/51af3dc0-da77-11e4-872e-1234567db123",
  LogicalResourceId: "Migration",
};
const OLD_ARN = "arn:aws:ecs:eu-west-1:111122223333:task/0123456789abcdef0123456789abcdef";

describe("resources that the predecessor has made", () => {
  /** A resource whose physical id is a task's ARN, with a task of its own that still runs. */
  async function taken() {
    const world = createEcsTaskWorld();
    world.sim.ecs.script("migrate", FOR_EVER, 1);
    const client = world.deps.aws(ECSClient);
    await client.send(new RunTaskCommand({ cluster: "web", taskDefinition: "migrate", startedBy: toResourceId(IDS) }));
    await world.clock.advance(60_000);
    const send = async (RequestType: string, properties: object = {}) => {
      const request = { ...IDS, RequestId: `${RequestType}-1`, PhysicalResourceId: OLD_ARN, RequestType };
      const ResponseURL = world.sim.answers.open(request, "eu-west-1");
      const answer = world.sim.answers.waitForAnswer(request.RequestId);
      void world.function.handler({ ...request, ResponseURL, ResourceProperties: { ...LEAST, ...properties } });
      return (await world.until(answer)).answer;
    };
    return { world, send };
  }

  it("are updated under the id that they have", async () => {
    const { send } = await taken();

    const answer = await send("Update");

    expect(answer).toMatchObject({ Status: "SUCCESS", PhysicalResourceId: OLD_ARN, Data: { Ran: "true" } });
  });

  it("keep it when an update fails", async () => {
    const { send } = await taken();

    expect(await send("Update", { Count: "many" })).toMatchObject({ Status: "FAILED", PhysicalResourceId: OLD_ARN });
  });

  it("are deleted with the tasks that the predecessor has started", async () => {
    const { world, send } = await taken();

    expect(await send("Delete")).toMatchObject({ Status: "SUCCESS", PhysicalResourceId: OLD_ARN });
    expect(states(world)).toEqual(["ended"]);
    const input = { cluster: "web", startedBy: toResourceId(IDS) };
    expect((await world.deps.aws(ECSClient).send(new ListTasksCommand(input))).taskArns).toEqual([]);
  });

  it("are deleted although their properties could never be read", async () => {
    const { send } = await taken();

    expect(await send("Delete", { Count: "many", TaskDefinition: [] })).toMatchObject({ Status: "SUCCESS" });
  });
});

describe("PHYSICAL_ID=taskArn", () => {
  it("answers a run with the ARN of its first task, and tags all its tasks with it", async () => {
    const { life, until, sim } = createEcsTaskWorld({ physicalId: "taskArn" });

    const { answer } = await until(life.create({ ...LEAST, Count: 2 }));

    const tasks = sim.ecs.tasks();
    expect(answer?.PhysicalResourceId).toBe(tasks[0]?.taskArn);
    for (const { tags } of tasks) {
      expect(tags).toContainEqual({ key: "stackyard:physical-id", value: tasks[0]?.taskArn });
    }
  });

  it("has its own id while nothing was run", async () => {
    const { life, until } = createEcsTaskWorld({ physicalId: "taskArn" });

    const { answer } = await until(life.create({ ...LEAST, Count: 0 }));

    expect(answer?.PhysicalResourceId).toMatch(/^[0-9a-f]{32}$/);
  });

  it("lets the Delete of an old run leave the new one alone", async () => {
    const world = createEcsTaskWorld({ physicalId: "taskArn" });
    world.sim.ecs.script("migrate", FOR_EVER);
    const { life, until } = world;
    await until(life.create({ ...LEAST, Count: 2, Timeout: 0 }));
    const old = life.physicalId;

    const { followedBy, answer } = await until(life.update({ ...LEAST, Timeout: 0, Triggers: 2 }));

    expect(followedBy).toMatchObject([{ status: "DELETE_COMPLETE", answer: { PhysicalResourceId: old } }]);
    expect(answer?.PhysicalResourceId).toBe(world.sim.ecs.tasks()[2]?.taskArn);
    expect(states(world).slice(0, 2)).toEqual(["ended", "ended"]);
    expect(states(world)[2]).not.toBe("ended");

    await until(life.delete());

    expect(states(world)).toEqual(["ended", "ended", "ended"]);
  });

  it("keeps the id of an update that runs nothing, and of one that fails", async () => {
    const { life, until, sim } = createEcsTaskWorld({ physicalId: "taskArn" });
    await until(life.create(LEAST));
    const first = life.physicalId;

    const none = await until(life.update({ ...LEAST, RunOnUpdate: false }));
    expect([none.status, none.answer?.PhysicalResourceId]).toEqual(["UPDATE_COMPLETE", first]);

    sim.ecs.script("migrate", { containers: { app: 1 } }, 1);
    const failed = await until(life.update({ ...LEAST, Triggers: 3 }));
    expect([failed.status, failed.answer?.PhysicalResourceId]).toEqual(["UPDATE_FAILED", first]);
  });

  it("stops the tasks of a resource from before, which had its own id", async () => {
    const before = createEcsTaskWorld();
    before.sim.ecs.script("migrate", FOR_EVER);
    await before.until(before.life.create({ ...LEAST, Timeout: 0 }));
    const [task] = before.sim.ecs.tasks();
    const after = createEcsTaskWorld({ physicalId: "taskArn", aws: before.deps.aws });
    await after.until(after.life.create({ ...LEAST, Count: 0 }));

    await after.until(after.life.delete());

    expect(task?.tags?.map(({ key }) => key)).not.toContain("stackyard:physical-id");
    expect(before.sim.ecs.tasks()[0]?.desiredStatus).toBe("STOPPED");
  });

  it("forgets the resource with the Delete of its newest run, and not with that of an old one", async () => {
    const world = createEcsTaskWorld({ physicalId: "taskArn" });
    const { life, until, deps } = world;
    await until(life.create(LEAST));
    const id = toResourceId(life.requests[0] ?? IDS);
    await until(life.update({ ...LEAST, Triggers: 2 }));
    expect(await findLastRun(deps, id)).toMatchObject({ taskArns: [world.sim.ecs.tasks()[1]?.taskArn] });

    await until(life.delete());

    expect(await findLastRun(deps, id)).toBeUndefined();
  });

  it("lets nothing be started by a Create whose Delete has come", async () => {
    const { life, until, sim, clock } = createEcsTaskWorld({ physicalId: "taskArn" });
    sim.ecs.refuse({ reason: "RESOURCE:MEMORY", calls: 3 });
    const created = life.create({ ...LEAST, PlacementTimeout: 900 });
    await until(clock.sleep(15_000));

    await until(life.delete());

    expect((await until(created)).reason).toMatch(/^ECS_CANCELLED: The resource was deleted before/);
    await clock.advance(120_000);
    expect(sim.ecs.tasks()).toEqual([]);
  });
});
