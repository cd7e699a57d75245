import { SimFault, taskScripts } from "@stackyard/aws-sim";
import { createMemoryRecords } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { createEcsTaskWorld, type EcsTaskWorld, LEAST } from "../testing/an-ecs-task-world.ts";
import { PLACE } from "../testing/an-ecs-yard.ts";

const FOR_EVER = { runsMs: Number.POSITIVE_INFINITY };

/** Creates the resource, and gives the answer with what happened meanwhile. */
async function create(
  properties: object,
  prepare: (world: ReturnType<typeof createEcsTaskWorld>) => void = () => undefined,
) {
  const world = createEcsTaskWorld();
  const start = world.clock.now();
  prepare(world);
  const { reason = "", answer, status } = await world.until(world.life.create({ ...LEAST, ...properties }));
  const upload = world.sim.answers.findAnswer(world.life.requests[0]?.RequestId ?? "");
  const states = () => world.sim.ecs.tasks().map(({ lastStatus }) => lastStatus);
  return { world, reason, data: answer?.Data ?? {}, status, states, seconds: ((upload?.at ?? 0) - start) / 1_000 };
}

describe("a run that ends", () => {
  it("is polled after 2 s and then at each interval", async () => {
    const { world, seconds, reason } = await create({ PollInterval: 20 }, ({ sim }) =>
      sim.ecs.script("migrate", { runsMs: 60_000 }),
    );

    expect(reason).toMatch(/^RUN: /);
    expect(world.count("ECS.DescribeTasks")).toBe(5);
    expect(seconds).toBe(82);
  });

  it("fails by the first exit code that is not 0, with what a person needs", async () => {
    const { reason, data, status } = await create({}, ({ sim }) => {
      sim.ecs.script("migrate", {
        containers: { app: { exitCode: 4, logs: ["starts", "no such table: users"] } },
      });
    });

    expect(status).toBe("CREATE_FAILED");
    expect(reason).toMatch(
      /^ECS_EXIT_CODE: task [0-9a-f]{8} container app exited with 4 \(EssentialContainerExited\)\..* Last lines: starts\nno such table: users$/,
    );
    expect(data).toMatchObject({ Ran: "true", Why: "RUN", ExitCode: "4", Count: "1" });
  });

  it("masks secrets in the lines that it shows", async () => {
    const environment = [{ name: "DB_PASSWORD", value: "hunter22" }];
    const { reason } = await create(
      { Overrides: { ContainerOverrides: [{ Name: "app", Environment: environment }] } },
      (world) => {
        world.sim.ecs.script("migrate", { containers: { app: { exitCode: 1, logs: ["connects with hunter22"] } } });
      },
    );

    expect(reason).toContain("Last lines: connects with ***");
    expect(reason).not.toContain("hunter22");
  });

  it("shows the end of a long log, not its beginning", async () => {
    const logs = Array.from({ length: 100 }, (_, at) => `line ${at} ${"x".repeat(200)}`);
    const { reason } = await create({ Count: 2 }, ({ sim }) => {
      sim.ecs.script("migrate", { containers: { app: { exitCode: 1, logs } } });
    });

    expect(reason).toContain("line 99 ");
    expect(reason).not.toContain("line 80 ");
  });

  it("fails when a task never had a container with an exit code", async () => {
    const { reason, data } = await create({}, ({ sim }) => sim.ecs.script("migrate", taskScripts.cannotPull("app:9")));

    expect(reason).toMatch(/^ECS_TASK_NOT_STARTED: .*CannotPullContainerError/);
    expect(data["ExitCode"]).toBe("");
  });

  it("fails when it was stopped early, though all exit codes are 0", async () => {
    const { reason, data } = await create({}, ({ sim }) => {
      const endedBy = { afterMs: 5_000, code: "SpotInterruption", reason: "Your Spot Task was interrupted." } as const;
      sim.ecs.script("migrate", { ...FOR_EVER, endedBy, containers: { app: { exitCodeOnStop: 0 } } });
    });

    expect(reason).toMatch(/^ECS_TASK_STOPPED: .*SpotInterruption.*Your Spot Task was interrupted/);
    expect(data["ExitCode"]).toBe("0");
  });

  it("returns the first exit code that is not 0, though another task never started", async () => {
    const { reason, data } = await create({ Count: 2 }, ({ sim }) => {
      sim.ecs.script("migrate", taskScripts.cannotPull("app:9"), 1);
      sim.ecs.script("migrate", { containers: { app: { exitCode: 3 } } });
    });

    expect(reason).toMatch(/^ECS_TASK_NOT_STARTED: .*exited with 3/s);
    expect(data["ExitCode"]).toBe("3");
  });

  it("checks every container, the essential ones, or the listed ones", async () => {
    const side = { name: "side", cpu: 10, memory: 64, essential: false };
    const results: unknown[] = [];
    for (const CheckContainers of [undefined, "all", "essential", ["app"], ["side"]]) {
      const { status, reason } = await create({ TaskDefinition: "both", CheckContainers }, ({ sim }) => {
        const containerDefinitions = [{ name: "app", cpu: 256, memory: 512 }, side];
        sim.ecs.registerTaskDefinition({ ...PLACE, family: "both", containerDefinitions });
        sim.ecs.script("both", { containers: { side: 137 } });
      });
      results.push([status, reason.split(":")[0]]);
    }

    const failed = ["CREATE_FAILED", "ECS_EXIT_CODE"];
    const done = ["CREATE_COMPLETE", "RUN"];
    expect(results).toEqual([failed, failed, done, done, failed]);
  });

  it("waits until ECS knows a task that it has just started", async () => {
    const { status, seconds } = await create({}, ({ sim }) => sim.ecs.script("migrate", { missingMs: 40_000 }));

    expect(status).toBe("CREATE_COMPLETE");
    expect(seconds).toBeGreaterThan(40);
  });

  it("fails when ECS does not show a task for a minute and the others have ended", async () => {
    const { reason, data } = await create({ Count: 2 }, ({ sim }) => {
      sim.ecs.script("migrate", { ...FOR_EVER, lostAfterMs: 70_000 }, 1);
      sim.ecs.script("migrate", { runsMs: 300_000 });
    });

    expect(reason).toMatch(/^ECS_TASK_LOST: ECS does not show arn:\S+, so .* The others are 1 STOPPED\. /);
    expect(String(data["TaskArns"]).split(",")).toHaveLength(2);
  });
});

