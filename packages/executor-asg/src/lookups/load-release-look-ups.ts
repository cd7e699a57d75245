import type { AutoScalingGroup } from "@aws-sdk/client-auto-scaling";
import type { Release, Service } from "../document/release.ts";
import type { ReleaseDeps } from "../release-deps.ts";
import { toServiceOrder } from "../service-order.ts";
import { findPlacementGroup, type PlacementGroupFacts } from "./find-placement-group.ts";
import { type ClassicBalancerFacts, loadClassicBalancer } from "./load-classic-balancer.ts";
import { loadGroups } from "./load-groups.ts";
import { loadHook } from "./load-hook.ts";
import { type ImageFacts, loadImage } from "./load-image.ts";
import { loadProfile, type ProfileFacts } from "./load-profile.ts";
import { loadSecurityGroups, type NetworkFacts } from "./load-security-groups.ts";
import { loadSubnets } from "./load-subnets.ts";
import { loadTargetGroup, type TargetGroupFacts } from "./load-target-group.ts";
import { type LookUp, lookUp } from "./look-up.ts";

/** All that a release names, looked up. */
export interface ReleaseLookUps {
  /** Of the project-config, of every release. */
  readonly groups: LookUp<readonly AutoScalingGroup[]>;
  readonly services: readonly ServiceLookUps[];
}

/** All that a service names. What several services name is looked up once, except for security groups and placement groups. */
export interface ServiceLookUps {
  readonly service: Service;
  readonly subnets: LookUp<readonly NetworkFacts[]>;
  readonly image: LookUp<ImageFacts>;
  /** A role and a topic for each hook. */
  readonly hooks: readonly LookUp<true>[];
  readonly securityGroups: LookUp<readonly NetworkFacts[]>;
  readonly elbs: readonly LookUp<ClassicBalancerFacts>[];
  readonly targetGroups: readonly LookUp<TargetGroupFacts>[];
  /** Of a service that has one; found and `undefined`: it is to be made. */
  readonly placement?: LookUp<PlacementGroupFacts | undefined>;
  readonly profile?: LookUp<ProfileFacts>;
}

/** Looks everything up and changes nothing. Throws `BAD_RELEASE` only where no further call could work. */
export async function loadReleaseLookUps(deps: ReleaseDeps, release: Release): Promise<ReleaseLookUps> {
  const what = `the groups of ${release.project_name} ${release.config_name}`;
  const groups = await lookUp(deps, { what }, () => loadGroups(deps, release));
  const shared = createShared(deps);
  const order = toServiceOrder(release);
  // Everything of the release first, as the predecessor asks; what comes again is known then.
  await shared.subnets(release.subnets);
  await shared.image(release.ami);
  for (const service of order) await loadHooks(shared, release, service);
  const services: ServiceLookUps[] = [];
  for (const service of order) services.push(await loadService(deps, shared, { release, service }));
  return { groups, services };
}

type Shared = ReturnType<typeof createShared>;

interface ServiceOfRelease {
  readonly release: Release;
  readonly service: Service;
}

async function loadService(
  deps: ReleaseDeps,
  shared: Shared,
  { release, service }: ServiceOfRelease,
): Promise<ServiceLookUps> {
  const { placement_group_name: placement, profile } = service;
  return {
    service,
    subnets: await shared.subnets(service.subnets ?? release.subnets),
    image: await shared.image(service.ami ?? release.ami),
    hooks: await loadHooks(shared, release, service),
    securityGroups: await loadSecurityGroups(deps, service.security_groups),
    elbs: await mapInOrder(service.elbs, shared.elb),
    targetGroups: await mapInOrder(service.target_groups, shared.targetGroup),
    ...(placement !== undefined && { placement: await findPlacementGroup(deps, placement) }),
    ...(profile !== undefined && { profile: await shared.profile(profile) }),
  };
}

/** Of these each is asked for once, however many services name it. */
function createShared(deps: ReleaseDeps) {
  return {
    elb: remember((name: string) => loadClassicBalancer(deps, name)),
    targetGroup: remember((name: string) => loadTargetGroup(deps, name)),
    profile: remember((name: string) => loadProfile(deps, name)),
    image: remember((ami: string) => loadImage(deps, ami)),
    hook: remember((each: Release["lifecycle"][string]) => loadHook(deps, each)),
    subnets: remember((asked: readonly string[]) => loadSubnets(deps, asked)),
  };
}

async function loadHooks(shared: Shared, release: Release, service: Service): Promise<readonly LookUp<true>[]> {
  const hooks = Object.values(service.lifecycle ?? release.lifecycle);
  return (await mapInOrder(hooks, shared.hook)).flat();
}

function remember<Asked, Answer>(load: (asked: Asked) => Promise<Answer>): (asked: Asked) => Promise<Answer> {
  const known = new Map<string, Answer>();
  return async (asked) => {
    const key = JSON.stringify(asked);
    const answer = known.get(key) ?? (await load(asked));
    known.set(key, answer);
    return answer;
  };
}

/** One after the other: AWS counts calls, and the first error is always the same one. */
async function mapInOrder<Item, Result>(
  items: readonly Item[],
  map: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  for (const item of items) results.push(await map(item));
  return results;
}
