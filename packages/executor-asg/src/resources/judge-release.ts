import type { Release } from "../document/release.ts";
import type { ReleaseConstants, ServiceResources } from "../release-state.ts";
import { authoriseResource, matchByName, type Resource, type ServiceScope } from "./authorise.ts";
import { findPredecessors, type GroupFacts, type LookUp, type ResourceProblem, toGroupFacts } from "./groups.ts";
import { foundOf, type NetworkFacts, type ReleaseLookUps, type ServiceLookUps } from "./lookups.ts";

/** What a release may use, and what stands in its way. */
export interface ReleaseVerdict {
  /** All at once, in the order of the look-ups and then of the rules. Their messages say of which release or service they are. */
  readonly problems: readonly ResourceProblem[];
  readonly warnings: readonly string[];
  /** By service; of a service with a problem there are no resources. */
  readonly services: Readonly<
    Record<string, { readonly resources?: ServiceResources; readonly previous?: GroupFacts }>
  >;
  /** All groups that go after success. */
  readonly old: readonly GroupFacts[];
  readonly previousReleaseId?: string;
  /** The largest slow start of all target groups. */
  readonly waitForDetachSeconds: number;
}

/** Judges all that was looked up. */
export function judgeRelease(looks: ReleaseLookUps, release: Release, constants: ReleaseConstants): ReleaseVerdict {
  const { project_name: project, config_name: config, aws_account_id: account } = release;
  const judged = looks.services.map((each): Judged => {
    const { service_name: name, subnets = release.subnets } = each.service;
    return { name, verdict: judgeService(each, subnets, { project, config, service: name, constants, account }) };
  });
  const predecessors = judgeGroups(looks, release, constants);
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
    ...(predecessors.previousReleaseId !== undefined && { previousReleaseId: predecessors.previousReleaseId }),
    waitForDetachSeconds: Math.max(0, ...looks.services.flatMap(toSlowStarts)),
  };
}

interface Judged {
  readonly name: string;
  readonly verdict: ServiceVerdict;
}

function toSlowStarts({ targetGroups }: ServiceLookUps): readonly number[] {
  return targetGroups.flatMap(foundOf).map(({ slowStartSeconds }) => slowStartSeconds);
}

function prefix(problem: ResourceProblem, text: string): ResourceProblem {
  return { ...problem, message: `${text} ${problem.message}` };
}