describe("a run that does not end", () => {
  it("is stopped at its deadline and awaited, and the states are reported", async () => {
    const { reason, states, seconds, data } = await create({ Timeout: 65, PollInterval: 60 }, ({ sim }) => {
      sim.ecs.script("migrate", { ...FOR_EVER, stopsInMs: 12_000 });
    });

    expect(reason).toBe("ECS_TIMEOUT: The tasks had not ended after 65 s: 1 RUNNING. They are stopped.");
    expect(states()).toEqual(["STOPPED"]);
    expect(seconds).toBeGreaterThanOrEqual(77);
    expect(seconds).toBeLessThan(65 + 45);
    expect(data).toMatchObject({ Ran: "true", ExitCode: "" });
  });

  it("is not awaited for longer than 45 s after StopTask", async () => {
    const { reason, seconds } = await create({ Timeout: 60 }, ({ sim }) => {
      sim.ecs.script("migrate", { ...FOR_EVER, stagesMs: { STOPPING: Number.POSITIVE_INFINITY } });
    });

    expect(reason).toMatch(/^ECS_TIMEOUT: /);
    expect(seconds).toBe(105);
  });

  it("is over before CloudFormation's hour", async () => {
    const { status, seconds, reason } = await create({}, ({ sim }) => sim.ecs.script("migrate", FOR_EVER));

    expect([status, reason.split(":")[0]]).toEqual(["CREATE_FAILED", "ECS_TIMEOUT"]);
    expect(seconds).toBeGreaterThanOrEqual(3_540);
    expect(seconds).toBeLessThan(3_590);
  });

  it("is over a minute before the resource's ServiceTimeout", async () => {
    const { seconds, reason } = await create({ ServiceTimeout: 300 }, ({ sim }) => sim.ecs.script("migrate", FOR_EVER));

    expect(reason).toMatch(/^ECS_TIMEOUT: /);
    expect(seconds).toBeGreaterThanOrEqual(240);
    expect(seconds).toBeLessThan(300);
  });

  it("starts nothing that could not be answered for", async () => {
    const { world, reason } = await create({ ServiceTimeout: 50 });

    const why = "ServiceTimeout is 50 s, and 60 s of it are for the response: raise it.";
    expect(reason).toBe(`ECS_TIMEOUT: The time was over before the tasks were started. ${why}`);
    expect(world.count("ECS.RunTask")).toBe(0);
  });
});

