import { AutoScalingClient, DescribeAccountLimitsCommand } from "@aws-sdk/client-auto-scaling";
import { defined } from "@stackyard/core";
import { parseRelease } from "../document/parse-release.ts";
import { pointTo, type Release, type Service, type Strategy, toServiceOrder } from "../document/release.ts";
import type { ReleaseDeps, ServiceResources } from "../release-state.ts";
import { evaluateRelease, type ReleaseVerdict } from "../resources/evaluate-release.ts";
import type { ResourceProblem } from "../resources/lookup.ts";
import { loadReleaseLookups } from "../resources/lookups.ts";
import { type CapacityPlan, planCapacity } from "./capacity.ts";
import { serviceId } from "./names.ts";

/** The plan of a release. */
interface ReleasePlan extends Pick<ReleaseVerdict, "previousReleaseId" | "waitForDetachSeconds"> {
  readonly services: readonly PlannedService[];
  /**
   * Names of all groups that would be deleted after success, including those of services that the release no longer
   * contains.
   */
  readonly predecessors: readonly string[];
  /** Each of them rejects the release. */
  readonly problems: readonly Pick<ResourceProblem, "code" | "message">[];
  readonly warnings: readonly { readonly message: string }[];
}

/** A service with its resources. */
type PlannedService = ServicePlan & {
  /** Missing if there is a problem. */
  readonly resources?: ServiceResources;
  /** Name of the group to be replaced. */
  readonly previousGroup?: string;
};

/** Plans a release from the resources in the account; read-only. Throws `BAD_RELEASE` if AWS cannot be called. */
export async function planRelease(deps: ReleaseDeps, release: Release): Promise<ReleasePlan> {
  const verdict = await assessRelease(deps, release);
  const services = planOffline(release, toPrevious(verdict));
  const warnings = [...verdict.warnings, ...(await findQuotaWarnings(deps, services))];
  return {
    services: services.map((each) => withFound(each, verdict)),
    predecessors: verdict.old.map(({ name }) => name),
    ...defined({ previousReleaseId: verdict.previousReleaseId }),
    waitForDetachSeconds: verdict.waitForDetachSeconds,
    problems: verdict.problems.map(({ code, message }) => ({ code, message })),
    warnings: warnings.map((message) => ({ message })),
  };
}

function toPrevious({ services }: ReleaseVerdict): Readonly<Record<string, number>> {
  const known = Object.entries(services).flatMap(([name, { previous }]) =>
    previous ? [[name, previous.desired]] : [],
  );
  return Object.fromEntries(known);
}

function withFound(plan: ServicePlan, { services }: ReleaseVerdict): PlannedService {
  const { resources, previous } = services[plan.service] ?? {};
  return { ...plan, ...(resources && { resources }), ...(previous && { previousGroup: previous.name }) };
}

/**
 * Evaluates a release from all resources that it names; a safe one also against the previous release. Read-only. Throws
 * `BAD_RELEASE` if AWS cannot be called.
 */
export async function assessRelease(deps: ReleaseDeps, release: Release): Promise<ReleaseVerdict> {
  const verdict = evaluateRelease(await loadReleaseLookups(deps, release), release, deps.constants);
  const { previousReleaseId } = verdict;
  if (!release.safe_release || previousReleaseId === undefined) return verdict;
  const unsafe = await findUnsafe(deps, release, previousReleaseId);
  const prefix = `Release(${release.release_id}) Error:`;
  const problems = unsafe.map((each) => ({ ...each, message: `${prefix} ${each.message}` }));
  return { ...verdict, problems: [...verdict.problems, ...problems] };
}

/** Finds changes that a safe release must not contain. */
async function findUnsafe(
  { memory, constants, target, signal }: ReleaseDeps,
  release: Release,
  previousId: string,
): Promise<readonly ResourceProblem[]> {
  const fail = (text: string, cause?: unknown): readonly ResourceProblem[] => [
    {
      code: "release-previous-unknown",
      message: `Safe release: the document of the previous release, "${previousId}", ${text}. Deploy without safe_release once.`,
      cause,
    },
  ];
  let document: unknown;
  try {
    document = await memory.loadDocument({ ...release, release_id: previousId });
  } catch (error) {
    signal.throwIfAborted();
    return fail(`cannot be read (${error instanceof Error ? error.message : error})`, error);
  }
  if (document === undefined) return fail("does not exist");
  const parsed = parseRelease(document, { constants, account: target.account, region: target.region });
  if (parsed.kind === "refused") return fail(`breaks a rule (${parsed.problems[0]?.message})`);
  const differences = compareReleases(parsed.release, release);
  return differences.map(({ message }) => ({ code: "release-unsafe", message: `Safe release: ${message}` }));
}

/** The plan of a release for one service. */
export interface ServicePlan extends CapacityPlan {
  readonly service: string;
  /** Name of the group. In the first generation it is chosen when the group is created. */
  readonly serviceId: string;
  /** Desired capacity of the group to be replaced. Missing without a previous group. */
  readonly previous?: number;
  readonly strategy: Strategy;
}

/**
 * Returns the sizes of all services, in the order of their creation, from the desired capacities of the previous
 * groups.
 */
