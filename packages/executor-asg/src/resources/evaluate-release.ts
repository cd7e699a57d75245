import { defined } from "@stackyard/core";
import type { Release } from "../document/release.ts";
import type { ReleaseConstants } from "../presets.ts";
import type { ServiceResources } from "../release-state.ts";
import { authoriseResource, matchByName, type Resource, type ServiceScope } from "./authorise.ts";
import { findPredecessors, type GroupFacts, toGroupFacts } from "./groups.ts";
import type { Lookup, ResourceProblem } from "./lookup.ts";
import { foundOf, type NetworkFacts, type ReleaseLookups, type ServiceLookups } from "./lookups.ts";

/** Result of evaluating a release: its resources and problems. */
export interface ReleaseVerdict {
  /** All problems, lookups first, then rules. Each message names its release or service. */
  readonly problems: readonly ResourceProblem[];
  readonly warnings: readonly string[];
  /** Resources and previous group of each service. A service with a problem has no resources. */
  readonly services: Readonly<
    Record<string, { readonly resources?: ServiceResources; readonly previous?: GroupFacts }>
  >;
  /** All groups that are deleted after success. */
  readonly old: readonly GroupFacts[];
  readonly previousReleaseId?: string;
  /** The longest slow start of all target groups. */
  readonly waitForDetachSeconds: number;
}

/** Evaluates the lookups of a release against all rules. */
export function evaluateRelease(looks: ReleaseLookups, release: Release, constants: ReleaseConstants): ReleaseVerdict {
  const { project_name: project, config_name: config, aws_account_id: account } = release;
  const judged = looks.services.map((each): EvaluatedService => {
    const { service_name: name, subnets = release.subnets } = each.service;
    return { name, verdict: evaluateService(each, subnets, { project, config, service: name, constants, account }) };
  });
  const predecessors = evaluateGroups(looks, release, constants);
  const services = judged.map(({ name, verdict: { resources } }) => {
    const previous = Object.hasOwn(predecessors.previous, name) ? predecessors.previous[name] : undefined;
    const found = resources && { ...resources, ...(previous && { prev_asg_arn: previous.name }) };
    return [name, { ...(found && { resources: found }), ...(previous && { previous }) }] as const;
  });
  return {
    problems: [
      ...predecessors.problems.map((each) => prefix(each, `Release(${release.release_id}) Error:`)),
      ...toLines(judged, release, "missing"),
      ...toLines(judged, release, "refused"),
    ],
    warnings: [...new Set([...predecessors.warnings, ...judged.flatMap(({ verdict }) => verdict.warnings)])],
    services: Object.fromEntries(services),
    old: predecessors.old,
    ...defined({ previousReleaseId: predecessors.previousReleaseId }),
    waitForDetachSeconds: Math.max(0, ...looks.services.flatMap(toSlowStarts)),
  };
}

interface EvaluatedService {
  readonly name: string;
  readonly verdict: ServiceVerdict;
}

function toSlowStarts({ targetGroups }: ServiceLookups): readonly number[] {
  return targetGroups.flatMap(foundOf).map(({ slowStartSeconds }) => slowStartSeconds);
}

function prefix(problem: ResourceProblem, text: string): ResourceProblem {
  return { ...problem, message: `${text} ${problem.message}` };
}

/** Prefixes a problem with its service, or with the release if several services share it. */
function toLines(
  judged: readonly EvaluatedService[],
  { release_id }: Release,
  part: "missing" | "refused",
): readonly ResourceProblem[] {
  const byMessage = new Map<string, { problem: ResourceProblem; services: Set<string> }>();
  for (const { name, verdict } of judged) {
    for (const problem of verdict[part]) {
      const known = byMessage.get(problem.message) ?? { problem, services: new Set() };
      byMessage.set(problem.message, known);
      known.services.add(name);
    }
  }
  return [...byMessage.values()].map(({ problem, services: [name, ...others] }) =>
    prefix(problem, others.length > 0 ? `Release(${release_id}) Error:` : `Service(${name}) Error:`),
  );
}