describe("tasks that find no place", () => {
  it("fail the run at once, with reasons, after those that did start were stopped", async () => {
    const { reason, seconds, world, data } = await create({ Count: 3 }, ({ sim }) => {
      sim.ecs.script("migrate", FOR_EVER);
      sim.ecs.refuse({
        reason: "RESOURCE:MEMORY",
        arn: "arn:aws:ecs:eu-west-1:111122223333:container-instance/web/a",
        tasks: 2,
      });
    });
    await world.clock.advance(60_000);

    expect(reason).toMatch(
      /^ECS_PLACEMENT_FAILED: 1 of 3 tasks found a place: .*RESOURCE:MEMORY .*container-instance\/web\/a/,
    );
    expect(seconds).toBe(0);
    expect(world.sim.ecs.tasks().map(({ lastStatus }) => lastStatus)).toEqual(["STOPPED"]);
    expect(data).toMatchObject({ Ran: "true", Count: "3" });
  });

  it("leave no other task running, also if ECS does not know it yet", async () => {
    const { reason, states, seconds } = await create({ Count: 2 }, ({ sim }) => {
      sim.ecs.script("migrate", { ...FOR_EVER, missingMs: 20_000 });
      sim.ecs.refuse({ reason: "RESOURCE:MEMORY", tasks: 1 });
    });

    expect(reason).toMatch(/^ECS_PLACEMENT_FAILED: /);
    expect(states()).not.toContain("RUNNING");
    expect(seconds).toBeLessThan(60);
  });

  it("leave no task running that was started late, also if ECS does not know it yet", async () => {
    const { reason, world } = await create({ Count: 2, PlacementTimeout: 75 }, ({ sim }) => {
      sim.ecs.script("migrate", { ...FOR_EVER, missingMs: 20_000 });
      sim.ecs.refuse({ reason: "RESOURCE:MEMORY", tasks: 2, calls: 8 });
      sim.ecs.refuse({ reason: "RESOURCE:MEMORY", tasks: 1, calls: 100 });
      for (let call = 0; call < 3; call += 1) {
        sim.once("ECS.StopTask", async () => {
          throw new SimFault("InvalidParameterException", 400, "The referenced task was not found.");
        });
      }
    });
    await world.clock.advance(60_000);

    expect(reason).toMatch(/^ECS_PLACEMENT_FAILED: 1 of 2/);
    expect(world.sim.ecs.tasks().map(({ lastStatus }) => lastStatus)).toEqual(["STOPPED"]);
  });

  it("are looked for where a refused start may have begun some", async () => {
    const { reason, world } = await create({}, ({ sim }) => {
      sim.ecs.script("migrate", FOR_EVER);
      sim.once("ECS.RunTask", async (proceed) => {
        await proceed();
        throw Object.assign(new Error("Rate exceeded"), { name: "ThrottlingException", $metadata: {} });
      });
    });
    await world.clock.advance(60_000);

    expect(reason).toMatch(/^ECS_PLACEMENT_FAILED: .*Rate exceeded/);
    expect(world.sim.ecs.tasks().map(({ lastStatus }) => lastStatus)).toEqual(["STOPPED"]);
  });

  it("are retried until the deadline, only the missing ones, each time with another token", async () => {
    const { status, world } = await create({ Count: 3, PlacementTimeout: 120 }, ({ sim }) => {
      sim.ecs.refuse({ reason: "RESOURCE:CPU", tasks: 2 });
      sim.ecs.refuse({ reason: "AGENT", tasks: 1 });
    });

    expect(status).toBe("CREATE_COMPLETE");
    expect(world.inputs("ECS.RunTask").map(({ count }) => count)).toEqual([3, 2, 1]);
    expect(new Set(world.inputs("ECS.RunTask").map(({ clientToken }) => clientToken)).size).toBe(3);
    expect(world.sim.ecs.tasks()).toHaveLength(3);
  });

  it("fail the run when the time for that is over", async () => {
    const { reason, seconds } = await create({ PlacementTimeout: 60 }, ({ sim }) => {
      sim.ecs.refuse({ reason: "RESOURCE:MEMORY", calls: 100 });
    });

    expect(reason).toMatch(/^ECS_PLACEMENT_FAILED: /);
    expect(seconds).toBeGreaterThanOrEqual(60);
    expect(seconds).toBeLessThan(75);
  });

  it("fail the run at once for a reason that does not pass", async () => {
    const { reason, seconds } = await create({ PlacementTimeout: 600 }, ({ sim }) => {
      sim.ecs.refuse({ reason: "ATTRIBUTE", calls: 100 });
    });

    expect(reason).toMatch(/^ECS_PLACEMENT_FAILED: .*ATTRIBUTE/);
    expect(seconds).toBe(0);
  });

  it("fail the run when ECS names neither tasks nor failures", async () => {
    const { reason } = await create({}, ({ sim }) => sim.ecs.refuse({ reason: "", isSilent: true }));

    expect(reason).toMatch(/^ECS_PLACEMENT_FAILED: 0 of 1 tasks found a place: ECS named neither tasks nor failures/);
  });
});

