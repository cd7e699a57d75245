import type { Release, Service } from "../document/release.ts";
import { pointTo } from "../document/release-problem.ts";

/** One thing that a safe release may not change. */
export interface ReleaseDifference {
  /** JSON pointer into the document. */
  readonly pointer: string;
  /** What it was, and what it would be. */
  readonly message: string;
}

/**
 * Everything in which the next release differs from the previous one and may not, as a safe one: only the image, the user data
 * and what is not compared here may change. Empty: it is safe. Both are with their defaults.
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
    yield { pointer: pointTo("/services", name), message: `Service(${name}) is gone.` };
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

// In place of the release's: without any, the release's are compared.
function compareOwnSubnets(pointer: string, before: Service, after: Service): readonly ReleaseDifference[] {
  const [was, becomes] = [before.subnets, after.subnets].map((subnets) => subnets && toSet(subnets));
  return compareValues(pointer, "subnets", was, becomes);
}

type List = readonly string[] | null | undefined;

function compareSets(pointer: string, key: string, before: List, after: List): readonly ReleaseDifference[] {
  return compareValues(pointer, key, toSet(before), toSet(after));
}

// What is stored may be of a deployer that left empty lists out, or wrote null for what is absent.
function toSet(list: List): string {
  return JSON.stringify([...new Set(list ?? [])].sort());
}

type Value = string | number | boolean | null | undefined;

function compareValues(pointer: string, key: string, before: Value, after: Value): readonly ReleaseDifference[] {
  if ((before ?? undefined) === (after ?? undefined)) return [];
  const place = pointTo(pointer, key);
  return [{ pointer: place, message: `${place} was ${before ?? "not given"}, and would be ${after ?? "not given"}.` }];
}
