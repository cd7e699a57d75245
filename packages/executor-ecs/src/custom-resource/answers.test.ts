import { type Records, StackyardError } from "@stackyard/core";
import { createMemoryRecords } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { createEcsTaskWorld, type EcsTaskWorld, LEAST, toFetch } from "../testing/an-ecs-task-world.ts";
import { PLACE } from "../testing/an-ecs-yard.ts";
import type { EcsTaskFunction } from "./create-ecs-task.ts";

const FOR_EVER = { runsMs: Number.POSITIVE_INFINITY };

/** The uploads for the first request. */
function uploadsOf({ sim, life }: EcsTaskWorld) {
  return sim.answers.uploads.filter(({ requestId }) => requestId === life.requests[0]?.RequestId);
}

function failing(records: Records, fails: (call: "get" | "put", count: number) => boolean): Records {
  const counts = { get: 0, put: 0 };
  const check = (call: "get" | "put") => {
    counts[call] += 1;
    if (fails(call, counts[call])) throw new Error("The table is not there.");
  };
  return {
    ...records,
    async get(...input) {
      check("get");
      return records.get(...input);
    },
    async put(...input) {
      check("put");
      return records.put(...input);
    },
  };
}

describe("the answer", () => {
  it("is not sent again when the request comes again: the execution has sent it, and nothing is started again", async () => {
    const world = createEcsTaskWorld();
    await world.until(world.life.create(LEAST));
    const [request] = world.life.requests;

    for (let at = 0; at < 3; at += 1) await world.until(world.function.handler(request));

    expect(uploadsOf(world)).toHaveLength(1);
    expect([world.count("ECS.RunTask"), world.sim.stepFunctions.executions.length]).toEqual([1, 1]);
  });

  it("is one when the request comes twice at the same time", async () => {
    const world = createEcsTaskWorld({
      invoke: async (event, { handler }) => {
        const both = await Promise.allSettled([handler(event), handler(structuredClone(event))]);
        if (both[0].status === "rejected") throw both[0].reason;
        return both[0].value;
      },
    });

    const { status } = await world.until(world.life.create({ ...LEAST, Count: 3 }));

    expect(status).toBe("CREATE_COMPLETE");
    expect(world.sim.ecs.tasks()).toHaveLength(3);
    expect(new Set(uploadsOf(world).map(({ answer }) => JSON.stringify(answer))).size).toBe(1);
  });

  it("is sent again until CloudFormation accepts it", async () => {
    const world = createEcsTaskWorld();
    for (const failure of [503, "reset", 500] as const) world.sim.answers.failNext(failure);

    expect(await world.until(world.life.create({ ...LEAST, Count: 0 }))).toMatchObject({ status: "CREATE_COMPLETE" });
  });

  it("is left to an execution if it is not claimed for a while", async () => {
    const world = createEcsTaskWorld();
    for (let at = 0; at < 8; at += 1) world.sim.answers.failNext(503);

    const { status } = await world.until(world.life.create({ ...LEAST, Count: 0 }));

    expect(status).toBe("CREATE_COMPLETE");
    expect(world.sim.stepFunctions.executions).toHaveLength(1);
  });

  it("never shows addresses or secrets in the log", async () => {
    const world = createEcsTaskWorld();
    world.sim.answers.failNext(503);
    world.sim.ecs.script("migrate", { containers: { app: 1 } });
    const Environment = [{ Name: "DB_PASSWORD", Value: "hunter2" }];

    await world.until(
      world.life.create({ ...LEAST, Overrides: { ContainerOverrides: [{ Name: "app", Environment }] } }),
    );

    const log = JSON.stringify(world.logger.lines);
    expect(log).toContain("CloudFormation has received the response.");
    expect(log).not.toMatch(/hunter2|Signature|amazonaws\.com\/arn/);
  });

  it("hides the address and the properties in the table and in the execution", async () => {
    const world = createEcsTaskWorld();
    const Environment = [{ Name: "DB_PASSWORD", Value: "hunter2" }];
    await world.until(
      world.life.create({ ...LEAST, Overrides: { ContainerOverrides: [{ Name: "app", Environment }] } }),
    );

    const { items } = await world.records.list("", { limit: 100, now: world.clock.now() });

    // Of a request the execution is stored, and what people may read.
    expect(items.map(({ key }) => key)).toEqual([
      expect.stringMatching(/^custom-resource-runs\/\d{13}-/),
      expect.stringMatching(/^ecs-task\/resource\/[0-9a-f]{32}$/),
    ]);
    const [execution] = world.sim.stepFunctions.executions;
    expect(Object.keys(JSON.parse(execution?.input ?? ""))).toEqual(["requestId", "sealed", "receivedAt"]);
    expect(JSON.stringify([items, execution?.input, execution?.history])).not.toMatch(/hunter2|https:/);
  });

  it.each([
    ["http://cloudformation-custom-resource-response-euwest1.s3.eu-west-1.amazonaws.com/x"],
    ["https://example.com/x"],
    ["https://169.254.169.254/"],
  ])("is never sent to %s, and nothing is done", async (ResponseURL) => {
    const world = createEcsTaskWorld();
    const request = { RequestType: "Create", RequestId: "r", StackId: "s", LogicalResourceId: "l", ResponseURL };

    const done = world.function.handler({ ...request, ResourceProperties: LEAST });

    await expect(done).rejects.toMatchObject({
      code: "EVENT_INVALID",
      message: expect.stringMatching(/cannot be answered/),
    });
    expect([world.sim.calls.length, world.sim.answers.uploads.length]).toEqual([0, 0]);
  });

  it("rejects an unknown type of request", async () => {
    const world = createEcsTaskWorld();
    const ids = { RequestId: "r", StackId: "s", LogicalResourceId: "l" };
    const ResponseURL = world.sim.answers.open(ids, PLACE.region);

    await world.until(world.function.handler({ ...ids, ResponseURL, RequestType: "Read", ResourceProperties: LEAST }));

    expect(world.sim.answers.findAnswer("r")?.answer).toMatchObject({
      Status: "FAILED",
      Reason: expect.stringMatching(/^ECS_REQUEST_INVALID: RequestType must be/),
    });
  });
});

