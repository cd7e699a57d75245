import { AutoScalingClient, TerminateInstanceInAutoScalingGroupCommand } from "@aws-sdk/client-auto-scaling";
import { SimFault } from "@stackyard/aws-sim";
import { describe, expect, it } from "vitest";
import type { Release } from "../document/release.ts";
import { PRESETS, ReleaseError, type ReleaseState, type ReleaseWork } from "../release-state.ts";
import { anAlarmPolicy, anAutoscaling, aService, TARGET, USER_DATA } from "../testing/builders.ts";
import { createReleaseWorld, createSwitch, type ReleaseWorld, type SwitchInput } from "../testing/release-world.ts";
import { checkHealthy, deploy } from "./deploy.ts";
import { validateResources } from "./validate.ts";

const WEB = "org/shop-production-2026-01-01T00-00-00Z-web";
const PLACE = { account: TARGET.account, region: TARGET.region };

/** The release as it stands before Deploy. */
async function validated(world: ReleaseWorld, over?: Partial<Release>): Promise<ReleaseWork> {
  const work = world.work(over);
  return { ...work, state: await validateResources(world.deps, work) };
}

/** What the deployment of a work ends with. */
async function errorOf(world: ReleaseWorld, work: ReleaseWork): Promise<ReleaseError> {
  const error = await world.until(deploy(world.deps, work)).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ReleaseError)) throw error ?? new Error("The deployment has not failed.");
  return error;
}

/** What was created or changed, in order. */
function changes({ sim }: ReleaseWorld): readonly string[] {
  return sim.calls.map(({ operation }) => operation).filter((each) => !/\.(Describe|Get)/.test(each));
}

function refusing(name: string, message = "No.") {
  return async () => {
    throw Object.assign(new Error(message), { name, $metadata: { httpStatusCode: 400 } });
  };
}

