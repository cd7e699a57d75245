import type { ResourceRequest } from "@stackyard/aws-sim";
import { describe, expect, it } from "vitest";
import { createEcsTaskWorld, type EcsTaskWorld, LEAST } from "../testing/an-ecs-task-world.ts";

const FOR_EVER = { runsMs: Number.POSITIVE_INFINITY };

async function pass({ clock }: EcsTaskWorld, minutes: number): Promise<void> {
  for (let minute = 0; minute < minutes; minute += 1) await clock.advance(60_000);
}

function runningOf({ sim }: EcsTaskWorld, { RequestId }: ResourceRequest) {
  const tasks = sim.ecs.tasks().filter(({ lastStatus }) => lastStatus !== "STOPPED");
  return tasks.filter(({ tags = [] }) => tags.some(({ value }) => value === RequestId)).length;
}

/** Returns a request of the resource that CloudFormation sends while another one is worked on. */
function toRequest({ life, sim }: EcsTaskWorld, facts: Partial<ResourceRequest>): ResourceRequest {
  const [first] = life.requests;
  if (first === undefined) throw new Error("The resource is missing.");
  const request = { ...first, PhysicalResourceId: life.physicalId, OldResourceProperties: {}, ...facts };
  return { ...request, ResponseURL: sim.answers.open(request, "eu-west-1") };
}

