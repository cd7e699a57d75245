import type { Release, Service } from "../document/release.ts";
import type { ReleaseTask, ReleaseWork } from "../release-deps.ts";
import type { ReleaseState } from "../release-state.ts";
import { checkHealthy } from "../tasks/check-healthy.ts";
import { deploy } from "../tasks/deploy.ts";
import { validateResources } from "../tasks/validate-resources.ts";
import { anAutoscaling, aRelease, aService, TARGET } from "./a-release.ts";
import { createReleaseWorld, type ReleaseWorld, type WorldOptions } from "./a-release-world.ts";

/** A release whose new group stands beside the old one, which has the traffic. */
export interface Switch extends ReleaseWorld {
  /** The release with what it knows so far. */
  readonly now: ReleaseWork;
  /** Names. */
  readonly oldGroup: string;
  readonly newGroup: string;
  readonly targetGroup: string;
  /** Does a state; keeps what it gives. */
  run(task: ReleaseTask): Promise<ReleaseState>;
  /** Names of the groups that are not being deleted. */
  standing(): readonly string[];
  pass(seconds: number): Promise<void>;
}

/** How a switch differs. */
export interface SwitchInput {
  readonly release?: Partial<Release>;
  readonly service?: Partial<Service>;
  readonly world?: WorldOptions;
  /** Of the old group. */
  readonly tags?: Readonly<Record<string, string>>;
  /** Of the old group: a hook at the end of its servers, for so many seconds. */
  readonly hookSeconds?: number;
  /** Takes the new group as far as healthy. Default: true. */
  readonly isHealthy?: boolean;
}

const TERMINATING = "autoscaling:EC2_INSTANCE_TERMINATING";
const PLACE = { account: TARGET.account, region: TARGET.region };

/** Two servers of `web`, in a target group and a classic load balancer, before and after. */
export async function createSwitch(input: SwitchInput = {}): Promise<Switch> {
  const world = createReleaseWorld({ services: ["web"], ...input.world });
  const targetGroup = world.ids.targetGroups["web"] ?? "";
  const oldGroup = addOld(world, input, targetGroup);
  const service = aService({
    elbs: ["web"],
    target_groups: ["web"],
    autoscaling: anAutoscaling({ min_size: 2, max_size: 4 }),
    ...input.service,
  });
  let now = world.work({ services: { web: service }, ...input.release });
  const run = async (task: ReleaseTask): Promise<ReleaseState> => {
    const state = await task(world.deps, now);
    now = { ...now, state };
    return state;
  };
  await run(validateResources);
  const { services } = await run(deploy);
  if (input.isHealthy !== false) {
    await world.clock.advance(120_000);
    await run(checkHealthy);
  }
  return {
    ...world,
    oldGroup,
    targetGroup,
    run,
    get now() {
      return now;
    },
    newGroup: services["web"]?.created_asg ?? "",
    standing: () => world.sim.autoScaling.listGroups(PLACE).flatMap((each) => (each.isDeleting ? [] : each.name)),
    pass: (seconds) => world.clock.advance(seconds * 1_000),
  };
}

function addOld({ sim, ids }: ReleaseWorld, { tags, hookSeconds }: SwitchInput, targetGroup: string): string {
  const { project_name: ProjectName, config_name: ConfigName } = aRelease();
  return sim.autoScaling.addGroup({
    ...PLACE,
    name: `${ProjectName}-${ConfigName}-2025-12-31T00-00-00Z-web`,
    desired: 2,
    min: 2,
    max: 8,
    subnets: ids.subnets,
    targetGroups: [targetGroup],
    loadBalancers: ["web"],
    ...(hookSeconds !== undefined && {
      hooks: [{ name: "bye", transition: TERMINATING, heartbeatSeconds: hookSeconds }],
    }),
    policies: [{ name: "up", alarms: ["old-web-cpu_scale_up"] }],
    tags: { ProjectName, ConfigName, ServiceName: "web", ReleaseID: "release-1", ...tags },
  });
}
