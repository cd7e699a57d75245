import { AutoScalingClient, TerminateInstanceInAutoScalingGroupCommand } from "@aws-sdk/client-auto-scaling";
import { SimFault } from "@stackyard/aws-sim";
import { describe, expect, it } from "vitest";
import type { Release } from "../document/release.ts";
import { anAutoscaling, aService, TARGET } from "../testing/builders.ts";
import { createReleaseWorld, createSwitch, type SwitchInput } from "../testing/release-world.ts";
import { checkHealthy } from "./check-healthy.ts";
import { deploy } from "./deploy.ts";
import { validateResources } from "./validate.ts";

const PLACE = { account: TARGET.account, region: TARGET.region };

const denied = () => Promise.reject(new SimFault("AccessDenied", 403, "Not you."));

const createFresh = (input: SwitchInput = {}) => createSwitch({ isHealthy: false, ...input });

describe("checkHealthy", () => {
  it("reports how many servers are healthy while servers boot, and keeps waiting", async () => {
    const world = await createFresh();
    await world.pass(35);

    const state = await world.run(checkHealthy);

    expect(state.healthy).toBe(false);
    expect(state.services["web"]).toMatchObject({
      healthy: false,
      healthy_report: {
        target_healthy: 2,
        target_launched: 2,
        healthy: 0,
        launching: 2,
        terminating: 0,
        terminating_ids: [],
        desired_capacity: 2,
        min_size: 2,
      },
    });
    expect(world.lines.at(-1)).toBe("web: 0 of 2 healthy, 2 launched (desired 2); healthy instances: 0 of 2");
  });

  it("is satisfied when Auto Scaling and all load balancers are", async () => {
    const world = await createFresh();
    await world.pass(60);

    expect(await world.run(checkHealthy)).toMatchObject({ healthy: true, services: { web: { healthy: true } } });
  });

  it("counts servers that a load balancer does not know as unhealthy, and queries only its own servers", async () => {
    const world = await createFresh();

    const early = await world.run(checkHealthy);
    await world.pass(10);
    const booting = await world.run(checkHealthy);

    expect([early, booting].map((each) => each.services["web"]?.healthy_report?.healthy)).toEqual([0, 0]);
    expect(world.inputs("ElasticLoadBalancing.DescribeInstanceHealth")).toHaveLength(1);
    expect(world.inputs("ElasticLoadBalancing.DescribeInstanceHealth")[0]).toMatchObject({
      Instances: [{ InstanceId: expect.any(String) }, { InstanceId: expect.any(String) }],
    });
  });

  it("changes no capacity when the strategy wants none", async () => {
    const world = await createFresh();
    await world.pass(60);

    await world.run(checkHealthy);

    expect(world.inputs("AutoScaling.UpdateAutoScalingGroup")).toEqual([]);
  });

  it("takes a canary to all, and changes nothing twice", async () => {
    const autoscaling = anAutoscaling({ min_size: 2, max_size: 4, strategy: "OneThenAllWithCanary" });
    const world = await createFresh({ service: { autoscaling } });
    await world.pass(60);

    const first = await world.run(checkHealthy);
    await world.pass(60);
    const second = await world.run(checkHealthy);

    expect([first.healthy, second.healthy]).toEqual([false, true]);
    expect(world.inputs("AutoScaling.UpdateAutoScalingGroup")).toEqual([
      { AutoScalingGroupName: world.newGroup, MinSize: 2, DesiredCapacity: 2 },
    ]);
  });

  it("keeps a gated step until it has baked", async () => {
    const autoscaling = anAutoscaling({
      min_size: 2,
      max_size: 4,
      strategy: "GatedSteps",
      steps: [1, "100%"],
      bake_time: 30,
    });
    const world = await createFresh({ service: { autoscaling } });
    await world.pass(60);

    const steps = [];
    for (let look = 0; look < 6; look += 1) {
      const { healthy, services } = await world.run(checkHealthy);
      steps.push([services["web"]?.step?.index, healthy]);
      await world.pass(20);
    }

    expect(steps).toEqual([
      [0, false],
      [0, false],
      [1, false],
      [1, false],
      [1, false],
      [1, true],
    ]);
  });

  it("wants as many good looks in a row as the release says", async () => {
    const world = await createFresh({ release: { stable_polls: 2 } });
    await world.pass(60);

    const healthy = [await world.run(checkHealthy), await world.run(checkHealthy)].map((each) => each.healthy);

    expect(healthy).toEqual([false, true]);
  });
});

