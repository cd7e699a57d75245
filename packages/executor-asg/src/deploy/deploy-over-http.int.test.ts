import { answerReleaseServices, type FrontDoor, openFrontDoor } from "@stackyard/aws-sim";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Release } from "../document/release.ts";
import type { ReleaseWork } from "../release-state.ts";
import { aHook, anAlarmPolicy, anAutoscaling, aService, TARGET } from "../testing/builders.ts";
import { createReleaseWorld, type ReleaseWorld } from "../testing/release-world.ts";
import { deploy } from "./deploy.ts";
import { validateResources } from "./validate.ts";

const PLACE = { account: TARGET.account, region: TARGET.region };
const GROUP = "org/shop-production-2026-01-01T00-00-00Z-web";

const near = createReleaseWorld();
const far = createReleaseWorld();
const opened: { destroy(): void }[] = [];
let door: FrontDoor;
let remote: ReleaseWorld;

beforeAll(async () => {
  door = await openFrontDoor({ services: answerReleaseServices(far.sim), others: "http://127.0.0.1:1" });
  const credentials = far.sim.iam.addUser({ account: PLACE.account, name: "remote" });
  const config = { endpoint: door.url, region: PLACE.region, credentials, maxAttempts: 1 };
  const client = (type: new (config: never) => unknown) => {
    const made = new type(config as never);
    opened.push(made as { destroy(): void });
    return made;
  };
  remote = { ...far, deps: { ...far.deps, target: { ...TARGET, client: client as never } } };
});
afterAll(async () => {
  for (const client of opened) client.destroy();
  await door.stop();
});

/** A service with all that travels: lists in lists, numbers, booleans, base64, hooks, several types, devices. */
function everything(): Partial<Release> {
  const web = aService({
    elbs: ["web"],
    target_groups: ["web"],
    profile: "web",
    tags: { Team: "a & b" },
    instance_types: ["t3a.micro"],
    spot_price: "0.02",
    on_demand_base_capacity: 1,
    capacity_rebalance: true,
    ebs_volume_size: 20,
    ebs_encrypted: true,
    associate_public_ip_address: false,
    placement_group_name: "odin/org/shop/production",
    placement_group_strategy: "partition",
    placement_group_partition_count: 3,
    volumes: [{ device: "/dev/sdf", size: 100, type: "gp3", throughput: 250 }],
    autoscaling: anAutoscaling({
      max_size: 4,
      policies: [anAlarmPolicy({ threshold: 62.5 }), { type: "target_tracking", metric: "cpu", target_value: 60 }],
    }),
  });
  return { services: { web }, lifecycle: { ready: aHook({ heartbeat_timeout: 60 }) } };
}

async function release(world: ReleaseWorld, work: ReleaseWork) {
  return deploy(world.deps, { ...work, state: await validateResources(world.deps, work) });
}

describe("a release over the services' own protocols", () => {
  it("finds and creates what it does in process", async () => {
    const here = await release(near, near.work(everything()));

    const there = await release(remote, remote.work(everything()));

    expect(there).toEqual(here);
    const groups = [near, far].map(({ sim }) => sim.autoScaling.findGroup({ ...PLACE, name: GROUP }));
    expect(groups[1]).toEqual(groups[0]);
    const requests = [near, far].map((world) => world.inputs("EC2.CreateLaunchTemplate")[0]?.["LaunchTemplateData"]);
    expect(requests[1]).toEqual(requests[0]);
  });

  it("finds there what it has created there", async () => {
    const again = await release(remote, remote.work(everything())).catch((error: unknown) => error);

    expect(Object(again).message).toMatch(/has Auto Scaling groups already/);
    expect(await deploy(remote.deps, await afterValidation())).toMatchObject({
      services: { web: { created_asg: GROUP } },
    });
  });

  it("recognizes a missing resource by each service's own error", async () => {
    const services = {
      web: aService({ security_groups: ["none"], elbs: ["none"], target_groups: ["none"], profile: "none" }),
    };
    const arn = "arn:aws:sns:eu-west-1:111122223333:none";
    const lifecycle = { ready: aHook({ role: "none", notification_target_arn: arn }) };
    const over = { services, lifecycle, release_id: "release-3", ami: "ami-00000000000000000" };

    const [here, there] = await Promise.all(
      [near, remote].map((world) =>
        validateResources(world.deps, world.work(over)).catch((error: Error) => error.message),
      ),
    );

    expect(there).toBe(here);
    expect(String(here).split("\n")).toEqual([
      expect.stringContaining("image is nil"),
      expect.stringContaining('Role "none" does not exist'),
      expect.stringContaining('Topic "arn:aws:sns:eu-west-1:111122223333:none" does not exist'),
      expect.stringContaining('Security group "none" was not found'),
      expect.stringContaining('classic load balancer "none" does not exist'),
      expect.stringContaining('target group "none" does not exist'),
      expect.stringContaining('instance profile "none" does not exist'),
    ]);
  });
});

/** The state that the first run had before Deploy. */
async function afterValidation(): Promise<ReleaseWork> {
  const fresh = createReleaseWorld();
  const work = remote.work(everything());
  return { ...work, state: await validateResources(fresh.deps, fresh.work(everything())) };
}