describe("what users of other tools have reported about custom resources", () => {
  it("ends the run of an update that was cancelled, once the way back runs (aws-cdk#31541)", async () => {
    const world = createEcsTaskWorld();
    await world.until(world.life.create(LEAST));
    world.sim.ecs.script("migrate", FOR_EVER);
    const cancelled = toRequest(world, { RequestType: "Update", RequestId: "cancelled-1" });
    await world.until(world.function.handler(cancelled));
    await world.until(world.clock.sleep(30_000));
    expect(runningOf(world, cancelled)).toBe(1);

    // CloudFormation does not wait for the answer: it sends an Update with the old properties.
    world.sim.ecs.script("migrate", { runsMs: 120_000 });
    const { status } = await world.until(world.life.update(LEAST));
    await pass(world, 5);

    expect([status, runningOf(world, cancelled)]).toEqual(["UPDATE_COMPLETE", 0]);
    const answer = world.sim.answers.findAnswer(cancelled.RequestId)?.answer;
    expect(answer?.Reason).toMatch(/^ECS_CANCELLED: A later request of the resource replaces this one\./);
  });

  it.each([
    ["RunOnRollback is false", { RunOnRollback: "false" }, "ROLLBACK"],
    ["the old Count is 0", { Count: "0" }, "COUNT_ZERO"],
    ["RunOnUpdate is false", { RunOnUpdate: "false" }, "RUN_ON_UPDATE_FALSE"],
  ])(
    "ends the run of an update that was cancelled, also if the way back runs nothing, since %s",
    async (_, old, why) => {
      const world = createEcsTaskWorld();
      await world.until(world.life.create({ ...LEAST, ...old }));
      world.sim.ecs.script("migrate", FOR_EVER);
      const cancelled = toRequest(world, {
        RequestType: "Update",
        RequestId: "cancelled-1",
        ResourceProperties: LEAST,
      });
      await world.until(world.function.handler(cancelled));
      await world.until(world.clock.sleep(30_000));
      expect(runningOf(world, cancelled)).toBe(1);

      const stack = { StackName: "shop", CreationTime: new Date(0), StackStatus: "UPDATE_ROLLBACK_IN_PROGRESS" };
      world.sim.once("CloudFormation.DescribeStacks", async () => ({ Stacks: [stack] }));
      const { status, answer } = await world.until(world.life.update({ ...LEAST, ...old }));
      await pass(world, 1);

      expect([status, answer?.Data?.["Why"], runningOf(world, cancelled)]).toEqual(["UPDATE_COMPLETE", why, 0]);
      const ended = world.sim.answers.findAnswer(cancelled.RequestId)?.answer;
      expect(ended?.Reason).toMatch(/^ECS_CANCELLED: A later request of the resource replaces this one\./);
    },
  );

  it("leaves the tasks of an update that did not wait for them to a way back that runs nothing", async () => {
    const world = createEcsTaskWorld();
    await world.until(world.life.create({ ...LEAST, Count: "0" }));
    world.sim.ecs.script("migrate", FOR_EVER);
    await world.until(world.life.update({ ...LEAST, Timeout: 0 }));

    await world.until(world.life.update({ ...LEAST, Count: "0" }));
    await pass(world, 1);

    expect(world.sim.ecs.tasks().map(({ lastStatus }) => lastStatus)).toEqual(["RUNNING"]);
  });

  it("answers before CloudFormation's hour is over, whatever the task does (aws-cdk#24974)", async () => {
    const world = createEcsTaskWorld();
    world.sim.ecs.script("migrate", { ...FOR_EVER, stagesMs: { STOPPING: Number.POSITIVE_INFINITY } });
    const start = world.clock.now();

    const { reason } = await world.until(world.life.create({ ...LEAST, Timeout: 7_200 }));

    const [request] = world.life.requests;
    const at = world.sim.answers.findAnswer(request?.RequestId ?? "")?.at ?? Number.NaN;
    expect(reason).toMatch(/^ECS_(TIMEOUT|PROPERTIES_INVALID)/);
    expect(at - start).toBeLessThan(3_600_000);
  });

  it("keeps the physical id through an update that fails, so that the Delete is of the same resource (aws-cdk#30012)", async () => {
    const world = createEcsTaskWorld();
    const { answer } = await world.until(world.life.create(LEAST));
    world.sim.ecs.script("migrate", { containers: { app: 3 } });

    const { answer: failed } = await world.until(world.life.update({ ...LEAST, Triggers: 1 }));
    const { status } = await world.until(world.life.delete());

    expect([failed?.Status, failed?.PhysicalResourceId]).toEqual(["FAILED", answer?.PhysicalResourceId]);
    expect(status).toBe("DELETE_COMPLETE");
  });

  it("sends no Delete after an update: the physical id is that of the request (cfn-response#2)", async () => {
    const world = createEcsTaskWorld();
    await world.until(world.life.create(LEAST));

    const { followedBy } = await world.until(world.life.update({ ...LEAST, Triggers: 1 }));

    expect(followedBy).toEqual([]);
    expect(world.life.requests.map(({ RequestType }) => RequestType)).toEqual(["Create", "Update"]);
  });

  it("answers a Delete when the tasks have ended, not before (custom-resource-helper#6)", async () => {
    const world = createEcsTaskWorld();
    world.sim.ecs.script("migrate", { ...FOR_EVER, stopsInMs: 40_000 });
    await world.until(world.life.create({ ...LEAST, Timeout: 0 }));
    await pass(world, 2);

    const { status } = await world.until(world.life.delete());

    expect(status).toBe("DELETE_COMPLETE");
    expect(world.sim.ecs.tasks().map(({ lastStatus }) => lastStatus)).toEqual(["STOPPED"]);
  });

  it("answers a Delete after an outage of the response's address (custom-resource-helper#41)", async () => {
    const world = createEcsTaskWorld();
    await world.until(world.life.create(LEAST));
    for (let time = 0; time < 12; time += 1) world.sim.answers.failNext("reset");

    expect(await world.until(world.life.delete())).toMatchObject({ status: "DELETE_COMPLETE" });
  });

  it("stops the tasks of a Create by a Delete with an id that CloudFormation made up (cloudformation-coverage-roadmap#1814)", async () => {
    const world = createEcsTaskWorld();
    world.sim.ecs.script("migrate", FOR_EVER);
    const created = world.life.create(LEAST);
    await world.until(world.clock.sleep(20_000));
    const PhysicalResourceId = "shop-Migration-1A2B3C4D5E6F";
    const request = toRequest(world, { RequestType: "Delete", RequestId: "cancelled-1", PhysicalResourceId });

    await world.function.handler(request);
    const { answer } = await world.until(world.sim.answers.waitForAnswer("cancelled-1"));
    await world.until(created);

    expect(answer).toMatchObject({ Status: "SUCCESS", PhysicalResourceId });
    expect(world.sim.ecs.tasks().map(({ desiredStatus }) => desiredStatus)).toEqual(["STOPPED"]);
  });

  it.each([0, 1_000, 20_000])(
    "runs nothing after a Delete that comes while the Create is worked on: %i ms after it (cloudformation-coverage-roadmap#1730)",
    async (ms) => {
      const world = createEcsTaskWorld();
      world.sim.ecs.script("migrate", FOR_EVER);
      const created = world.life.create(LEAST);
      await world.until(world.clock.sleep(ms));
      const request = toRequest(world, { RequestType: "Delete", RequestId: "cancelled-1" });

      await world.until(world.function.handler(request));
      const { answer } = await world.until(world.sim.answers.waitForAnswer("cancelled-1"));
      const { status } = await world.until(created);
      await pass(world, 10);

      expect([answer?.Status, status]).toEqual(["SUCCESS", "CREATE_FAILED"]);
      expect(world.sim.ecs.tasks().filter(({ desiredStatus }) => desiredStatus !== "STOPPED")).toEqual([]);
    },
  );

  it("serves a Delete that comes again while the first one stops tasks (quickstart-kubernetes-resource-provider#24)", async () => {
    const world = createEcsTaskWorld();
    world.sim.ecs.script("migrate", { ...FOR_EVER, stopsInMs: 90_000 });
    await world.until(world.life.create({ ...LEAST, Timeout: 0 }));
    await pass(world, 2);
    const deleted = world.life.delete();
    await world.until(world.clock.sleep(60_000));

    await world.until(world.life.repeat(world.life.requests[1]?.RequestId ?? ""));

    expect(await world.until(deleted)).toMatchObject({
      status: "DELETE_COMPLETE",
      reason: "DELETE: 1 task was stopped.",
    });
    expect(world.sim.stepFunctions.executions).toHaveLength(2);
  });
});