describe("deploy", () => {
  it("creates template, group, policies with alarms, and metrics of a service, in this order", async () => {
    const world = createReleaseWorld();
    const policies = [
      anAlarmPolicy(),
      anAlarmPolicy({ type: "cpu_scale_down", threshold: 20, scaling_adjustment: -1 }),
    ];
    const autoscaling = anAutoscaling({ min_size: 2, max_size: 8, spread: 0.5, policies });
    const work = await validated(world, { services: { web: aService({ autoscaling }) } });

    const state = await world.until(deploy(world.deps, work));

    expect(changes(world)).toEqual([
      "EC2.CreateLaunchTemplate",
      "AutoScaling.CreateAutoScalingGroup",
      ...["AutoScaling.PutScalingPolicy", "CloudWatch.PutMetricAlarm"],
      ...["AutoScaling.PutScalingPolicy", "CloudWatch.PutMetricAlarm"],
      "AutoScaling.EnableMetricsCollection",
    ]);
    expect(world.sim.autoScaling.findGroup({ ...PLACE, name: WEB })).toMatchObject({ min: 2, desired: 3, max: 8 });
    expect(world.sim.cloudWatch.findAlarms(PLACE.account, PLACE.region).map(({ name }) => name)).toEqual([
      `${WEB}-cpu_scale_down`,
      `${WEB}-cpu_scale_up`,
    ]);
    expect(state.services["web"]).toEqual({
      ...work.state.services["web"],
      healthy: false,
      stable: 0,
      created_asg: WEB,
      healthy_report: {
        target_healthy: 2,
        target_launched: 3,
        healthy: 0,
        launching: 0,
        terminating: 0,
        terminating_ids: [],
        desired_capacity: 3,
        min_size: 2,
      },
    });
    expect(world.lines).toEqual([`web: created ${WEB} with 3 of 3`]);
  });

  it("links each alarm to its policy", async () => {
    const world = createReleaseWorld();
    const autoscaling = anAutoscaling({ policies: [anAlarmPolicy({ name: "fast" })] });
    const work = await validated(world, { services: { web: aService({ autoscaling }) } });

    await world.until(deploy(world.deps, work));

    expect(world.inputs("CloudWatch.PutMetricAlarm")[0]?.["AlarmActions"]).toEqual([
      expect.stringMatching(new RegExp(`:scalingPolicy:.*policyName/${WEB}-cpu_scale_up-fast$`)),
    ]);
  });

  it("fixes the version of the template, and puts the service's facts into its user data", async () => {
    const world = createReleaseWorld();
    const work = await validated(world);

    await world.until(deploy(world.deps, work));

    const [template] = world.inputs("EC2.CreateLaunchTemplate");
    const { UserData = "" } = Object(template?.["LaunchTemplateData"]);
    expect(Buffer.from(UserData, "base64").toString()).toBe("#!/bin/sh\necho web of release-2\n");
    expect(world.inputs("AutoScaling.CreateAutoScalingGroup")[0]?.["LaunchTemplate"]).toEqual({
      LaunchTemplateId: expect.stringMatching(/^lt-/),
      Version: "1",
    });
  });

  it("tags what it creates so that it is known again, with the lock's token and the deployer", async () => {
    const world = createReleaseWorld({ actor: { name: "ada", revision: "4f1c" } });
    world.addOldGroup({ service: "web" });
    const work = await validated(world);

    await world.until(deploy(world.deps, work));

    expect(world.sim.autoScaling.findGroup({ ...PLACE, name: WEB })?.tags).toEqual({
      ProjectName: "org/shop",
      ConfigName: "production",
      ServiceName: "web",
      ReleaseID: "release-2",
      ReleaseUUID: work.state.uuid,
      Name: WEB,
      "stackyard:fencing-token": "7",
      "stackyard:actor": "ada",
      "stackyard:revision": "4f1c",
      "stackyard:previous-release": "release-1",
    });
  });

  it("takes the size of the group before for the size of the new one", async () => {
    const world = createReleaseWorld();
    world.addOldGroup({ service: "web", desired: 5 });
    const autoscaling = anAutoscaling({ min_size: 1, max_size: 6 });
    const work = await validated(world, { services: { web: aService({ autoscaling }) } });

    await world.until(deploy(world.deps, work));

    expect(world.sim.autoScaling.findGroup({ ...PLACE, name: WEB })).toMatchObject({ min: 1, desired: 5, max: 6 });
  });

  it("creates services after those that they depend on", async () => {
    const world = createReleaseWorld();
    const api = aService({ service_name: "api", security_groups: ["api"], depends_on: ["web"] });
    const work = await validated(world, { services: { api, web: aService() } });

    await world.until(deploy(world.deps, work));

    const names = world.inputs("AutoScaling.CreateAutoScalingGroup").map((each) => each["AutoScalingGroupName"]);
    expect(names).toEqual([WEB, WEB.replace(/web$/, "api")]);
  });

  it("makes a placement group that is not there, once for all services", async () => {
    const world = createReleaseWorld();
    const placement = { placement_group_name: "odin/org/shop/production", placement_group_strategy: "spread" } as const;
    const api = aService({ service_name: "api", security_groups: ["api"], ...placement });
    const work = await validated(world, { services: { web: aService(placement), api } });

    await world.until(deploy(world.deps, work));

    expect(world.inputs("EC2.CreatePlacementGroup")).toEqual([
      {
        GroupName: "odin/org/shop/production",
        Strategy: "spread",
        TagSpecifications: [{ ResourceType: "placement-group", Tags: expect.arrayContaining([]) }],
      },
    ]);
    expect(world.inputs("AutoScaling.CreateAutoScalingGroup")[0]).toMatchObject({
      PlacementGroup: "odin/org/shop/production",
    });
  });

  it("deletes groups that were kept for a rollback before it creates anything", async () => {
    const world = createReleaseWorld();
    const kept = world.addOldGroup({ service: "web", tags: { "stackyard:retired-at": "2025-12-31T00:00:00Z" } });
    const work = await validated(world);

    await world.until(deploy(world.deps, work));

    expect(changes(world).indexOf("AutoScaling.DeleteAutoScalingGroup")).toBeLessThan(
      changes(world).indexOf("EC2.CreateLaunchTemplate"),
    );
    expect(world.sim.autoScaling.findGroup({ ...PLACE, name: kept })?.isDeleting ?? true).toBe(true);
  });

  it("works for documents of the first generation: user data inside, names drawn once, no metrics", async () => {
    const world = createReleaseWorld({ constants: PRESETS["step-asg-deployer"] });
    const work = await validated(world, { user_data: USER_DATA });
    world.memory.userData.clear();

    const state = await world.until(deploy(world.deps, work));
    const again = await world.until(deploy(world.deps, work));

    expect(state.services["web"]?.created_asg).toMatch(/^org\/shop-production-web-2026-01-01T00-00-10Z-[a-z]{7}$/);
    expect(again.services["web"]?.created_asg).toBe(state.services["web"]?.created_asg);
    expect(changes(world)).toEqual(["EC2.CreateLaunchTemplate", "AutoScaling.CreateAutoScalingGroup"]);
  });
});