describe("what cannot run", () => {
  const NetworkConfiguration = { AwsvpcConfiguration: { Subnets: ["subnet-1"] } };
  const FARGATE = { networkMode: "awsvpc", requiresCompatibilities: ["FARGATE"], cpu: "256", memory: "512" } as const;

  it.each([
    ["ECS_TASK_DEFINITION", { TaskDefinition: "unknown" }],
    ["ECS_TASK_DEFINITION", { TaskDefinition: "migrate:9" }],
    ["ECS_NETWORK", { NetworkConfiguration }],
    ["ECS_NETWORK", { TaskDefinition: "api" }],
    ["ECS_NETWORK", { TaskDefinition: "api", LaunchType: "FARGATE" }],
    ["ECS_NETWORK", { LaunchType: "FARGATE" }],
    ["ECS_PROPERTIES_INVALID", { CheckContainers: ["ap"] }],
    ["ECS_PROPERTIES_INVALID", { Overrides: { ContainerOverrides: [{ Name: "ap", Cpu: 1 }] } }],
  ])("fails with %s before anything is started: %j", async (code, properties) => {
    const { reason, seconds, world } = await create(properties, ({ sim }) => {
      sim.ecs.registerTaskDefinition({ ...PLACE, family: "api", containerDefinitions: [{ name: "app" }], ...FARGATE });
    });

    expect(reason.split(":")[0]).toBe(code);
    expect(seconds).toBe(0);
    expect([world.count("ECS.RunTask"), world.count("SFN.StartExecution")]).toEqual([0, 0]);
  });

  it("reports the error of ECS for a missing cluster", async () => {
    const { reason, world } = await create({ Cluster: "gone" });

    expect(reason).toMatch(/^ECS_AWS_ERROR: .*ClusterNotFoundException/);
    expect(world.sim.ecs.tasks()).toEqual([]);
  });

  it("runs on Fargate with everything that Fargate needs", async () => {
    const properties = { TaskDefinition: "api", LaunchType: "FARGATE", PlatformVersion: "1.4.0", NetworkConfiguration };
    const { status, world } = await create(properties, ({ sim }) => {
      sim.ecs.registerTaskDefinition({ ...PLACE, family: "api", containerDefinitions: [{ name: "app" }], ...FARGATE });
    });

    expect(status).toBe("CREATE_COMPLETE");
    expect(world.inputs("ECS.RunTask")).toMatchObject([
      {
        launchType: "FARGATE",
        platformVersion: "1.4.0",
        networkConfiguration: { awsvpcConfiguration: { subnets: ["subnet-1"] } },
      },
    ]);
  });
});