interface EvaluatedGroups extends Pick<ReleaseVerdict, "problems" | "warnings" | "old" | "previousReleaseId"> {
  readonly previous: Readonly<Record<string, GroupFacts>>;
}

function evaluateGroups({ groups }: ReleaseLookups, release: Release, constants: ReleaseConstants): EvaluatedGroups {
  if (groups.kind === "refused") return { problems: groups.problems, warnings: [], old: [], previous: {} };
  const found = findPredecessors(groups.value.map(toGroupFacts), release, constants.generation);
  const warnings = [
    ...found.unowned.map(({ name }) => `Group "${name}" has no release id. It is not changed.`),
    ...found.retired.map(
      ({ name }) => `Group "${name}" is kept for a rollback. It is deleted before new groups are created.`,
    ),
  ];
  if (found.kind === "found") return { ...found, problems: [], warnings };
  const problems = found.problems.map(({ code, message }) => ({ code: toCode(code), message }));
  return { problems, warnings, old: [], previous: {} };
}

/** Result of evaluating a service. */
interface ServiceVerdict {
  /** Resources that are missing or ambiguous, in the order of the lookups. */
  readonly missing: readonly ResourceProblem[];
  /** Resources that the service must not use, in the order of the rules. */
  readonly refused: readonly ResourceProblem[];
  readonly warnings: readonly string[];
  /** Missing if there is a problem. */
  readonly resources?: ServiceResources;
}

/** Evaluates the resources of one service. Missing resources are reported once, and no further rules apply to them. */
export function evaluateService(
  looks: ServiceLookups,
  asked: readonly string[],
  scope: ServiceScope & { readonly account: string },
): ServiceVerdict {
  const subnets = match("subnet", asked, looks.subnets);
  const securityGroups = match("security-group", looks.service.security_groups, looks.securityGroups);
  const judged = toResources(looks).map((resource) => authoriseResource(resource, scope));
  const missing = [
    ...subnets.problems,
    ...problemsOf(looks.image),
    ...looks.hooks.flatMap(problemsOf),
    ...securityGroups.problems,
    ...[...looks.elbs, ...looks.targetGroups].flatMap(problemsOf),
    ...(looks.placement ? problemsOf(looks.placement) : []),
    ...(looks.profile ? problemsOf(looks.profile) : []),
  ];
  const refused = [
    ...findImageProblems(looks),
    ...judged.filter((each) => each.kind === "refused"),
    ...findNetworkProblems(looks),
    ...findLabelProblems(looks),
  ].map(({ code, message }) => ({ code: toCode(code), message }));
  const warnings = [
    ...judged.flatMap((each) => (each.kind === "authorised" ? each.warnings : [])),
    ...findImageWarnings(looks, scope),
  ];
  if (missing.length + refused.length > 0) return { missing, refused, warnings };
  const ids = { subnets: subnets.ids, security_groups: securityGroups.ids };
  return { missing, refused, warnings, resources: toServiceResources(looks, ids) };
}

/** Auto Scaling would reject the group only after its template was created. */
const EMPTY = {
  subnet: { code: "release-subnets-empty", message: "Subnets must be given: at least one." },
  "security-group": { code: "release-security-groups-empty", message: "Security groups must be given: at least one." },
} as const;

interface Matched {
  readonly ids: readonly string[];
  readonly problems: readonly ResourceProblem[];
}

function match(
  kind: "subnet" | "security-group",
  asked: readonly string[],
  look: Lookup<readonly NetworkFacts[]>,
): Matched {
  if (look.kind === "refused") return { ids: [], problems: look.problems };
  if (asked.length === 0) return { ids: [], problems: [EMPTY[kind]] };
  const matched = matchByName({ kind, asked, found: look.value });
  if (matched.kind === "matched") return { ids: matched.ids, problems: [] };
  return { ids: [], problems: matched.problems.map(({ code, message }) => ({ code: toCode(code), message })) };
}

