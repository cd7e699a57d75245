import { DescribeTasksCommand, ECSClient, ListTasksCommand, RunTaskCommand } from "@aws-sdk/client-ecs";
import { GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { createFakeClock, type Moment, type Weather, type World } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { createAwsSim } from "../aws-sim.ts";
import { createSimPlugin } from "../sim-plugin.ts";
import { awsWeathers } from "./aws-weathers.ts";
import { IMPOSSIBLE } from "./impossible.ts";

const PLACE = { account: "111122223333", region: "eu-west-1" } as const;
const APP = { name: "app", image: "app", cpu: 256, memory: 512 };

function createWorld() {
  const clock = createFakeClock();
  const sim = createAwsSim({ clock });
  const credentials = sim.iam.addUser({ account: PLACE.account, name: "me" });
  const plugin = createSimPlugin(sim);
  const config = { region: PLACE.region, credentials, maxAttempts: 1 };
  const ecs = new ECSClient(config);
  const s3 = new S3Client(config);
  ecs.middlewareStack.use(plugin as never);
  s3.middlewareStack.use(plugin as never);
  sim.ecs.addCluster({ ...PLACE, name: "web" });
  sim.ecs.registerTaskDefinition({ ...PLACE, family: "migrate", containerDefinitions: [APP] });
  sim.s3.createBucket({ ...PLACE, name: "files" });
  const quiet: World = {
    pass: clock.advance,
    wait: clock.sleep,
    freeze: async () => undefined,
    die: () => Promise.reject(new Error("Nothing dies here.")),
    later: () => undefined,
    act: async () => undefined,
  };
  /** Plays a weather at every call of an operation. */
  function play(name: string, operation: string): void {
    const weather = find(name);
    sim.intercept((request, proceed) => {
      const called = `${request.service}.${request.operation}`;
      const moment: Moment = {
        at: called,
        operation: called,
        input: request.input,
        now: clock.now(),
        earlier: [],
        canFreeze: false,
      };
      const world: World = { ...quiet, act: (...act) => sim.actBeside(request, ...act) };
      return called === operation ? weather.meet(moment, proceed, world) : proceed();
    });
  }
  const runTasks = (count: number) =>
    ecs.send(new RunTaskCommand({ cluster: "web", taskDefinition: "migrate", count }));
  return { sim, ecs, s3, play, runTasks };
}

function find(name: string): Weather {
  const weather = awsWeathers.find((each) => each.name === name);
  if (weather === undefined) throw new Error(`No weather "${name}".`);
  return weather;
}

function fits(name: string, operation: string, answer: unknown): boolean {
  return find(name).fits(
    { at: operation, operation, input: {}, now: 0, earlier: [{ now: 0, answer }], canFreeze: false },
    answer,
  );
}

describe("awsWeathers", () => {
  it("have different names, and a source each", () => {
    expect(new Set(awsWeathers.map(({ name }) => name)).size).toBe(awsWeathers.length);
    expect(awsWeathers.filter(({ source }) => source.length < 20)).toEqual([]);
  });

  it.each([
    ["throttled", "ThrottlingException"],
    ["denied", "AccessDeniedException"],
    ["server error", "ServerException"],
    ["reset before", "Error"],
  ])("%s: the call has no effect and throws %s", async (weather, name) => {
    const { sim, play, runTasks } = createWorld();
    play(weather, "ECS.RunTask");

    await expect(runTasks(1)).rejects.toMatchObject({ name });
    expect(sim.ecs.tasks()).toHaveLength(0);
  });

  it("reset after: the call has its effect, and its answer is lost", async () => {
    const { sim, play, runTasks } = createWorld();
    play("reset after", "ECS.RunTask");

    await expect(runTasks(1)).rejects.toMatchObject({ code: "ECONNRESET" });
    expect(sim.ecs.tasks()).toHaveLength(1);
  });

  it.each([
    ["denied 20 min", "AccessDeniedException"],
    ["untrusted", "AccessDeniedException"],
    ["expired", "ExpiredTokenException"],
  ])("%s: a call of ECS throws %s", async (weather, name) => {
    const { play, runTasks } = createWorld();
    play(weather, "ECS.RunTask");

    await expect(runTasks(1)).rejects.toMatchObject({ name });
  });

  it("gone: someone else stops the task that the program has just begun, and no call of the program shows it", async () => {
    const { sim, play, runTasks } = createWorld();
    play("gone", "ECS.RunTask");

    expect((await runTasks(1)).tasks).toMatchObject([{ lastStatus: "PENDING" }]);
    expect(sim.ecs.tasks()).toMatchObject([{ stopCode: "UserInitiated", stoppedReason: "someone else" }]);
    expect(sim.calls.map(({ operation }) => operation)).toEqual(["ECS.RunTask"]);
  });

  it("changed: an object has other bytes after it was read", async () => {
    const { sim, s3, play } = createWorld();
    await s3.send(new PutObjectCommand({ Bucket: "files", Key: "a", Body: "{}" }));
    play("changed", "S3.GetObject");

    const { Body } = await s3.send(new GetObjectCommand({ Bucket: "files", Key: "a" }));

    expect(await Body?.transformToString()).toBe("{}");
    expect(sim.s3.texts("files")).toEqual({ a: "of someone else" });
  });

  it("key disabled: an object cannot be read", async () => {
    const { s3, play } = createWorld();
    await s3.send(new PutObjectCommand({ Bucket: "files", Key: "a", Body: "{}" }));
    play("key disabled", "S3.GetObject");

    const read = s3.send(new GetObjectCommand({ Bucket: "files", Key: "a" }));

    await expect(read).rejects.toMatchObject({ name: "KMS.DisabledException" });
  });

  it("missing: DescribeTasks reports a task as MISSING", async () => {
    const { ecs, play, runTasks } = createWorld();
    const tasks = ((await runTasks(2)).tasks ?? []).flatMap(({ taskArn }) => taskArn ?? []);
    play("missing", "ECS.DescribeTasks");

    const seen = await ecs.send(new DescribeTasksCommand({ cluster: "web", tasks }));

    expect(seen.tasks).toHaveLength(1);
    expect(seen.failures).toMatchObject([{ reason: "MISSING" }]);
  });

  it.each([
    ["short page", 3],
    ["empty page", 4],
  ])("%s: the tokens lead to every row, in %i pages", async (weather, pages) => {
    const { ecs, play, runTasks } = createWorld();
    const arns = ((await runTasks(3)).tasks ?? []).map(({ taskArn }) => taskArn);
    play(weather, "ECS.ListTasks");

    const found: string[] = [];
    let nextToken: string | undefined;
    let count = 0;
    do {
      const page = await ecs.send(new ListTasksCommand({ cluster: "web", nextToken }));
      found.push(...(page.taskArns ?? []));
      nextToken = page.nextToken;
      count += 1;
    } while (nextToken !== undefined);

    expect([found.sort(), count]).toEqual([arns.sort(), pages]);
  });

  it("cut: a body ends before its last byte", async () => {
    const { s3, play } = createWorld();
    await s3.send(new PutObjectCommand({ Bucket: "files", Key: "a", Body: "{}" }));
    play("cut", "S3.GetObject");

    const { Body } = await s3.send(new GetObjectCommand({ Bucket: "files", Key: "a" }));

    await expect(Body?.transformToString()).rejects.toMatchObject({ code: "ECONNRESET" });
  });

  it.each([
    ["missing", "S3.ListObjectsV2", { Contents: [{}] }],
    ["stale", "S3.GetObject", {}],
    ["denied", "STS.GetCallerIdentity", {}],
    ["reset after", "ECS.DescribeTasks", {}],
  ])("%s does not fit %s", (weather, operation, answer) => {
    expect(fits(weather, operation, answer)).toBe(false);
    expect(fits(weather, "ECS.RunTask", {}) || fits(weather, "ECS.ListTasks", { taskArns: ["a"] })).toBe(true);
  });

  it("names only weathers and operations in the table of what is impossible that exist", () => {
    const names = awsWeathers.map(({ name }) => name);

    expect(IMPOSSIBLE.filter(({ weather }) => !names.some((name) => weather.test(name)))).toEqual([]);
  });
});