describe("trouble of AWS", () => {
  it("is waited out while tasks are watched", async () => {
    const { status } = await create({}, ({ sim }) => {
      for (let at = 0; at < 3; at += 1) {
        sim.once("ECS.DescribeTasks", () =>
          Promise.reject(
            Object.assign(new Error("x"), { name: "ServerException", $metadata: { httpStatusCode: 500 } }),
          ),
        );
      }
    });

    expect(status).toBe("CREATE_COMPLETE");
  });

  it.each([
    [20, "CREATE_COMPLETE", /^RUN: /],
    [59.5, "CREATE_FAILED", /^ECS_AWS_ERROR: .*ThrottlingException: Rate exceeded/],
  ])("is waited out until the deadline: for %d minutes", async (minutes, expected, text) => {
    const { status, reason, states, world } = await create({}, ({ sim, clock }) => {
      sim.ecs.script("migrate", { runsMs: minutes * 90_000 });
      const until = clock.now() + minutes * 60_000;
      const behave = async (proceed: () => Promise<unknown>): Promise<unknown> => {
        if (clock.now() >= until) return proceed();
        sim.once("ECS.DescribeTasks", behave);
        throw new SimFault("ThrottlingException", 400, "Rate exceeded");
      };
      sim.once("ECS.DescribeTasks", behave);
    });
    await world.clock.advance(300_000);

    expect([status, reason]).toEqual([expected, expect.stringMatching(text)]);
    expect(states()).toEqual(["STOPPED"]);
  });

  it("does not keep tasks of a failed start from being stopped", async () => {
    const { reason, states, world } = await create({ Count: 2, Timeout: 0 }, ({ sim }) => {
      sim.ecs.script("migrate", { ...FOR_EVER, missingMs: 1_000 });
      sim.ecs.refuse({ reason: "RESOURCE:MEMORY", tasks: 1 });
      for (const operation of ["ECS.DescribeTasks", "ECS.StopTask"]) {
        sim.once(operation, () =>
          Promise.reject(Object.assign(new Error("Rate exceeded"), { name: "ThrottlingException", $metadata: {} })),
        );
      }
    });

    await world.clock.advance(1_000);

    expect(reason).toMatch(/^ECS_PLACEMENT_FAILED: 1 of 2 tasks found a place/);
    expect(reason).not.toContain("Tasks may still run");
    expect(states()).toEqual(["STOPPED"]);
  });

  it("does not start a second task when the first answer was lost", async () => {
    const { status, world } = await create({}, ({ sim }) => {
      sim.once("ECS.RunTask", async (proceed) => {
        await proceed();
        throw Object.assign(new Error("socket hang up"), { code: "ECONNRESET" });
      });
    });

    expect(status).toBe("CREATE_COMPLETE");
    expect(world.sim.ecs.tasks()).toHaveLength(1);
  });

  it.each([
    ["RunTask", {}],
    ["StartTask", { Instances: ["1".padStart(32, "0")] }],
  ])("does not start a second task however often the answer of %s is lost", async (operation, properties) => {
    const { status, world } = await create(properties, ({ sim }) => {
      for (let at = 0; at < 4; at += 1) sim.once(`ECS.${operation}`, loseAnswer);
    });

    expect(status).toBe("CREATE_COMPLETE");
    expect(world.sim.ecs.tasks()).toHaveLength(1);
  });

  it("gives up when no start is ever answered, and stops what was started nevertheless", async () => {
    const { reason, states, world } = await create({}, ({ sim }) => {
      sim.ecs.script("migrate", FOR_EVER);
      for (let at = 0; at < 100; at += 1) sim.once("ECS.RunTask", loseAnswer);
    });
    await world.clock.advance(60_000);

    expect(reason).toMatch(/^ECS_AWS_ERROR: RunTask in "web" failed\. .*socket hang up/);
    expect(states()).toEqual(["STOPPED"]);
  });

  it("starts no task that no execution would watch", async () => {
    const { reason, world } = await create({}, ({ sim }) => {
      const denied = { name: "AccessDeniedException", $metadata: { httpStatusCode: 400 } };
      const deny = () => Promise.reject(Object.assign(new Error("no"), denied));
      for (let time = 0; time < 3; time += 1) sim.once("SFN.StartExecution", deny);
    });

    expect(reason).toMatch(/^ECS_AWS_ERROR: .*AccessDeniedException: no/);
    expect(world.count("ECS.RunTask")).toBe(0);
  });
});