describe("checkHealthy of alarms", () => {
  it.each([
    ["OK", true],
    ["INSUFFICIENT_DATA", true],
    ["ALARM", false],
  ] as const)("with an alarm in %s: %s", async (state, healthy) => {
    const world = await createFresh({ release: { alarms: ["errors"] } });
    world.sim.cloudWatch.addAlarm({ ...PLACE, name: "errors", state });
    await world.pass(60);

    expect(await world.run(checkHealthy)).toMatchObject({ healthy });
  });

  it("does not continue without an alarm that it was given", async () => {
    const world = await createFresh({ release: { alarms: ["errors"] } });

    await expect(world.run(checkHealthy)).rejects.toMatchObject({
      errorClass: "HealthError",
      message: 'Unknown alarm: "errors". Create it, or remove it from "alarms".',
    });
  });

  it("requests a hundred at a time", async () => {
    const alarms = Array.from({ length: 101 }, (_, at) => `errors-${at}`);
    const world = await createFresh({ release: { alarms } });
    for (const name of alarms) world.sim.cloudWatch.addAlarm({ ...PLACE, name });
    await world.pass(60);

    expect(await world.run(checkHealthy)).toMatchObject({ healthy: true });
    expect(world.inputs("CloudWatch.DescribeAlarms").map(({ AlarmNames }) => Object(AlarmNames).length)).toEqual([
      100, 1,
    ]);
  });
});

describe("checkHealthy of a release that is to stop", () => {
  it("obeys an order to halt before it checks anything", async () => {
    const world = await createFresh();
    world.memory.halts.push({ kind: "release", message: "wrong build", at: world.clock.now() });
    const before = world.sim.calls.length;

    await expect(world.run(checkHealthy)).rejects.toMatchObject({ errorClass: "HaltError", message: "wrong build" });
    expect(world.sim.calls).toHaveLength(before);
  });

  it.each([
    [1_200, "is done where its groups are healthy"],
    [1, "ends where they are not"],
  ])("looks once more when the time is over: after %i s, it %s", async (seconds) => {
    const world = await createFresh({ release: { timeout: seconds } });
    const startedAt = Date.parse(world.now.state.started_at);
    await world.clock.advance(startedAt + seconds * 1_000 + 1 - world.clock.now());

    const look = world.run(checkHealthy);

    const message = expect.stringMatching(/^Timeout: Halting Release/);
    if (seconds > 1) return expect(look).resolves.toMatchObject({ healthy: true });
    return expect(look).rejects.toMatchObject({ releaseCode: "RELEASE_TIMED_OUT", message });
  });

  it("ends when the time is over and its health cannot be read", async () => {
    const world = await createFresh({ release: { timeout: 60 } });
    await world.pass(120);
    world.sim.once("AutoScaling.DescribeAutoScalingGroups", () =>
      Promise.reject(new SimFault("Throttling", 400, "Rate")),
    );

    await expect(world.run(checkHealthy)).rejects.toMatchObject({ releaseCode: "RELEASE_TIMED_OUT" });
  });

  it("obeys an order to halt, though its time is over and its groups are healthy", async () => {
    const world = await createFresh({ release: { timeout: 60 } });
    await world.pass(1_200);
    world.memory.halts.push({ kind: "release", message: "wrong build", at: world.clock.now() });

    await expect(world.run(checkHealthy)).rejects.toMatchObject({ errorClass: "HaltError" });
  });

  it.each([
    [
      1,
      /^Found terminating instances: 2, allowed are 1 \(max_terms\): i-\w+, i-\w+\. i-\w+ terminated: its EC2 status/,
    ],
    [2, undefined],
  ])("allows %i servers to end", async (max_terms, message) => {
    const autoscaling = anAutoscaling({ min_size: 2, max_size: 4, max_terms });
    const world = await createFresh({ service: { autoscaling } });
    world.sim.autoScaling.script(world.newGroup, { diesAfterMs: 45_000 });
    await world.pass(50);

    const look = world.run(checkHealthy);

    if (message === undefined) return expect(look).resolves.toMatchObject({ healthy: false });
    return expect(look).rejects.toMatchObject({ errorClass: "HaltError", message: expect.stringMatching(message) });
  });
});