/** Adds the common prefix of problem codes. */
function toCode(code: string): string {
  return code.startsWith("release-") ? code : `release-${code}`;
}

function problemsOf(look: Lookup<unknown>): readonly ResourceProblem[] {
  return look.kind === "refused" ? look.problems : [];
}

/** Returns everything that was found, in the order of the rules. */
function toResources(looks: ServiceLookups): readonly Resource[] {
  const subnets = foundOf(looks.subnets).flat();
  const groups = foundOf(looks.securityGroups).flat();
  return [
    ...toPlacement(looks),
    ...foundOf(looks.image).map(({ id, tags }) => ({ kind: "image", name: id, tags }) as const),
    ...foundOf(looks.profile).map(({ name, path }) => ({ kind: "instance-profile", name, path }) as const),
    ...subnets.map(({ id, tags }) => ({ kind: "subnet", name: id, tags }) as const),
    ...groups.map(({ id, name = id, tags }) => ({ kind: "security-group", name, tags }) as const),
    ...looks.elbs.flatMap(foundOf).map(({ name, tags }) => ({ kind: "classic-load-balancer", name, tags }) as const),
    ...looks.targetGroups.flatMap(foundOf).map(({ name, tags }) => ({ kind: "target-group", name, tags }) as const),
  ];
}

function toPlacement({ service, placement }: ServiceLookups): readonly Resource[] {
  const { placement_group_name: name, placement_group_strategy: strategy } = service;
  if (placement?.kind !== "found" || name === undefined || strategy === undefined) return [];
  const { placement_group_partition_count: partition_count } = service;
  return [{ kind: "placement-group", name, strategy, partition_count, ...defined({ found: placement.value }) }];
}

/** Finds policies that track requests of a target group without a load balancer. */
function findLabelProblems({ service, targetGroups }: ServiceLookups): readonly ResourceProblem[] {
  const found = targetGroups.flatMap(foundOf);
  return toTrackedGroups(service).flatMap((name) => {
    const group = found.find((each) => each.name === name);
    if (group === undefined || group.requestLabel !== undefined) return [];
    const message = `Target group "${name}" has no application load balancer, so its requests are not counted.`;
    return [{ code: "release-target-group-unbalanced", message }];
  });
}

function toTrackedGroups({ autoscaling }: ServiceLookups["service"]): readonly string[] {
  const groups = autoscaling.policies.flatMap((policy) =>
    policy.type === "target_tracking" && policy.metric === "alb_requests_per_target" ? (policy.target_group ?? []) : [],
  );
  return [...new Set(groups)];
}

function toServiceResources(
  looks: ServiceLookups,
  ids: Pick<ServiceResources, "subnets" | "security_groups">,
): ServiceResources {
  const [image] = foundOf(looks.image);
  const [profile] = foundOf(looks.profile);
  const groups = looks.targetGroups.flatMap(foundOf);
  const tracked = toTrackedGroups(looks.service);
  const labels = groups.flatMap(({ name, requestLabel }) =>
    requestLabel !== undefined && tracked.includes(name) ? [[name, requestLabel] as const] : [],
  );
  return {
    image: image?.id ?? "",
    ...(profile && { profile_arn: profile.arn }),
    ...ids,
    elbs: looks.elbs.flatMap(foundOf).map(({ name }) => name),
    target_group_arns: groups.map(({ arn }) => arn),
    ...(labels.length > 0 && { request_labels: Object.fromEntries(labels) }),
  };
}

type NetworkLookups = Pick<ServiceLookups, "subnets" | "securityGroups" | "elbs" | "targetGroups">;

/**
 * Checks that a group, its subnets, security groups and load balancers are in one VPC ("CreateAutoScalingGroup",
 * VPCZoneIdentifier; "CreateLaunchTemplate", SecurityGroupIds). Skips resources without a known VPC.
 */
