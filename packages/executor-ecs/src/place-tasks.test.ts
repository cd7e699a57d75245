import { SimFault } from "@stackyard/aws-sim";
import { describe, expect, it } from "vitest";
import { createEcsYard, INSTANCE } from "./testing/an-ecs-yard.ts";

const config = { cluster: "web", taskDefinition: "migrate" };

function inputsOf({ sim }: ReturnType<typeof createEcsYard>, operation: string) {
  return sim.calls.filter((call) => call.operation === operation).map(({ input }) => input);
}

/** As ECS answers while it does not know a task that it has just started. */
function refuseStops({ sim }: ReturnType<typeof createEcsYard>, calls: number): void {
  for (let call = 0; call < calls; call += 1) {
    sim.once("ECS.StopTask", async () => {
      throw new SimFault("InvalidParameterException", 400, "The referenced task was not found.");
    });
  }
}

describe("a cluster without room", () => {
  it("is asked again for what is missing, each time with another token", async () => {
    const yard = createEcsYard();
    yard.sim.ecs.refuse({ reason: "RESOURCE:MEMORY", tasks: 2 });
    yard.sim.ecs.refuse({ reason: "AGENT", tasks: 1 });
    const context = yard.context();

    const { step, reports } = await yard.run({ ...config, count: 3 }, { context });

    expect(step).toMatchObject({ kind: "succeeded" });
    expect(yard.sim.ecs.tasks()).toHaveLength(3);
    const key = context.idempotencyKey;
    expect(inputsOf(yard, "ECS.RunTask").map(({ count, clientToken }) => [count, clientToken])).toEqual([
      [3, key],
      [2, `${key}-2`],
      [1, `${key}-3`],
    ]);
    expect(reports[0]).toMatch(/^Waits for room: 1 of 3 tasks found a place: .*RESOURCE:MEMORY/);
  });

  it("is given up after the placement's time, and what did start is stopped", async () => {
    const yard = createEcsYard();
    yard.sim.ecs.script("migrate", { runsMs: Number.POSITIVE_INFINITY });
    yard.sim.ecs.refuse({ reason: "RESOURCE:CPU", tasks: 1, calls: 100 });

    const { step, elapsedMs } = await yard.run({ ...config, count: 2, placementTimeout: "25s" });

    expect(step).toMatchObject({ kind: "failed", code: "ECS_PLACEMENT_FAILED", retryable: true });
    expect((step as { message: string }).message).toMatch(/^1 of 2 tasks found a place: RESOURCE:CPU/);
    expect(yard.countCalls("ECS.RunTask")).toBe(4);
    expect(yard.sim.ecs.tasks().map(({ lastStatus, stopCode }) => [lastStatus, stopCode])).toEqual([
      ["STOPPED", "UserInitiated"],
    ]);
    expect(elapsedMs).toBeGreaterThanOrEqual(25_000);
  });

  it("leaves nothing running of what its last try has started, although ECS does not know it yet", async () => {
    const yard = createEcsYard();
    yard.sim.ecs.script("migrate", { runsMs: Number.POSITIVE_INFINITY, missingMs: 20_000 });
    refuseStops(yard, 3);
    yard.sim.ecs.refuse({ reason: "RESOURCE:CPU", tasks: 2, calls: 8 });
    yard.sim.ecs.refuse({ reason: "RESOURCE:CPU", tasks: 1 });

    const { step } = await yard.run({ ...config, count: 2, placementTimeout: "75s" });
    await yard.clock.advance(60_000);

    expect(step).toMatchObject({ kind: "failed", code: "ECS_PLACEMENT_FAILED", retryable: true });
    expect(yard.sim.ecs.tasks().map(({ lastStatus, stopCode }) => [lastStatus, stopCode])).toEqual([
      ["STOPPED", "UserInitiated"],
    ]);
  });

  it("leaves nothing running of what its last try has started either when it is cancelled then", async () => {
    const yard = createEcsYard();
    yard.sim.ecs.script("migrate", { runsMs: Number.POSITIVE_INFINITY, missingMs: 20_000 });
    refuseStops(yard, 3);
    yard.sim.ecs.refuse({ reason: "RESOURCE:CPU", tasks: 2, calls: 8 });
    yard.sim.ecs.refuse({ reason: "RESOURCE:CPU", tasks: 1 });
    yard.sim.ecs.refuse({ reason: "RESOURCE:CPU", calls: 100 });

    const { step } = await yard.run({ ...config, count: 2 }, { cancelAfterMs: 85_000 });
    await yard.clock.advance(60_000);

    expect(step).toMatchObject({ kind: "failed", code: "ECS_CANCELLED" });
    expect(yard.sim.ecs.tasks().map(({ lastStatus }) => lastStatus)).toEqual(["STOPPED"]);
  });

  it("fails at once without time for the placement", async () => {
    const yard = createEcsYard();
    yard.sim.ecs.refuse({ reason: "RESOURCE:CPU" });

    const { step, elapsedMs } = await yard.run({ ...config, placementTimeout: "0s" });

    expect(step).toMatchObject({ code: "ECS_PLACEMENT_FAILED", retryable: true });
    expect(elapsedMs).toBe(0);
  });

  it("fails at once for a reason that does not pass, and stops what did start", async () => {
    const yard = createEcsYard();
    yard.sim.ecs.refuse({ reason: "ATTRIBUTE", detail: "no GPU", tasks: 1 });

    const { step } = await yard.run({ ...config, count: 2 });

    expect(step).toMatchObject({ code: "ECS_PLACEMENT_FAILED", retryable: false });
    expect((step as { message: string }).message).toContain("ATTRIBUTE (no GPU)");
    expect(yard.countCalls("ECS.RunTask")).toBe(1);
    expect(yard.sim.ecs.tasks()[0]).toMatchObject({ lastStatus: "STOPPED" });
  });

  it("fails, too, when ECS answers with neither tasks nor failures", async () => {
    const yard = createEcsYard();
    yard.sim.ecs.refuse({ reason: "", isSilent: true });

    const { step } = await yard.run({ ...config, placementTimeout: "0s" });

    expect(step).toMatchObject({
      code: "ECS_PLACEMENT_FAILED",
      message: "0 of 1 tasks found a place: ECS named neither tasks nor failures.",
    });
  });

  it("has its throttling waited out", async () => {
    const yard = createEcsYard();
    const throttled = async () => {
      throw Object.assign(new Error("Rate exceeded"), { name: "ThrottlingException" });
    };
    yard.sim.once("ECS.RunTask", throttled);

    const { step } = await yard.run(config);

    expect(step).toMatchObject({ kind: "succeeded" });
    expect(yard.countCalls("ECS.RunTask")).toBe(1);
  });

  it("ends at the deadline of the task at the latest", async () => {
    const yard = createEcsYard();
    yard.sim.ecs.refuse({ reason: "RESOURCE:CPU", calls: 100 });

    const { step, elapsedMs } = await yard.run({ ...config, timeout: "35s" });

    expect(step).toEqual({
      kind: "failed",
      code: "ECS_TIMEOUT",
      message: expect.stringMatching(/^Not done after 35 s: 0 of 1 tasks found a place: RESOURCE:CPU/),
      retryable: false,
    });
    expect(elapsedMs).toBe(35_000);
  });
});