describe("checkHealthy of terminations while something else does not answer", () => {
  const never = () => new Promise<never>(() => {});
  const balancers = ["ElasticLoadBalancing.DescribeInstanceHealth", "ElasticLoadBalancingV2.DescribeTargetHealth"];

  async function createDying(input: SwitchInput = {}) {
    const world = await createFresh(input);
    for (const name of input.release?.alarms ?? []) world.sim.cloudWatch.addAlarm({ ...PLACE, name });
    await world.pass(60);
    await world.run(checkHealthy);
    const client = world.deps.target.client(AutoScalingClient);
    const [InstanceId] = world.sim.autoScaling
      .listGroups(PLACE)
      .flatMap(({ name, instances }) => (name === world.newGroup ? instances : []))
      .map(({ instanceId }) => instanceId);
    await client.send(
      new TerminateInstanceInAutoScalingGroupCommand({ InstanceId, ShouldDecrementDesiredCapacity: false }),
    );
    return world;
  }

  it.each(balancers)("halts at once, and does not ask the load balancers: %s", async (operation) => {
    const world = await createDying();
    const asked = world.inputs(operation).length;
    world.sim.once(operation, never);

    await expect(world.run(checkHealthy)).rejects.toMatchObject({
      errorClass: "HaltError",
      releaseCode: "INSTANCES_TERMINATED",
      message: expect.stringMatching(
        /^Found terminating instances: 1, allowed are 0 \(max_terms\): i-\w+\. i-\w+ terminated: /,
      ),
      partial: {
        healthy: false,
        services: { web: { healthy: false, stable: 0, healthy_report: { healthy: 1, launching: 2, terminating: 1 } } },
      },
    });
    expect(world.inputs(operation)).toHaveLength(asked);
    expect(world.lines.at(-1)).toMatch(
      /^web: 1 of 2 healthy, 2 launched, 1 terminating \(desired 2\); i-\w+ terminated: /,
    );
  });

  it("halts at once, though the alarms of the release cannot be read", async () => {
    const world = await createDying({ release: { alarms: ["errors"] } });
    world.sim.once("CloudWatch.DescribeAlarms", never);

    await expect(world.run(checkHealthy)).rejects.toMatchObject({ releaseCode: "INSTANCES_TERMINATED" });
  });

  it("halts after five seconds without the explanation, when Auto Scaling does not give it", async () => {
    const world = await createDying();
    world.sim.once("AutoScaling.DescribeScalingActivities", never);
    const startedAt = world.clock.now();

    const error = await world.until(world.run(checkHealthy).catch((thrown: unknown) => thrown));

    expect(error).toMatchObject({
      releaseCode: "INSTANCES_TERMINATED",
      message: expect.stringMatching(/\(max_terms\): i-\w+\.$/),
    });
    expect(world.clock.now() - startedAt).toBe(5_000);
  });
});

describe("checkHealthy of servers that die between two looks", () => {
  async function createCrashLoop(count_terminations: Release["count_terminations"], max_terms = 0) {
    const world = createReleaseWorld({ services: ["web"] });
    // A new one is up and down again within two minutes.
    world.sim.autoScaling.script("org/shop", { bootMs: 5_000, diesAfterMs: 20_000 });
    world.sim.autoScaling.set({ terminateMs: 1_000 });
    const autoscaling = anAutoscaling({ min_size: 1, max_size: 1, max_terms });
    let now = world.work({ services: { web: aService({ autoscaling }) }, count_terminations, timeout: 86_400 });
    now = { ...now, state: await validateResources(world.deps, now) };
    now = { ...now, state: await deploy(world.deps, now) };
    const instances = () => world.sim.autoScaling.listGroups(PLACE).flatMap((group) => group.instances);
    return { ...world, instances, look: () => checkHealthy(world.deps, now) };
  }

  it("counts them when the release counts all", async () => {
    const world = await createCrashLoop("cumulative");
    await world.clock.advance(300_000);

    const error = await world.look().catch((thrown: unknown) => thrown);

    expect(error).toMatchObject({ releaseCode: "INSTANCES_TERMINATED", errorClass: "HaltError" });
    const { partial } = Object(error);
    expect(partial.services.web.terminated.length).toBeGreaterThan(2);
    expect(partial.services.web.causes[0]).toMatch(/^i-[0-9a-f]+ terminated: /);
  });

  it("allows as many as the document does", async () => {
    const world = await createCrashLoop("cumulative", 100);
    await world.clock.advance(300_000);

    expect((await world.look()).services["web"]?.terminated?.length).toBeGreaterThan(2);
  });

  it("does not see them in a snapshot, as the predecessor", async () => {
    const world = await createCrashLoop("snapshot");
    const isQuiet = () => world.instances().every(({ lifecycleState }) => !lifecycleState.startsWith("Term"));
    await world.clock.advance(300_000);
    while (!isQuiet()) await world.clock.advance(1_000);

    expect((await world.look()).services["web"]).toMatchObject({ terminated: [] });
  });

  it("cannot count without the activities", async () => {
    const world = await createCrashLoop("cumulative");
    world.sim.once("AutoScaling.DescribeScalingActivities", denied);

    await expect(world.look()).rejects.toMatchObject({ errorClass: "HealthError" });
  });
});