export function findNetworkProblems(looks: NetworkLookups): readonly ResourceProblem[] {
  const subnets = foundOf(looks.subnets).flat();
  const [vpc, ...others] = [...new Set(subnets.flatMap((each) => each.vpc || []))];
  if (vpc === undefined) return [];
  if (others.length > 0) {
    const places = subnets.map((each) => `${each.id} in ${each.vpc}`).join(", ");
    return [{ code: "release-subnets-apart", message: `Subnets must be of one VPC: ${places}.` }];
  }
  return toNeighbours(looks)
    .filter((each) => each.vpc !== undefined && each.vpc !== "" && each.vpc !== vpc)
    .map((each) => ({
      code: "release-resource-apart",
      message: `${each.what} is in ${each.vpc}, and the subnets are in ${vpc}. They must be in one VPC.`,
    }));
}

interface Neighbour {
  readonly what: string;
  readonly vpc: string | undefined;
}

function toNeighbours({ securityGroups, elbs, targetGroups }: NetworkLookups): readonly Neighbour[] {
  const groups = foundOf(securityGroups).flat();
  return [
    ...groups.map(({ id, name = id, vpc }) => ({ what: `Security group "${name}"`, vpc })),
    ...elbs.flatMap(foundOf).map(({ name, vpc }) => ({ what: `Load balancer "${name}"`, vpc })),
    ...targetGroups.flatMap(foundOf).map(({ name, vpc }) => ({ what: `Target group "${name}"`, vpc })),
  ];
}

type ImageLookups = Pick<ServiceLookups, "image" | "service">;

/**
 * Finds images that are unavailable, or have the wrong architecture for an instance type. EC2 would report it only
 * after the template was created, and to Auto Scaling only after the group was.
 */
export function findImageProblems({ image, service }: ImageLookups): readonly ResourceProblem[] {
  if (image.kind === "refused") return [];
  const { id, state = "available", architecture = "" } = image.value;
  if (state !== "available") {
    const message = `Image ${id} is ${state}. It can be used when it is available.`;
    return [{ code: "release-image-not-available", message }];
  }
  const others = [service.instance_type, ...service.instance_types].filter((type) => {
    const needed = toArchitecture(type);
    return needed !== undefined && ARCHITECTURES.includes(architecture) && needed !== architecture;
  });
  if (others.length === 0) return [];
  const message = `Image ${id} is for ${architecture}; instances of ${others.join(", ")} have another architecture.`;
  return [{ code: "release-image-architecture", message }];
}

/** Returns warnings about a usable image. `account`: the release's account. */
export function findImageWarnings(
  { image }: Pick<ImageLookups, "image">,
  { account }: { readonly account: string },
): readonly string[] {
  if (image.kind === "refused") return [];
  const { id, owner = account } = image.value;
  return owner === account ? [] : [`Image ${id} belongs to account ${owner}, which decides what boots.`];
}

/** Architectures that can be derived from instance types. */
const ARCHITECTURES: readonly string[] = ["arm64", "x86_64"];

/**
 * Families whose names do not show the architecture: Macs, high-memory types with their size in front, and accelerators
 * named after their chips.
 */
const UNKNOWN_FAMILIES = /^(mac|u-)|^p\d+[a-z]*-/;

/**
 * Returns the architecture of an instance type by its name: a `g` after the generation means Graviton. Undefined if the
 * name does not show it. Source: EC2 user guide, "Amazon EC2 instance type naming conventions".
 */
function toArchitecture(type: string): "arm64" | "x86_64" | undefined {
  const attributes = /^[a-z]+\d+([a-z]*)/.exec(type)?.[1];
  if (attributes === undefined || UNKNOWN_FAMILIES.test(type)) return undefined;
  return type.startsWith("a1.") || attributes.includes("g") ? "arm64" : "x86_64";
}