describe("an execution whose start was not acknowledged, and that Step Functions does not show yet", () => {
  const fail = (error: object) => () => Promise.reject(Object.assign(new Error("socket hang up"), error));
  /** Only the `served` one of four tries reaches the service. */
  const lose = ({ sim }: EcsTaskWorld, served: number) => {
    for (let at = 1; at <= 4; at += 1) {
      sim.once("SFN.StartExecution", at === served ? loseAnswer : fail({ code: "ECONNRESET" }));
      // API reference, DescribeExecution: "This operation is eventually consistent."
      sim.once("SFN.DescribeExecution", fail({ name: "ExecutionDoesNotExist", $metadata: {} }));
    }
  };
  const pass = async (world: EcsTaskWorld) => {
    for (let minute = 0; minute < 10; minute += 1) await world.clock.advance(60_000);
  };

  it("answers alone where it has recorded a run", async () => {
    const { reason, world } = await create({}, (given) => lose(given, 1));

    expect(reason).toBe("RUN: 1 task has ended, and every checked container exited with 0.");
    expect(world.count("ECS.RunTask")).toBe(1);
  });

  it("leaves no task running after its request was answered", async () => {
    const { reason, world, states } = await create({}, (given) => {
      lose(given, 4);
      given.sim.ecs.script("migrate", FOR_EVER);
    });
    await pass(world);

    expect(reason).toMatch(/^ECS_AWS_ERROR: .*socket hang up$/);
    expect(states().filter((state) => state !== "STOPPED")).toEqual([]);
  });

  it("does not run in parallel with the Update that rolls back", async () => {
    const { world } = await create({});
    world.sim.ecs.script("migrate", { runsMs: 60_000 });
    lose(world, 4);

    const { status, followedBy } = await world.until(world.life.update({ ...LEAST, Triggers: 2 }));
    await pass(world);

    expect([status, followedBy[0]?.status]).toEqual(["UPDATE_FAILED", "UPDATE_COMPLETE"]);
    const update = world.life.requests[1]?.RequestId;
    const ofUpdate = world.sim.ecs.tasks().filter(({ tags = [] }) => tags.some(({ value }) => value === update));
    expect(ofUpdate.filter(({ stopCode }) => stopCode !== "UserInitiated")).toEqual([]);
    expect(world.sim.ecs.tasks().filter(({ lastStatus }) => lastStatus !== "STOPPED")).toEqual([]);
  });

  it("is named in the response where nothing can keep it from starting tasks", async () => {
    const records = createMemoryRecords();
    const put = () => Promise.reject(new Error("The table is not there."));
    const world = createEcsTaskWorld({ records: { ...records, put } });
    lose(world, 4);

    const { reason } = await world.until(world.life.create(LEAST));

    expect(reason).toMatch(/socket hang up An execution may hold the request, so that tasks may still run\.$/);
  });
});

/** The call has its effect, and the connection ends. */
async function loseAnswer(proceed: () => Promise<unknown>): Promise<unknown> {
  await proceed();
  throw Object.assign(new Error("socket hang up"), { code: "ECONNRESET" });
}