describe("deploy before anything is created", () => {
  it.each<[string, (world: ReleaseWorld) => void, RegExp]>([
    ["is gone", ({ memory }) => memory.userData.clear(), /no longer exists/],
    ["was changed", ({ memory }) => void memory.userData.set("release-2", "rm -rf /"), /was changed after validation/],
  ])("is halted when the user data %s", async (_, change, message) => {
    const world = createReleaseWorld();
    const work = await validated(world);
    change(world);

    const error = await errorOf(world, work);

    expect(error).toMatchObject({ releaseCode: "RELEASE_HALTED", errorClass: "HaltError" });
    expect(error.message).toMatch(message);
    expect(changes(world)).toEqual([]);
  });

  it("is halted when the user data cannot be read", async () => {
    const world = createReleaseWorld();
    const work = await validated(world);
    const memory = { ...world.memory, loadUserData: refusing("AccessDenied", "Not yours.") };

    const error = await errorOf({ ...world, deps: { ...world.deps, memory } }, work);

    expect(error).toMatchObject({ releaseCode: "RELEASE_HALTED" });
    expect(error.message).toMatch(/cannot be read. AccessDenied: Not yours/);
  });

  it("is halted when the rendered user data is more than EC2 takes", async () => {
    const world = createReleaseWorld();
    const { release, state } = await validated(world);

    const error = await errorOf(world, { state, release: { ...release, user_data: "x".repeat(16_385) } });

    expect(error.message).toMatch(/^Service\(web\) Error: The rendered user data has 16385 bytes/);
    expect(error.errorClass).toBe("HaltError");
  });

  it.each<[string, (world: ReleaseWorld) => unknown, string, string]>([
    ["a timeout", ({ clock }) => clock.advance(700_000), "RELEASE_TIMED_OUT", "Timeout: Halting Release"],
    ["an order", ({ memory }) => memory.orderHalt(aKey(), { message: "Stop." }), "RELEASE_HALTED", "Stop."],
  ])("is halted by %s", async (_, prepare, releaseCode, message) => {
    const world = createReleaseWorld();
    const work = await validated(world);
    await prepare(world);

    expect(await errorOf(world, work)).toMatchObject({ releaseCode, message });
    expect(changes(world)).toEqual([]);
  });

  it.each<[string, (world: ReleaseWorld) => unknown]>([
    ['group "', ({ sim }) => sim.autoScaling.addGroup({ ...PLACE, name: WEB, tags: { ReleaseUUID: "another" } })],
    [
      'launch template "',
      async (world) => {
        const other = await validated(world);
        world.sim.once("AutoScaling.CreateAutoScalingGroup", refusing("LimitExceeded"));
        await errorOf(world, { ...other, state: { ...other.state, uuid: "another" } });
      },
    ],
  ])("is halted by a %s of the same name", async (what, prepare) => {
    const world = createReleaseWorld();
    const work = await validated(world);
    await prepare(world);
    const before = changes(world).length;

    const error = await errorOf(world, work);

    expect(error).toMatchObject({ releaseCode: "RELEASE_HALTED" });
    expect(error.message).toContain(`${what}${WEB}"`);
    expect(changes(world)).toHaveLength(before);
  });

  it("fails when the existing resources are unknown, and when no resources were found", async () => {
    const world = createReleaseWorld();
    const work = await validated(world);
    const unknown: ReleaseState = { ...work.state, services: {} };

    const lost = await errorOf(world, { ...work, state: unknown });
    world.sim.once("AutoScaling.DescribeAutoScalingGroups", refusing("AccessDenied"));

    expect(lost).toMatchObject({ releaseCode: "DEPLOY_FAILED" });
    expect(lost.message).toContain("Run ValidateResources first");
    expect(await errorOf(world, work)).toMatchObject({ releaseCode: "DEPLOY_FAILED", errorClass: "DeployError" });
  });
});