describe("what users of other tools have reported about tasks of ECS", () => {
  it("waits for a task that DescribeTasks does not know yet (aws-sdk-js#1551, dagster#4448)", async () => {
    const world = createEcsTaskWorld();
    world.sim.ecs.script("migrate", { runsMs: 10_000, missingMs: 50_000 });

    const { status } = await world.until(world.life.create(LEAST));

    expect([status, world.count("ECS.RunTask")]).toEqual(["CREATE_COMPLETE", 1]);
  });

  it("survives answers of DescribeTasks without tasks and without failures (dagster#4428)", async () => {
    const world = createEcsTaskWorld();
    for (let at = 0; at < 2; at += 1) world.sim.once("ECS.DescribeTasks", async () => ({ tasks: [], failures: [] }));

    expect(await world.until(world.life.create(LEAST))).toMatchObject({ status: "CREATE_COMPLETE" });
  });

  it("leaves no task behind that was started though RunTask named a failure (airflow#16150)", async () => {
    const world = createEcsTaskWorld();
    world.sim.ecs.script("migrate", { runsMs: 60_000 });
    world.sim.once("ECS.RunTask", async (proceed) => {
      await proceed();
      return { tasks: [], failures: [{ reason: "RESOURCE:MEMORY" }] };
    });

    const { status } = await world.until(world.life.create({ ...LEAST, PlacementTimeout: 300 }));
    await pass(world, 10);

    expect([status, world.sim.ecs.tasks().length]).toEqual(["CREATE_COMPLETE", 1]);
  });

  it("fails where the task never started, and names why (airflow#52943)", async () => {
    const world = createEcsTaskWorld();
    world.sim.ecs.script("migrate", { failsToStart: "ResourceInitializationError: unable to pull secrets" });

    const { status, reason } = await world.until(world.life.create(LEAST));

    expect(status).toBe("CREATE_FAILED");
    expect(reason).toContain("ResourceInitializationError: unable to pull secrets");
  });

  it("stops the tasks of every cluster that the resource has had (copilot-cli#1886)", async () => {
    const world = createEcsTaskWorld();
    world.sim.ecs.addCluster({ account: "111122223333", region: "eu-west-1", name: "jobs" });
    world.sim.ecs.script("migrate", FOR_EVER);
    await world.until(world.life.create({ ...LEAST, Timeout: 0 }));
    await world.until(world.life.update({ ...LEAST, Cluster: "jobs", Timeout: 0 }));

    const { reason } = await world.until(world.life.delete());

    expect(reason).toBe('DELETE: 1 task was stopped. In the cluster "web": 1 task was stopped.');
    expect(world.sim.ecs.tasks().map(({ lastStatus }) => lastStatus)).toEqual(["STOPPED", "STOPPED"]);
  });

  it.each([
    ["ECS.ListTasks", "DELETE_FAILED", "1 task was stopped. ecs:ListTasks is denied, so tasks of earlier requests may"],
    ["ECS.DescribeTasks", "DELETE_COMPLETE", "Warning: 2 tasks were asked to stop, and their end is unknown: ecs:"],
  ])("takes a denied look for no proof of absence: %s (cb-tumblebug#2685)", async (operation, status, said) => {
    const world = createEcsTaskWorld();
    world.sim.ecs.script("migrate", FOR_EVER);
    await world.until(world.life.create({ ...LEAST, Timeout: 0 }));
    await world.until(world.life.update({ ...LEAST, Timeout: 0, Triggers: 2 }));
    const denial = Object.assign(new Error("not authorized"), { name: "AccessDeniedException" });
    for (let time = 0; time < 100; time += 1) world.sim.once(operation, () => Promise.reject(denial));

    const step = await world.until(world.life.delete());

    expect([step.status, step.reason]).toEqual([status, expect.stringContaining(said)]);
  });
});
