import { SimFault } from "@stackyard/aws-sim";
import { describe, expect, it } from "vitest";
import { createEcsTaskWorld, LEAST } from "./testing/an-ecs-task-world.ts";
import { createEcsYard } from "./testing/an-ecs-yard.ts";

const EC2_THROTTLE =
  "Error retrieving security group information for [sg-1]: Request limit exceeded. (ErrorCode: RequestLimitExceeded)";
const TASK_ROLE =
  "ECS was unable to assume the role 'arn:aws:iam::111122223333:role/migrate' that was provided for this task. Please verify that the role being passed has the proper trust relationship and permissions and that your IAM user has permissions to pass this role.";
const LINKED_ROLE = "Unable to assume the service linked role. Please verify that the ECS service linked role exists.";
const LISTENERS =
  "Unable to assume role and validate the listeners configured on your load balancer.  Please verify the role being passed has the proper permissions.";
const INFRASTRUCTURE_ROLE =
  "ECS was unable to assume the configured ECS Infrastructure Role 'arn:aws:iam::111122223333:role/volumes'. Please verify that the role being passed has the proper trust relationship with Amazon ECS.";
const EMPTY = "No Container Instances were found in your cluster.";

/** Refusals that pass by themselves. */
const PASSING: readonly (readonly [report: string, name: string, message: string])[] = [
  ["dask-cloudprovider#56", "InvalidParameterException", EC2_THROTTLE],
  ["wrapbox#32", "ClientException", EC2_THROTTLE],
  ["amazon-ecs-plugin#185", "InvalidParameterException", EMPTY],
  ["pulumi-awsx#927", "ClientException", TASK_ROLE],
  ["run-selenium-tests-at-scale-using-ecs-fargate#2", "InvalidParameterException", LINKED_ROLE],
  ["aws-cdk#37675", "AccessDeniedException", "User is not authorized to perform: ecs:RunTask"],
  [
    "terraform-aws-ecs#414",
    "AccessDeniedException",
    "User: ci is not authorized to perform: iam:PassRole on resource: r",
  ],
  ["terraform#4375", "InvalidParameterException", LISTENERS],
  ["pulumi-aws#1041", "InvalidParameterException", LINKED_ROLE],
  ["terraform-provider-aws#38538", "InvalidParameterException", INFRASTRUCTURE_ROLE],
];

/** Refuses an operation for so long. */
function refuse(
  { sim, clock }: Pick<ReturnType<typeof createEcsYard>, "sim" | "clock">,
  operation: string,
  { name, message, ms }: { readonly name: string; readonly message: string; readonly ms: number },
): void {
  const until = clock.now() + ms;
  const behave = (proceed: () => Promise<unknown>): Promise<unknown> => {
    if (clock.now() >= until) return proceed();
    sim.once(operation, behave);
    return Promise.reject(new SimFault(name, 400, message));
  };
  sim.once(operation, behave);
}

const DENIED = { name: "AccessDeniedException", message: "not authorized", ms: Number.POSITIVE_INFINITY };

describe("RunTask, refused for half a minute", () => {
  it.each(PASSING)("custom resource [%s]: %s %s", async (_report, name, message) => {
    const world = createEcsTaskWorld();
    refuse(world, "ECS.RunTask", { name, message, ms: 30_000 });

    const { status, reason } = await world.until(world.life.create({ ...LEAST, PlacementTimeout: 600 }));

    expect([status, reason]).toEqual(["CREATE_COMPLETE", expect.stringMatching(/^RUN: /)]);
  });

  it.each(PASSING)("executor [%s]: %s %s", async (_report, name, message) => {
    const yard = createEcsYard();
    refuse(yard, "ECS.RunTask", { name, message, ms: 30_000 });

    const { step } = await yard.run({ cluster: "web", taskDefinition: "migrate", placementTimeout: "10m" });

    expect(step).toMatchObject({ kind: "succeeded" });
  });
});

