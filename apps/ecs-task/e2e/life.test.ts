import { taskScripts } from "@stackyard/aws-sim";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Account, startAccount } from "./an-account.ts";

const LEAST = { Cluster: "web", TaskDefinition: "migrate" };
let account: Account;

beforeAll(async () => {
  account = await startAccount();
});
afterAll(() => account.stop());

describe("the function, in processes of its own", () => {
  it("serves a resource all its life", { tags: "app" }, async () => {
    const { sim, createLife } = account;
    const life = createLife("Life");
    const before = sim.ecs.tasks().length;

    const created = await life.create({ ...LEAST, Count: 2 });
    const id = life.physicalId;
    const updated = await life.update({ ...LEAST, Count: 1, Triggers: "2" });
    sim.ecs.script("migrate", { containers: { app: { exitCode: 3, logs: ["no such table: users"] } } }, 1);
    const failed = await life.update({ ...LEAST, Triggers: "3" });
    const deleted = await life.delete();

    expect(created).toMatchObject({ status: "CREATE_COMPLETE", answer: { Data: { Ran: "true", Count: "2" } } });
    expect(updated).toMatchObject({ status: "UPDATE_COMPLETE", answer: { PhysicalResourceId: id }, followedBy: [] });
    expect(failed).toMatchObject({
      status: "UPDATE_FAILED",
      reason: expect.stringMatching(/^ECS_EXIT_CODE: .*Last lines: no such table: users$/),
      followedBy: [{ status: "UPDATE_COMPLETE", answer: { PhysicalResourceId: id } }],
    });
    expect(deleted.status).toBe("DELETE_COMPLETE");
    expect(sim.ecs.tasks().length - before).toBe(5);
  });

  it("runs nothing while the stack is rolled back, where it shall not", async () => {
    const { sim, createLife } = account;
    const life = createLife("RolledBack");
    await life.create({ ...LEAST, Count: 0 });
    const StackStatus = "UPDATE_ROLLBACK_IN_PROGRESS";
    sim.once("CloudFormation.DescribeStacks", async () => {
      return { Stacks: [{ StackName: "shop", CreationTime: new Date(0), StackStatus }] };
    });

    const { status, answer } = await life.update({ ...LEAST, RunOnRollback: false });

    expect([status, answer?.Data]).toMatchObject(["UPDATE_COMPLETE", { Ran: "false", Why: "ROLLBACK" }]);
  });

  it("waits for a healthy target before it runs", async () => {
    const { sim, createLife } = account;
    const place = { account: "111122223333", region: "eu-west-1" };
    const TargetGroupHealthCheck = sim.loadBalancing.addTargetGroup({ ...place, name: "web" });
    sim.loadBalancing.setTarget(TargetGroupHealthCheck, { id: "i-1", state: "healthy" });

    expect(await createLife("Healthy").create({ ...LEAST, TargetGroupHealthCheck })).toMatchObject({
      status: "CREATE_COMPLETE",
    });
  });

  it("ends what takes too long, and what runs when the resource is deleted", async () => {
    const { sim, createLife } = account;
    const life = createLife("Slow");
    const stopCodes = () =>
      sim.ecs
        .tasks()
        .slice(-1)
        .map(({ stopCode }) => stopCode);
    sim.ecs.script("migrate", taskScripts.runsOn(), 2);

    const late = await life.create({ ...LEAST, Timeout: 10 });
    expect(late).toMatchObject({ status: "CREATE_FAILED", followedBy: [{ status: "DELETE_COMPLETE" }] });
    expect([late.reason?.split(":")[0], stopCodes()]).toEqual(["ECS_TIMEOUT", ["UserInitiated"]]);

    const other = createLife("LeftBehind");
    expect(await other.create({ ...LEAST, Timeout: 0 })).toMatchObject({ status: "CREATE_COMPLETE" });
    expect(stopCodes()).toEqual([undefined]);
    expect(await other.delete()).toMatchObject({ status: "DELETE_COMPLETE" });
    expect(stopCodes()).toEqual(["UserInitiated"]);
  });

  it("answers again when the endpoint breaks down, and is understood once", async () => {
    const { sim, createLife } = account;
    const life = createLife("Answers");
    sim.answers.failNext(503);
    sim.answers.failNext("reset-after");

    const { status, requestId } = await life.create({ ...LEAST, Count: 0 });
    await life.repeat(requestId);

    const uploads = sim.answers.uploads.filter((upload) => upload.requestId === requestId);
    const answers = uploads.flatMap(({ answer }) => (answer === undefined ? [] : [JSON.stringify(answer)]));
    expect(status).toBe("CREATE_COMPLETE");
    expect(uploads.map((upload) => upload.status).slice(0, 2)).toEqual([503, 200]);
    expect(new Set(answers).size).toBe(1);
  });
});

describe("a process that is killed", () => {
  it.each([
    ["dynamodb", "PutItem", "after"],
    ["states", "StartExecution", "after"],
    ["ecs", "RunTask", "before"],
    ["ecs", "RunTask", "after"],
  ] as const)("at %s %s, %s it was served, has started its task exactly once", async (service, operation, when) => {
    const { sim, door, lambda, createLife } = account;
    const life = createLife(`Killed-${service}-${operation}-${when}`.replaceAll("-", ""));
    const before = sim.ecs.tasks().length;
    const held = door.hold((request) => request.service === service && request.operation === operation, when);
    const created = life.create(LEAST);

    await held;
    expect(lambda.killBusy()).toBeGreaterThan(0);

    expect(await created).toMatchObject({
      status: "CREATE_COMPLETE",
      answer: { Data: { Ran: "true", ExitCode: "0" } },
    });
    expect(sim.ecs.tasks().length - before).toBe(1);
  });
});
