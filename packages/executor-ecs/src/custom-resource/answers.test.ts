import { type Records, StackyardError } from "@stackyard/core";
import { createMemoryRecords } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { createEcsTaskWorld, type EcsTaskWorld, LEAST, toFetch } from "../testing/an-ecs-task-world.ts";
import { PLACE } from "../testing/an-ecs-yard.ts";

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
  it("is the same one when the request comes again, and nothing is started again", async () => {
    const world = createEcsTaskWorld();
    await world.until(world.life.create(LEAST));
    const [request] = world.life.requests;

    for (let at = 0; at < 3; at += 1) await world.until(world.function.handler(request));

    const uploads = uploadsOf(world);
    expect(uploads.map(({ answer }) => answer)).toEqual(Array(4).fill(uploads[0]?.answer));
    expect(world.count("ECS.RunTask")).toBe(1);
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

  it("hides the address and the properties in the table", async () => {
    const world = createEcsTaskWorld();
    const Environment = [{ Name: "DB_PASSWORD", Value: "hunter2" }];
    await world.until(
      world.life.create({ ...LEAST, Overrides: { ContainerOverrides: [{ Name: "app", Environment }] } }),
    );

    const now = world.clock.now();
    const { items } = await world.records.list("", { limit: 100, now });

    expect(items.map(({ key }) => key)).toEqual([
      expect.stringMatching(/^ecs-task\/request\/[0-9a-f-]{36}$/),
      expect.stringMatching(/^ecs-task\/resource\/[0-9a-f]{32}$/),
    ]);
    expect(JSON.stringify(items)).not.toMatch(/hunter2|https:/);
    const [request] = items;
    expect((request?.expiresAt ?? 0) - now).toBeLessThanOrEqual(2 * 3_600_000);
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
    ["the first note", (call: string, count: number) => call === "put" && count === 1],
    ["the claim", (call: string, count: number) => call === "put" && count === 2],
    ["every note", (call: string) => call === "put"],
    ["everything", () => true],
  ])("is answered: %s", async (_what, fails) => {
    const world = createEcsTaskWorld({ records: failing(createMemoryRecords(), fails) });

    await world.until(world.life.create(LEAST));

    expect(uploadsOf(world)[0]?.answer).toMatchObject({
      Status: "FAILED",
      Reason: "ECS_AWS_ERROR: Error: The table is not there.",
      PhysicalResourceId: expect.stringMatching(/^[0-9a-f]{32}$/),
    });
    expect(world.count("ECS.RunTask")).toBe(0);
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

  it("is answered by the execution that continues the work, and its tasks are stopped", async () => {
    let isBroken = false;
    const records = createMemoryRecords();
    const world = createEcsTaskWorld({
      records,
      // A fault of ours: steps throw, and the answer does not.
      invoke: async (event, { handler }) => {
        if (isBroken && JSON.stringify(event).includes('"op":"step"')) throw new TypeError("x is undefined");
        const answer = await handler(event);
        isBroken = true;
        return answer;
      },
    });
    world.sim.ecs.script("migrate", FOR_EVER);

    const { status, reason } = await world.until(world.life.create(LEAST));

    expect([status, reason]).toEqual([
      "CREATE_FAILED",
      "ECS_AWS_ERROR: The work was abandoned: TypeError: x is undefined.",
    ]);
    expect(world.sim.ecs.tasks().map(({ desiredStatus }) => desiredStatus)).toEqual(["STOPPED"]);
  });

  it("is answered with the tasks that were found only then, since they ran", async () => {
    const world = createEcsTaskWorld({
      invoke: async (event, { handler }) => {
        if (JSON.stringify(event).includes('"op":"step"')) throw new TypeError("x is undefined");
        return handler(event, { getRemainingTimeInMillis: () => 60_000 });
      },
    });
    world.sim.ecs.script("migrate", FOR_EVER);
    // The process ends before it has noted what it has started.
    world.sim.once("ECS.RunTask", (proceed) => proceed().then(() => new Promise(() => undefined)));

    const { answer } = await world.until(world.life.create(LEAST));

    const [task] = world.sim.ecs.tasks();
    expect(answer).toMatchObject({ Status: "FAILED", Data: { Ran: "true", TaskArns: task?.taskArn } });
    expect(task?.desiredStatus).toBe("STOPPED");
  });

  it("is answered after an execution that was aborted, by the event of that", async () => {
    const world = createEcsTaskWorld();
    world.sim.ecs.script("migrate", FOR_EVER);
    const created = world.life.create(LEAST);
    await world.until(world.clock.sleep(30_000));
    const [execution] = world.sim.stepFunctions.executions;
    execution?.stop.abort();

    const detail = {
      stateMachineArn: world.deps.stateMachineArn,
      name: execution?.name,
      status: "ABORTED",
      input: execution?.input,
    };
    const event = { "detail-type": "Step Functions Execution Status Change", source: "aws.states", detail };
    await world.until(world.function.handler(event));
    await world.until(world.function.handler(event));

    expect((await world.until(created)).reason).toBe(
      "ECS_AWS_ERROR: The work was abandoned: the execution ended as ABORTED.",
    );
    expect(uploadsOf(world)).toHaveLength(1);
  });
});

describe("the function's time", () => {
  it("is reported 20 s before its end when no execution continues it", async () => {
    const world = createEcsTaskWorld({
      records: { ...createMemoryRecords(), put: () => new Promise(() => undefined) },
      invoke: (event, { handler }) => handler(event, { getRemainingTimeInMillis: () => 60_000 }),
    });
    const start = world.clock.now();

    const { reason } = await world.until(world.life.create(LEAST));

    expect(reason).toMatch(/^ECS_AWS_ERROR: .*The function's time is nearly over/);
    expect(uploadsOf(world)[0]?.at).toBe(start + 40_000);
  });

  it("is not spent on a table that has stopped to answer", async () => {
    const records = createMemoryRecords();
    const endedAt: number[] = [];
    let puts = 0;
    const world = createEcsTaskWorld({
      records: {
        ...records,
        put(input) {
          puts += 1;
          return puts > 2 ? new Promise(() => undefined) : records.put(input);
        },
      },
      async invoke(event, { handler, deps }) {
        await handler(event, { getRemainingTimeInMillis: () => 60_000 });
        endedAt.push(deps.clock.now());
      },
    });
    const start = world.clock.now();

    const { reason } = await world.until(world.life.create({ ...LEAST, Count: 0 }));

    expect(reason).toMatch(/The function's time is nearly over/);
    expect(uploadsOf(world)[0]?.at).toBe(start + 40_000);
    expect(endedAt[0]).toBe(start + 45_000);
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
    expect(uploadsOf(world)).toHaveLength(1);
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

    expect(await world.function.handler({ "detail-type": "ECS Task State Change", detail })).toMatchObject({
      done: true,
    });
  });

  it.each([undefined, null, "x", {}, { Records: [] }, { op: "step" }])(
    "that are invalid are rejected: %j",
    async (event) => {
      const world = createEcsTaskWorld();

      await expect(world.function.handler(event)).rejects.toMatchObject({ code: "EVENT_INVALID" });
    },
  );

  it("of an unknown request end at once", async () => {
    const world = createEcsTaskWorld();

    expect(await world.function.handler({ op: "step", requestId: "unknown" })).toMatchObject({ done: true });
    expect(await world.function.handler({ op: "answer", requestId: "unknown" })).toEqual({ answered: false });
  });
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