export function planOffline(release: Release, previous: Readonly<Record<string, number>>): readonly ServicePlan[] {
  return toServiceOrder(release).map((service) => {
    const { service_name: name, autoscaling } = service;
    const before = Object.hasOwn(previous, name) ? previous[name] : undefined;
    return {
      service: name,
      serviceId: serviceId(release, service),
      strategy: autoscaling.strategy,
      ...(before !== undefined && before >= 0 && { previous: before }),
      ...planCapacity(autoscaling, before),
    };
  });
}

/**
 * Returns warnings about exceeded account quotas. Returns none if the quotas cannot be read: they are not a rule of a
 * release. Source: Auto Scaling API reference, "DescribeAccountLimits".
 */
async function findQuotaWarnings(
  { target, signal, logger }: ReleaseDeps,
  services: readonly ServicePlan[],
): Promise<readonly string[]> {
  try {
    const client = target.client(AutoScalingClient);
    const limits = await client.send(new DescribeAccountLimitsCommand({}), { abortSignal: signal });
    const { MaxNumberOfAutoScalingGroups: max, NumberOfAutoScalingGroups: now } = limits;
    if (max === undefined || now === undefined || now + services.length <= max) return [];
    return [
      `The account has ${now} of at most ${max} Auto Scaling groups, and the release creates ${services.length} more.`,
    ];
  } catch (error) {
    signal.throwIfAborted();
    logger.debug("The quotas of Auto Scaling could not be read.", { error });
    return [];
  }
}

/** A change that a safe release must not contain. */
export interface ReleaseDifference {
  /** JSON pointer into the document. */
  readonly pointer: string;
  /** The old and the new value. */
  readonly message: string;
}

/**
 * Returns all differences that make the next release unsafe: only the image, the user data and what is not compared
 * here may change. Both releases include their defaults.
 */
export function compareReleases(previous: Release, next: Release): readonly ReleaseDifference[] {
  return [
    ...compareSets("", "subnets", previous.subnets, next.subnets),
    ...compareValues("", "timeout", previous.timeout, next.timeout),
    ...compareServiceNames(previous, next),
    ...Object.entries(next.services).flatMap(([name, service]) => {
      const before = Object.hasOwn(previous.services, name) ? previous.services[name] : undefined;
      return before ? compareServices(pointTo("/services", name), before, service) : [];
    }),
  ];
}

function* compareServiceNames(previous: Release, next: Release): Generator<ReleaseDifference> {
  for (const name of Object.keys(next.services)) {
    if (Object.hasOwn(previous.services, name)) continue;
    yield { pointer: pointTo("/services", name), message: `Service(${name}) is new.` };
  }
  for (const name of Object.keys(previous.services)) {
    if (Object.hasOwn(next.services, name)) continue;
    yield { pointer: pointTo("/services", name), message: `Service(${name}) was removed.` };
  }
}

const SETS = ["security_groups", "elbs", "target_groups", "instance_types"] as const;

const VALUES = [
  "profile",
  "ebs_volume_size",
  "ebs_volume_type",
  "ebs_device_name",
  "ebs_iops",
  "ebs_throughput",
  "ebs_encrypted",
  "ebs_kms_key",
  "ebs_delete_on_termination",
  "associate_public_ip_address",
  "instance_type",
] as const;

const CAPACITIES = [
  "min_size",
  "max_size",
  "max_terms",
  "default_cooldown",
  "health_check_grace_period",
  "spread",
] as const;

function compareServices(pointer: string, before: Service, after: Service): readonly ReleaseDifference[] {
  const scaling = pointTo(pointer, "autoscaling");
  return [
    ...SETS.flatMap((key) => compareSets(pointer, key, before[key], after[key])),
    ...compareOwnSubnets(pointer, before, after),
    ...VALUES.flatMap((key) => compareValues(pointer, key, before[key], after[key])),
    ...CAPACITIES.flatMap((key) => compareValues(scaling, key, before.autoscaling[key], after.autoscaling[key])),
  ];
}

// A service's own subnets override those of the release, which are compared separately.
function compareOwnSubnets(pointer: string, before: Service, after: Service): readonly ReleaseDifference[] {
  const [was, becomes] = [before.subnets, after.subnets].map((subnets) => subnets && toSet(subnets));
  return compareValues(pointer, "subnets", was, becomes);
}

type List = readonly string[] | null | undefined;

function compareSets(pointer: string, key: string, before: List, after: List): readonly ReleaseDifference[] {
  return compareValues(pointer, key, toSet(before), toSet(after));
}

// Stored documents of other deployers may omit empty lists, or contain null for missing values.
function toSet(list: List): string {
  return JSON.stringify([...new Set(list ?? [])].sort());
}

type Value = string | number | boolean | null | undefined;

function compareValues(pointer: string, key: string, before: Value, after: Value): readonly ReleaseDifference[] {
  if ((before ?? undefined) === (after ?? undefined)) return [];
  const place = pointTo(pointer, key);
  return [{ pointer: place, message: `${place} was ${before ?? "not given"}, and would be ${after ?? "not given"}.` }];
}