describe("RunTask, refused forever", () => {
  it.each([
    ["capacity", EMPTY, 0, 60_000],
    ["a role", TASK_ROLE, 110_000, 180_000],
  ])("with a short placement timeout, for %s, waits as long as that may pass", async (_what, message, least, most) => {
    const yard = createEcsYard();
    refuse(yard, "ECS.RunTask", { name: "InvalidParameterException", message, ms: Number.POSITIVE_INFINITY });

    const config = { cluster: "web", taskDefinition: "migrate", placementTimeout: "10s" };
    const { step, elapsedMs } = await yard.run(config);

    expect(step).toMatchObject({ kind: "failed", message: expect.stringContaining(message) });
    expect(elapsedMs).toBeGreaterThanOrEqual(least);
    expect(elapsedMs).toBeLessThanOrEqual(most);
  });

  it("for a role, says that the role may lack a right", async () => {
    const world = createEcsTaskWorld();
    refuse(world, "ECS.RunTask", { name: "ClientException", message: TASK_ROLE, ms: Number.POSITIVE_INFINITY });

    const { status, reason } = await world.until(world.life.create(LEAST));

    expect([status, reason]).toEqual(["CREATE_FAILED", expect.stringMatching(/^ECS_AWS_ERROR: .*The role may lack/)]);
  });
});

describe("a started task when looking at it is denied [airflow#61050]", () => {
  it("is left running by the executor, which names it", async () => {
    const yard = createEcsYard();
    yard.sim.ecs.script("migrate", { runsMs: Number.POSITIVE_INFINITY });
    refuse(yard, "ECS.DescribeTasks", DENIED);

    const { step } = await yard.run({ cluster: "web", taskDefinition: "migrate", timeout: "5m" });

    const message = expect.stringMatching(/not authorized\. It is unknown .* These tasks may still run: arn:\S+\.$/);
    expect(step).toMatchObject({ code: "ECS_TASK_LOST", message, retryable: false });
    expect(JSON.stringify(step)).toContain("taskArns");
    expect(yard.countCalls("ECS.StopTask")).toBe(0);
  });

  it("is stopped by the executor with `stopOnError`", async () => {
    const yard = createEcsYard();
    yard.sim.ecs.script("migrate", { runsMs: Number.POSITIVE_INFINITY });
    refuse(yard, "ECS.DescribeTasks", DENIED);

    const { step } = await yard.run({ cluster: "web", taskDefinition: "migrate", stopOnError: true });

    expect(yard.countCalls("ECS.StopTask")).toBe(1);
    expect(step).toMatchObject({ code: "ECS_AWS_ERROR", message: expect.stringContaining("Their stop was requested") });
  });

  // After a failed Create, CloudFormation sends a Delete, which stops what is left.
  it.each([
    ["Create", {}, 1],
    ["Create", { StopOnError: true }, 2],
    ["Delete", {}, 1],
  ])("on %s of the custom resource with %j", async (type, properties, stops) => {
    const world = createEcsTaskWorld();
    world.sim.ecs.script("migrate", { runsMs: Number.POSITIVE_INFINITY });
    if (type === "Delete") await world.until(world.life.create({ ...LEAST, Timeout: 0 }));
    refuse(world, "ECS.DescribeTasks", DENIED);

    const done = type === "Delete" ? world.life.delete() : world.life.create({ ...LEAST, ...properties });
    const { reason = "" } = await world.until(done);

    expect(world.count("ECS.StopTask")).toBe(stops);
    if (type === "Create") expect(reason.includes("tasks may still run: arn:")).toBe(stops === 1);
  });

  it.each([
    ["AccessDeniedException", 1],
    ["AccessDeniedException", 100_000],
    ["InvalidParameterException", 100_000],
    ["ThrottlingException", 1_800_000],
  ])("is not stopped by a refusal in its tenth minute: %s for %i ms", async (name, ms) => {
    const [yard, world] = [createEcsYard(), createEcsTaskWorld()];
    for (const each of [yard, world]) {
      each.sim.ecs.script("migrate", { runsMs: 20 * 60_000 });
      void each.clock.sleep(600_000).then(() => refuse(each, "ECS.DescribeTasks", { ...DENIED, name, ms }));
    }

    const { step } = await yard.run({ cluster: "web", taskDefinition: "migrate", timeout: "30m" });
    const { status } = await world.until(world.life.create(LEAST));

    expect([step.kind, yard.countCalls("ECS.StopTask")]).toEqual(["succeeded", 0]);
    expect([status, world.count("ECS.StopTask")]).toEqual(["CREATE_COMPLETE", 0]);
  });

  it("is examined again when the denial passes", async () => {
    const yard = createEcsYard();
    refuse(yard, "ECS.DescribeTasks", { ...DENIED, ms: 40_000 });

    const { step } = await yard.run({ cluster: "web", taskDefinition: "migrate" });

    expect(step).toMatchObject({ kind: "succeeded" });
  });
});