/** What is wrong with one service is said of it; what several have in common, such as the image, once of the release. */
function toLines(
  judged: readonly Judged[],
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

interface JudgedGroups extends Pick<ReleaseVerdict, "problems" | "warnings" | "old" | "previousReleaseId"> {
  readonly previous: Readonly<Record<string, GroupFacts>>;
}

function judgeGroups({ groups }: ReleaseLookUps, release: Release, constants: ReleaseConstants): JudgedGroups {
  if (groups.kind === "refused") return { problems: groups.problems, warnings: [], old: [], previous: {} };
  const found = findPredecessors(groups.value.map(toGroupFacts), release, constants.generation);
  const warnings = [
    ...found.unowned.map(({ name }) => `Group "${name}" is of no release. It is left alone.`),
    ...found.retired.map(
      ({ name }) => `Group "${name}" was kept for a rollback. It is deleted before anything is created.`,
    ),
  ];
  if (found.kind === "found") return { ...found, problems: [], warnings };
  const problems = found.problems.map(({ code, message }) => ({ code: toCode(code), message }));
  return { problems, warnings, old: [], previous: {} };
}

/** What a service may use of what was found for it. */
interface ServiceVerdict {
  /** What was not found, or is not what was asked for, in the order of the look-ups. */
  readonly missing: readonly ResourceProblem[];
  /** What the service may not use, in the order of the rules. */
  readonly refused: readonly ResourceProblem[];
  readonly warnings: readonly string[];
  /** Absent where a problem is. */
  readonly resources?: ServiceResources;
}

/** Judges the resources of one service. What was not found is told once, and no rule is asked about it. */
export function judgeService(
  looks: ServiceLookUps,
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

/** Without any, Auto Scaling would refuse the group only after its template was made. */
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
  look: LookUp<readonly NetworkFacts[]>,
): Matched {
  if (look.kind === "refused") return { ids: [], problems: look.problems };
  if (asked.length === 0) return { ids: [], problems: [EMPTY[kind]] };
  const matched = matchByName({ kind, asked, found: look.value });
  if (matched.kind === "matched") return { ids: matched.ids, problems: [] };
  return { ids: [], problems: matched.problems.map(({ code, message }) => ({ code: toCode(code), message })) };
}

/** The code of a release's problem: all of them begin alike. */
function toCode(code: string): string {
  return code.startsWith("release-") ? code : `release-${code}`;
}

function problemsOf(look: LookUp<unknown>): readonly ResourceProblem[] {
  return look.kind === "refused" ? look.problems : [];
}

/** Everything that was found, in the order in which the rules look at it. */
function toResources(looks: ServiceLookUps): readonly Resource[] {
  return [
    ...toPlacement(looks),
    ...foundOf(looks.image).map(({ id, tags }) => ({ kind: "image", name: id, tags }) as const),
    ...foundOf(looks.profile).map(({ name, path }) => ({ kind: "instance-profile", name, path }) as const),
    ...foundOf(looks.subnets).flatMap((each) =>
      each.map(({ id, tags }) => ({ kind: "subnet", name: id, tags }) as const),
    ),
    ...foundOf(looks.securityGroups).flatMap((each) => each.map(toGroupResource)),
    ...looks.elbs.flatMap(foundOf).map(({ name, tags }) => ({ kind: "classic-load-balancer", name, tags }) as const),
    ...looks.targetGroups.flatMap(foundOf).map(({ name, tags }) => ({ kind: "target-group", name, tags }) as const),
  ];
}

function toPlacement({ service, placement }: ServiceLookUps): readonly Resource[] {
  const { placement_group_name: name, placement_group_strategy: strategy } = service;
  if (placement?.kind !== "found" || name === undefined || strategy === undefined) return [];
  const found = placement.value === undefined ? {} : { found: placement.value };
  return [
    {
      kind: "placement-group",
      name,
      strategy,
      partition_count: service.placement_group_partition_count,
      ...found,
    },
  ];
}

function toGroupResource({ id, name = id, tags }: NetworkFacts): Resource {
  return { kind: "security-group", name, tags };
}

/** A policy on requests names its target group by the load balancer that sends it some. */
function findLabelProblems({ service, targetGroups }: ServiceLookUps): readonly ResourceProblem[] {
  const found = targetGroups.flatMap(foundOf);
  return toTrackedGroups(service).flatMap((name) => {
    const group = found.find((each) => each.name === name);
    if (group === undefined || group.requestLabel !== undefined) return [];
    const message = `Target group "${name}" is behind no application load balancer, so nobody counts its requests.`;
    return [{ code: "release-target-group-unbalanced", message }];
  });
}

function toTrackedGroups({ autoscaling }: ServiceLookUps["service"]): readonly string[] {
  const groups = autoscaling.policies.flatMap((policy) =>
    policy.type === "target_tracking" && policy.metric === "alb_requests_per_target" ? (policy.target_group ?? []) : [],
  );
  return [...new Set(groups)];
}

function toServiceResources(
  looks: ServiceLookUps,
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

type Looks = Pick<ServiceLookUps, "subnets" | "securityGroups" | "elbs" | "targetGroups">;

/**
 * A group stands in one VPC with its subnets, security groups and load balancers ("CreateAutoScalingGroup", VPCZoneIdentifier;
 * "CreateLaunchTemplate", SecurityGroupIds). What AWS does not tell the VPC of is not judged.
 */
export function findNetworkProblems(looks: Looks): readonly ResourceProblem[] {
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

function toNeighbours({ securityGroups, elbs, targetGroups }: Looks): readonly Neighbour[] {
  return [
    ...foundOf(securityGroups)
      .flat()
      .map(({ id, name = id, vpc }) => ({ what: `Security group "${name}"`, vpc })),
    ...elbs.flatMap(foundOf).map(toBalancer),
    ...targetGroups.flatMap(foundOf).map(toTargetGroup),
  ];
}

function toBalancer({ name, vpc }: { readonly name: string; readonly vpc?: string }): Neighbour {
  return { what: `Load balancer "${name}"`, vpc };
}

function toTargetGroup({ name, vpc }: { readonly name: string; readonly vpc?: string }): Neighbour {
  return { what: `Target group "${name}"`, vpc };
}

type LooksJudgeImage = Pick<ServiceLookUps, "image" | "service">;

/**
 * An image from which nothing can be launched, or not on these types: EC2 would say so only after the template was made, or to Auto
 * Scaling after the group was.
 */
export function findImageProblems({ image, service }: LooksJudgeImage): readonly ResourceProblem[] {
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
  const message = `Image ${id} is for ${architecture}, and instances of ${others.join(", ")} are not.`;
  return [{ code: "release-image-architecture", message }];
}

/** What may go wrong with an image that can be used. `account`: the release's. */
export function findImageWarnings(
  { image }: Pick<LooksJudgeImage, "image">,
  { account }: { readonly account: string },
): readonly string[] {
  if (image.kind === "refused") return [];
  const { id, owner = account } = image.value;
  return owner === account ? [] : [`Image ${id} is of account ${owner}: whoever owns it decides what boots.`];
}

/** Those that the names of types tell apart. */
const ARCHITECTURES: readonly string[] = ["arm64", "x86_64"];

/** Families whose names do not say it: Macs, the high-memory ones with their sizes in front, and accelerators by their chips' names. */
const UNTOLD = /^(mac|u-)|^p\d+[a-z]*-/;

/**
 * Which machine code a type runs, by its name: a `g` behind the generation stands for Graviton. Undefined where nobody can tell.
 * Source: EC2 user guide, "Amazon EC2 instance type naming conventions".
 */
function toArchitecture(type: string): "arm64" | "x86_64" | undefined {
  const attributes = /^[a-z]+\d+([a-z]*)/.exec(type)?.[1];
  if (attributes === undefined || UNTOLD.test(type)) return undefined;
  return type.startsWith("a1.") || attributes.includes("g") ? "arm64" : "x86_64";
}