describe("deploy that fails in the middle", () => {
  it.each([
    ["EC2.CreateLaunchTemplate", "Cannot create its launch template."],
    ["AutoScaling.CreateAutoScalingGroup", `Cannot create its group "${WEB}".`],
    ["AutoScaling.PutScalingPolicy", "Cannot write its scaling policies and alarms."],
    ["CloudWatch.PutMetricAlarm", "Cannot write its scaling policies and alarms."],
    ["AutoScaling.EnableMetricsCollection", "Cannot enable the metrics of its group."],
    ["EC2.CreatePlacementGroup", "Cannot create its placement group."],
  ])("says for which service %s was rejected, what to do, and what was made before", async (operation, what) => {
    const world = createReleaseWorld();
    const placement = { placement_group_name: "odin/org/shop/production", placement_group_strategy: "spread" } as const;
    const autoscaling = anAutoscaling({ policies: [anAlarmPolicy()] });
    const api = aService({ service_name: "api", security_groups: ["api"] });
    const services = { web: aService({ autoscaling, ...placement, depends_on: ["api"] }), api };
    const work = await validated(world, { services });
    // The first one of an operation that both services need is the api's.
    const isBoth = /LaunchTemplate|AutoScalingGroup|Metrics/.test(operation);
    if (isBoth) world.sim.once(operation, (proceed) => proceed());
    world.sim.once(operation, refusing("LimitExceeded", "Too many."));

    const error = await errorOf(world, work);

    expect(error).toMatchObject({ releaseCode: "DEPLOY_FAILED", errorClass: "DeployError" });
    const advice = "Delete unused resources, or request a higher quota from AWS.";
    expect(error.message).toBe(`Service(web) Error: ${what} LimitExceeded: Too many. ${advice}`);
    expect(error.partial?.services["api"]?.created_asg).toBe(WEB.replace(/web$/, "api"));
    expect(error.partial?.services["web"]).not.toHaveProperty("created_asg");
  });

  it("fails, so that all is cleaned up, when it is halted after an earlier try has made something", async () => {
    const world = createReleaseWorld();
    const work = await validated(world);
    world.sim.once("AutoScaling.CreateAutoScalingGroup", refusing("LimitExceeded"));
    await errorOf(world, work);
    await world.clock.advance(700_000);

    const error = await errorOf(world, work);

    expect(error).toMatchObject({ releaseCode: "DEPLOY_FAILED" });
    expect(error.message).toContain("Timeout: Halting Release");
  });

  it("adopts what a request created whose response was lost", async () => {
    const world = createReleaseWorld();
    const work = await validated(world);
    for (const operation of ["EC2.CreateLaunchTemplate", "AutoScaling.CreateAutoScalingGroup"]) {
      world.sim.once(operation, async (proceed) => {
        await proceed();
        return proceed();
      });
    }

    const state = await world.until(deploy(world.deps, work));

    expect(state.services["web"]?.created_asg).toBe(WEB);
  });

  it("waits for a template that Auto Scaling does not see yet", async () => {
    const world = createReleaseWorld();
    const work = await validated(world);
    const missing = refusing("ValidationError", "You must use a valid launch template. Launch template not found.");
    world.sim.once("AutoScaling.CreateAutoScalingGroup", missing);
    const before = world.clock.now();

    const state = await world.until(deploy(world.deps, work));

    expect(state.services["web"]?.created_asg).toBe(WEB);
    expect(world.clock.now() - before).toBe(1_000);
  });

  it("does not wait indefinitely", async () => {
    const world = createReleaseWorld();
    const work = await validated(world);
    for (let tries = 0; tries < 20; tries += 1) {
      world.sim.once(
        "AutoScaling.CreateAutoScalingGroup",
        refusing("ValidationError", "Launch template does not exist."),
      );
    }

    expect((await errorOf(world, work)).message).toContain("Launch template does not exist.");
  });

  it("does not fail the release when its process must end", async () => {
    const world = createReleaseWorld();
    const work = await validated(world);
    const controller = new AbortController();
    world.sim.once("AutoScaling.CreateAutoScalingGroup", async () => {
      controller.abort(new Error("shutting down"));
      throw Object.assign(new Error("aborted"), { name: "AbortError" });
    });

    await expect(deploy({ ...world.deps, signal: controller.signal }, work)).rejects.toThrow("shutting down");
  });
});

function aKey() {
  return {
    aws_account_id: TARGET.account,
    project_name: "org/shop",
    config_name: "production",
    release_id: "release-2",
  };
}

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

  it("ends when the time is over", async () => {
    const world = await createFresh({ release: { timeout: 60 } });
    const startedAt = Date.parse(world.now.state.started_at);
    await world.clock.advance(startedAt + 60_000 - world.clock.now());
    await world.run(checkHealthy);
    await world.clock.advance(1);

    await expect(world.run(checkHealthy)).rejects.toMatchObject({
      releaseCode: "RELEASE_TIMED_OUT",
      message: "Timeout: Halting Release",
    });
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