describe("a timeout whose stop is denied stays a timeout", () => {
  it("of the executor", async () => {
    const yard = createEcsYard();
    yard.sim.ecs.script("migrate", { runsMs: Number.POSITIVE_INFINITY });
    refuse(yard, "ECS.StopTask", DENIED);

    const { step } = await yard.run({ cluster: "web", taskDefinition: "migrate", timeout: "3m" });

    expect(step).toMatchObject({
      code: "ECS_TIMEOUT",
      message: expect.stringMatching(/^Not done after 180 s: .* The stop failed: .* These tasks may still run: arn:/),
    });
  });

  it("of the custom resource, which does not say that they are stopped", async () => {
    const world = createEcsTaskWorld();
    world.sim.ecs.script("migrate", { runsMs: Number.POSITIVE_INFINITY });
    refuse(world, "ECS.StopTask", DENIED);

    const { reason } = await world.until(world.life.create({ ...LEAST, Timeout: 180 }));

    expect(reason).toMatch(/^ECS_TIMEOUT: The tasks had not ended after .*: 1 RUNNING\. Tasks may still run: /);
  });
});

describe("LaunchType MANAGED_INSTANCES [prefect#20765]", () => {
  it("leaves the choice to the strategy, as ECS requires", async () => {
    const yard = createEcsYard();

    await yard.run({ cluster: "web", taskDefinition: "migrate", launchType: "MANAGED_INSTANCES" });

    const [call] = yard.sim.calls.filter(({ operation }) => operation === "ECS.RunTask");
    expect(call?.input).not.toHaveProperty("launchType");
  });
});

/** Starts that fail outside the container: the reason must be in the failure. */
const START_FAILURES = [
  [
    "copilot-cli#5984",
    "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve secret from asm: AccessDeniedException: no identity-based policy allows the secretsmanager:GetSecretValue action status code: 400",
  ],
  [
    "copilot-cli#3104",
    "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve secrets from ssm: service call has been retried 1 time(s): AccessDeniedException: User: ann",
  ],
  ["airflow#15000", "Timeout waiting for network interface provisioning to complete."],
  ["airflow PR 22002", "Network interface provisioning timed out."],
] as const;

describe("a task that does not start", () => {
  it.each(START_FAILURES)(
    "has its reason in the executor's failure, which may be repeated [%s]",
    async (_report, reason) => {
      const yard = createEcsYard();
      yard.sim.ecs.script("migrate", { failsToStart: reason });

      const { step } = await yard.run({ cluster: "web", taskDefinition: "migrate" });

      expect(step).toMatchObject({
        kind: "failed",
        retryable: true,
        message: expect.stringContaining(reason.slice(0, 60)),
      });
    },
  );

  it.each(START_FAILURES)("has its reason in the answer to CloudFormation [%s]", async (_report, reason) => {
    const world = createEcsTaskWorld();
    world.sim.ecs.script("migrate", { failsToStart: reason });

    const answer = await world.until(world.life.create(LEAST));

    expect(answer.status).toBe("CREATE_FAILED");
    expect(answer.reason).toContain(reason.slice(0, 60));
  });
});
