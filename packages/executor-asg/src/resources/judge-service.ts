import { foundOf } from "../lookups/found-of.ts";
import type { ServiceLookUps } from "../lookups/load-release-look-ups.ts";
import type { NetworkFacts } from "../lookups/load-security-groups.ts";
import type { LookUp, ResourceProblem } from "../lookups/look-up.ts";
import type { ServiceResources } from "../release-state.ts";
import { authoriseResource, type Resource } from "./authorise-resource.ts";
import { findImageProblems, findImageWarnings } from "./judge-image.ts";
import { findNetworkProblems } from "./judge-network.ts";
import { matchByName } from "./match-by-name.ts";
import type { ServiceScope } from "./service-scope.ts";

/** What a service may use of what was found for it. */
export interface ServiceVerdict {
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
export function toCode(code: string): string {
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
