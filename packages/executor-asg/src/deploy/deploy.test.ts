import { describe, expect, it } from "vitest";
import type { Release } from "../document/release.ts";
import { PRESETS } from "../presets.ts";
import { ReleaseError } from "../release-errors.ts";
import type { ReleaseState, ReleaseWork } from "../release-state.ts";
import { anAlarmPolicy, anAutoscaling, aService, TARGET, USER_DATA } from "../testing/builders.ts";
import { createReleaseWorld, type ReleaseWorld } from "../testing/release-world.ts";
import { deploy } from "./deploy.ts";
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