describe("properties that are far too large", () => {
  const HUGE = "x".repeat(300_000);

  it("are reported as invalid", async () => {
    const { life, until } = createEcsTaskWorld();

    const { reason } = await until(life.create({ ...LEAST, Overrides: { containerOverrides: [{ name: HUGE }] } }));

    expect(reason).toMatch(/^ECS_PROPERTIES_INVALID: \/Overrides .*8192/);
  });

  it("are ignored if they are not read, and on Delete", async () => {
    const { life, until } = createEcsTaskWorld();

    expect(await until(life.create({ ...LEAST, Triggers: HUGE }))).toMatchObject({ status: "CREATE_COMPLETE" });
    expect(await until(life.delete())).toMatchObject({ status: "DELETE_COMPLETE" });
  });
});

describe("whatever throws", () => {
  it.each([
    ["the first look into the table", (call: string, count: number) => call === "get" && count === 1],
    ["every look", (call: string) => call === "get"],
    ["everything", () => true],
  ])("is answered: %s", async (_what, fails) => {
    const world = createEcsTaskWorld({ records: failing(createMemoryRecords(), fails) });

    await world.until(world.life.create({ ...LEAST, Count: 0 }));

    expect(uploadsOf(world)[0]?.answer).toMatchObject({
      Status: "FAILED",
      Reason: "ECS_AWS_ERROR: Error: The table is not there.",
      PhysicalResourceId: expect.stringMatching(/^[0-9a-f]{32}$/),
    });
  });

  it.each([
    ["every look into the table", "get"],
    ["every note", "put"],
  ])("is answered by the execution, and nothing has begun: %s", async (_what, broken) => {
    const world = createEcsTaskWorld({ records: failing(createMemoryRecords(), (call) => call === broken) });
    world.sim.ecs.script("migrate", FOR_EVER);

    await world.until(world.life.create(LEAST));

    expect(uploadsOf(world)[0]?.answer).toMatchObject({
      Status: "FAILED",
      Reason: "ECS_AWS_ERROR: The work was abandoned: Error: The table is not there.",
      PhysicalResourceId: expect.stringMatching(/^[0-9a-f]{32}$/),
    });
    expect(world.sim.ecs.tasks()).toEqual([]);
  });

  it("is retried before it is reported when the table is briefly unavailable", async () => {
    const records = createMemoryRecords();
    let isAway = true;
    const world = createEcsTaskWorld({
      records: {
        ...records,
        async put(input) {
          if (isAway) throw new StackyardError("STORE_UNAVAILABLE", "The table does not answer.");
          return records.put(input);
        },
      },
    });
    void world.clock.sleep(2_000).then(() => {
      isAway = false;
    });

    expect(await world.until(world.life.create(LEAST))).toMatchObject({ status: "CREATE_COMPLETE" });
  });

  it("is answered by the execution that holds the request, and its tasks are stopped", async () => {
    const world: EcsTaskWorld = createEcsTaskWorld({ invoke: (event, made) => breakOnceStarted(world, event, made) });
    world.sim.ecs.script("migrate", FOR_EVER);

    const { status, reason } = await world.until(world.life.create(LEAST));

    expect([status, reason]).toEqual([
      "CREATE_FAILED",
      "ECS_AWS_ERROR: The work was abandoned: TypeError: x is undefined.",
    ]);
    expect(world.sim.ecs.tasks().map(({ desiredStatus }) => desiredStatus)).toEqual(["STOPPED"]);
  });

  it("is answered with the tasks that were found only then, since they ran", async () => {
    const world: EcsTaskWorld = createEcsTaskWorld({ invoke: (event, made) => breakOnceStarted(world, event, made) });
    world.sim.ecs.script("migrate", FOR_EVER);
    // The process ends before it has returned what it has started.
    world.sim.once("ECS.RunTask", (proceed) => proceed().then(() => new Promise(() => undefined)));

    const { answer } = await world.until(world.life.create(LEAST));

    const [task] = world.sim.ecs.tasks();
    expect(answer).toMatchObject({ Status: "FAILED", Data: { Ran: "true", TaskArn: task?.taskArn } });
    expect(task?.desiredStatus).toBe("STOPPED");
  });

  it.each([true, false])(
    "is answered after an execution that was aborted, by an event with its input: %s",
    async (has) => {
      const world = createEcsTaskWorld();
      world.sim.ecs.script("migrate", FOR_EVER);
      const created = world.life.create(LEAST);
      await world.until(world.clock.sleep(30_000));
      const [execution] = world.sim.stepFunctions.executions;
      execution?.stop.abort();

      const event = toAborted(world, { executionArn: execution?.arn, input: has ? execution?.input : undefined });
      await world.until(world.function.handler(event));
      await world.until(world.function.handler(event));

      const { reason, answer } = await world.until(created);
      expect(reason).toBe("ECS_AWS_ERROR: The work was abandoned: the execution ended as ABORTED.");
      expect(answer?.Data).toMatchObject({ Ran: "true", TaskArn: world.sim.ecs.tasks()[0]?.taskArn });
      expect(world.sim.ecs.tasks().map(({ desiredStatus }) => desiredStatus)).toEqual(["STOPPED"]);
      expect(uploadsOf(world).map((upload) => upload.answer)).toEqual(Array(2).fill(answer));
      expect(world.count("SFN.DescribeExecution")).toBe(has ? 0 : 2);
    },
  );

  it("is answered after an execution that was aborted within a start, with the task that ECS lists by the request", async () => {
    const world = createEcsTaskWorld();
    world.sim.ecs.script("migrate", FOR_EVER);
    world.sim.once("ECS.RunTask", (proceed) => proceed().then(() => new Promise(() => undefined)));
    const created = world.life.create(LEAST);
    await world.until(world.clock.sleep(30_000));
    const [execution] = world.sim.stepFunctions.executions;
    execution?.stop.abort();

    await world.until(
      world.function.handler(toAborted(world, { executionArn: execution?.arn, input: execution?.input })),
    );

    const [task] = world.sim.ecs.tasks();
    expect((await world.until(created)).answer?.Data).toMatchObject({ Ran: "true", TaskArn: task?.taskArn });
    expect(task?.desiredStatus).toBe("STOPPED");
  });

  it("is answered after an aborted execution that one answer of Step Functions does not know", async () => {
    const world = createEcsTaskWorld();
    world.sim.ecs.script("migrate", FOR_EVER);
    const created = world.life.create(LEAST);
    await world.until(world.clock.sleep(30_000));
    const [execution] = world.sim.stepFunctions.executions;
    execution?.stop.abort();
    const unseen = Object.assign(new Error("Execution Does Not Exist"), { name: "ExecutionDoesNotExist" });
    world.sim.once("SFN.DescribeExecution", () => Promise.reject(unseen));

    await world.until(world.function.handler(toAborted(world, { executionArn: execution?.arn })));

    expect((await world.until(created)).reason).toMatch(/^ECS_AWS_ERROR: The work was abandoned/);
  });

  it("is logged where an execution that was aborted is unknown", async () => {
    const world = createEcsTaskWorld();
    const executionArn = `${world.deps.stateMachineArn.replace(":stateMachine:", ":execution:")}:r`;
    const answered = world.until(world.function.handler(toAborted(world, { executionArn })));

    expect(await answered).toEqual({ answered: false });
    expect(world.logger.lines).toContainEqual(expect.objectContaining({ level: "error" }));
  });
});