describe("container instances", () => {
  const others = [
    { id: "00000000000000000000000000000002", isAgentConnected: false },
    { id: "00000000000000000000000000000003" },
  ];

  it("get one task each by StartTask, whatever the count is", async () => {
    const yard = createEcsYard();
    yard.sim.ecs.addCluster({ account: "111122223333", region: "eu-west-1", name: "two", instances: [{}, {}] });
    const instances = [INSTANCE, "00000000000000000000000000000002"];

    const { step } = await yard.run({ ...config, cluster: "two", instances, count: 7 });

    expect(step).toMatchObject({ kind: "succeeded" });
    expect(inputsOf(yard, "ECS.StartTask").map(({ containerInstances }) => containerInstances)).toEqual([instances]);
    expect(yard.sim.ecs.tasks()).toHaveLength(2);
  });

  it("are asked again only where there is no task yet", async () => {
    const yard = createEcsYard();
    const instances = [{ id: INSTANCE }, ...others];
    yard.sim.ecs.addCluster({ account: "111122223333", region: "eu-west-1", name: "three", instances });
    const ids = instances.map(({ id }) => id);

    const { step } = await yard.run({ ...config, cluster: "three", instances: ids, placementTimeout: "10s" });

    expect(step).toMatchObject({ code: "ECS_PLACEMENT_FAILED", retryable: true });
    expect(inputsOf(yard, "ECS.StartTask").map(({ containerInstances }) => containerInstances)).toEqual([
      ids,
      [others[0]?.id],
    ]);
  });

  it("get no second task while ECS does not show the first one yet", async () => {
    const yard = createEcsYard();
    yard.sim.ecs.script("migrate", { runsMs: 120_000, missingMs: 25_000 });
    yard.sim.ecs.addCluster({ account: "111122223333", region: "eu-west-1", name: "two", instances: [{}, {}] });
    const instances = [INSTANCE, "00000000000000000000000000000002"];
    yard.sim.ecs.refuse({ reason: "RESOURCE:MEMORY", tasks: 1 });

    const { step } = await yard.run({ ...config, cluster: "two", instances });

    expect(step).toMatchObject({ kind: "succeeded" });
    expect(inputsOf(yard, "ECS.StartTask").map(({ containerInstances }) => containerInstances)).toEqual([
      instances,
      [instances[1]],
    ]);
    expect(yard.sim.ecs.tasks()).toHaveLength(2);
  });
});