describe("checkHealthy of servers that do not come", () => {
  async function createShort() {
    const world = createReleaseWorld({ services: ["web"] });
    world.sim.autoScaling.script("org/shop", { launchError: "InsufficientInstanceCapacity" });
    let now = world.work({ services: { web: aService() } });
    now = { ...now, state: await validateResources(world.deps, now) };
    now = { ...now, state: await deploy(world.deps, now) };
    await world.clock.advance(30_000);
    return { ...world, look: () => checkHealthy(world.deps, now) };
  }

  it("says why, in words", async () => {
    const world = await createShort();

    const { healthy, services } = await world.look();

    expect(healthy).toBe(false);
    expect(services["web"]?.causes).toEqual([expect.stringMatching(/^launch failed: /)]);
    expect(world.lines.at(-1)).toContain("launch failed: ");
  });

  it("continues without the texts when it may not read them", async () => {
    const world = await createShort();
    world.sim.once("AutoScaling.DescribeScalingActivities", denied);

    expect(await world.look()).toMatchObject({ healthy: false, services: { web: { causes: [] } } });
  });
});

describe("checkHealthy of several services", () => {
  async function createTwo() {
    const world = createReleaseWorld();
    const web = aService({ target_groups: ["web"], security_groups: ["web"] });
    const api = aService({ service_name: "api", target_groups: ["api"], security_groups: ["api"] });
    let now = world.work({ services: { web, api } });
    now = { ...now, state: await validateResources(world.deps, now) };
    now = { ...now, state: await deploy(world.deps, now) };
    await world.clock.advance(60_000);
    return { ...world, look: () => checkHealthy(world.deps, now) };
  }

  it("reads them by name", async () => {
    const world = await createTwo();

    expect(await world.look()).toMatchObject({ healthy: true });
    expect(world.lines.slice(-2).map((line) => line.split(":")[0])).toEqual(["api", "web"]);
  });

  it("reports the others when one cannot be read, and fails with that one", async () => {
    const world = await createTwo();
    world.sim.once("ElasticLoadBalancingV2.DescribeTargetHealth", denied);

    const error = await world.look().catch((thrown: unknown) => thrown);

    expect(error).toMatchObject({
      errorClass: "HealthError",
      message: expect.stringContaining('The health of service "api" could not be read. AccessDenied: Not you.'),
      partial: { healthy: false, services: { web: { healthy: true, healthy_report: { healthy: 1 } } } },
    });
  });

  it("reports everything that cannot be read", async () => {
    const world = await createTwo();
    for (let call = 0; call < 2; call += 1) world.sim.once("ElasticLoadBalancingV2.DescribeTargetHealth", denied);

    await expect(world.look()).rejects.toThrow(/"api" could not be read[\s\S]*"web" could not be read/);
  });

  it("halts for one service, though an earlier one cannot be read", async () => {
    const world = await createTwo();
    const web = world.sim.autoScaling.listGroups(PLACE).find(({ name }) => name.endsWith("-web"));
    const client = world.deps.target.client(AutoScalingClient);
    const InstanceId = web?.instances[0]?.instanceId;
    const end = { InstanceId, ShouldDecrementDesiredCapacity: false };
    await client.send(new TerminateInstanceInAutoScalingGroupCommand(end));
    world.sim.once("ElasticLoadBalancingV2.DescribeTargetHealth", denied);

    await expect(world.look()).rejects.toMatchObject({ errorClass: "HaltError" });
  });

  it("reports a group that was deleted as missing", async () => {
    const world = await createTwo();
    world.sim.once("AutoScaling.DescribeAutoScalingGroups", async () => ({ AutoScalingGroups: [] }));

    await expect(world.look()).rejects.toMatchObject({
      errorClass: "HealthError",
      message: expect.stringMatching(/^Service "api" has no group ".*-api" any more\.$/),
    });
  });
});

describe("checkHealthy with an error at each call", () => {
  it("is a HealthError, whichever call it is, and the repeat succeeds", async () => {
    const operations = ["AutoScaling.DescribeAutoScalingGroups", "AutoScaling.UpdateAutoScalingGroup"];
    const balancers = ["ElasticLoadBalancing.DescribeInstanceHealth", "ElasticLoadBalancingV2.DescribeTargetHealth"];
    for (const operation of [...operations, ...balancers]) {
      const autoscaling = anAutoscaling({ min_size: 2, max_size: 4, strategy: "OneThenAllWithCanary" });
      const world = await createFresh({ service: { autoscaling } });
      await world.pass(60);
      world.sim.once(operation, () => Promise.reject(new SimFault("Throttling", 400, "Rate exceeded")));

      await expect(world.run(checkHealthy), operation).rejects.toMatchObject({ releaseCode: "HEALTH_CHECK_FAILED" });
      await world.run(checkHealthy);

      expect(world.inputs("AutoScaling.UpdateAutoScalingGroup").at(-1), operation).toMatchObject({
        DesiredCapacity: 2,
      });
    }
  });
});