/** The event of EventBridge. */
function toAborted({ deps }: EcsTaskWorld, detail: object) {
  return {
    "detail-type": "Step Functions Execution Status Change",
    source: "aws.states",
    detail: { stateMachineArn: deps.stateMachineArn, status: "ABORTED", ...detail },
  };
}

/** A fault of ours: steps throw as soon as a task was started, and giving up does not. */
async function breakOnceStarted({ sim }: EcsTaskWorld, event: unknown, { handler }: EcsTaskFunction): Promise<unknown> {
  const { op, error } = Object(event);
  if (op === "step" && error === undefined && sim.ecs.tasks().length > 0) throw new TypeError("x is undefined");
  return handler(event, { getRemainingTimeInMillis: () => 60_000 });
}

describe("the function's time", () => {
  it("is reported 20 s before its end when no execution holds the request", async () => {
    const world = createEcsTaskWorld({
      invoke: (event, { handler }) => handler(event, { getRemainingTimeInMillis: () => 60_000 }),
    });
    world.sim.once("ECS.DescribeTaskDefinition", () => new Promise(() => undefined));
    world.sim.once("SFN.DescribeExecution", () => new Promise(() => undefined));
    const start = world.clock.now();

    const { reason } = await world.until(world.life.create(LEAST));

    expect(reason).toMatch(/^ECS_AWS_ERROR: .*The function's time is nearly over/);
    // Whether an execution holds it is checked for 5 s.
    expect(uploadsOf(world)[0]?.at).toBe(start + 45_000);
  });

  it("is not spent on a table that has stopped to answer", async () => {
    const endedAt: number[] = [];
    const world = createEcsTaskWorld({
      records: { ...createMemoryRecords(), get: () => new Promise(() => undefined) },
      async invoke(event, { handler, deps }) {
        await handler(event, { getRemainingTimeInMillis: () => 60_000 });
        endedAt.push(deps.clock.now());
      },
    });
    const start = world.clock.now();

    const { reason } = await world.until(world.life.create({ ...LEAST, Count: 0 }));

    expect(reason).toMatch(/The function's time is nearly over/);
    expect([uploadsOf(world)[0]?.at, endedAt[0]]).toEqual([start + 40_000, start + 40_000]);
  });

  it("does not fail work that an execution continues", async () => {
    let calls = 0;
    const world = createEcsTaskWorld({
      invoke: (event, { handler }) => handler(event, { getRemainingTimeInMillis: () => 60_000 }),
    });
    world.sim.once("ECS.RunTask", (proceed) => {
      calls += 1;
      return proceed().then(() => new Promise(() => undefined));
    });

    const { status } = await world.until(world.life.create(LEAST));

    expect([status, calls]).toEqual(["CREATE_COMPLETE", 1]);
    expect(world.sim.ecs.tasks()).toHaveLength(1);
  });
});

describe("events", () => {
  it("of a task that has stopped let the answer come at once", async () => {
    const world = createEcsTaskWorld();
    world.sim.ecs.script("migrate", { runsMs: 20_000 });
    const created = world.life.create({ ...LEAST, PollInterval: 60 });
    await world.until(world.clock.sleep(30_000));
    const [task] = world.sim.ecs.tasks();
    const at = world.clock.now();

    await world.function.handler({ "detail-type": "ECS Task State Change", source: "aws.ecs", detail: task });

    expect((await world.until(created)).status).toBe("CREATE_COMPLETE");
    expect(uploadsOf(world)[0]?.at).toBe(at);
    await world.clock.advance(120_000);
    // The execution finds the same, and CloudFormation uses the first answer.
    expect(uploadsOf(world)).toHaveLength(2);
    expect(new Set(uploadsOf(world).map(({ answer }) => JSON.stringify(answer))).size).toBe(1);
  });

  it("of a task that the execution has stopped leave the answer to it, which knows why", async () => {
    const world = createEcsTaskWorld();
    world.sim.ecs.script("migrate", { ...FOR_EVER, stopsInMs: 1_000 });
    const created = world.life.create({ ...LEAST, Timeout: 60 });
    await world.until(world.clock.sleep(62_000));
    const [task] = world.sim.ecs.tasks();
    expect(task?.lastStatus).toBe("STOPPED");

    await world.function.handler({ "detail-type": "ECS Task State Change", source: "aws.ecs", detail: task });

    expect((await world.until(created)).reason).toMatch(/^ECS_TIMEOUT: /);
  });

  it("of a task that stops after the answer send nothing", async () => {
    const world = createEcsTaskWorld();
    await world.until(world.life.create({ ...LEAST, Count: 2, Timeout: 0 }));
    await world.clock.advance(60_000);

    for (const detail of world.sim.ecs.tasks()) {
      await world.function.handler({ "detail-type": "ECS Task State Change", source: "aws.ecs", detail });
    }

    expect(uploadsOf(world)).toHaveLength(1);
  });

  it("of other tasks are ignored", async () => {
    const world = createEcsTaskWorld();
    const detail = { lastStatus: "STOPPED", startedBy: "0123456789abcdef0123456789abcdef" };

    expect(await world.function.handler({ "detail-type": "ECS Task State Change", detail })).toEqual({
      answered: false,
    });
  });

  it.each([undefined, null, "x", {}, { Records: [] }, { op: "step" }, { op: "step", requestId: "r" }])(
    "that are invalid are rejected: %j",
    async (event) => {
      const world = createEcsTaskWorld();

      await expect(world.function.handler(event)).rejects.toMatchObject({ code: "EVENT_INVALID" });
    },
  );
});

describe("a cluster in another region", () => {
  it("is reached by its ARN", async () => {
    const world = createEcsTaskWorld();
    const place = { account: PLACE.account, region: "us-east-1" };
    const cluster = world.sim.ecs.addCluster({ ...place, name: "far" });
    world.sim.ecs.registerTaskDefinition({ ...place, family: "migrate", containerDefinitions: [{ name: "app" }] });

    const { status } = await world.until(world.life.create({ ...LEAST, Cluster: cluster }));

    expect(status).toBe("CREATE_COMPLETE");
    const regions = (operation: string) =>
      new Set(world.sim.calls.filter((call) => call.operation === operation).map(({ region }) => region));
    expect([...regions("ECS.RunTask"), ...regions("ECS.DescribeTasks")]).toEqual(["us-east-1", "us-east-1"]);
    expect([...regions("SFN.StartExecution")]).toEqual(["eu-west-1"]);
  });
});

describe("fetch", () => {
  it("is given an empty content type", async () => {
    const types: unknown[] = [];
    const world = createEcsTaskWorld({
      fetch: (url, init) => {
        types.push(new Headers(init?.headers).get("content-type"));
        return toFetch(world.sim)(url, init);
      },
    });

    await world.until(world.life.create({ ...LEAST, Count: 0 }));

    expect(types).toEqual([""]);
  });
});
