import { MAX_GROUP_NAME, serviceId } from "../../names/service-id.ts";
import { parseInstant } from "../parse-instant.ts";
import type { RawRelease, RawService } from "../raw-release.ts";
import { type Fault, pointTo, quote } from "../release-problem.ts";
import { TENANCIES } from "../schema/service-schema.ts";
import { checkAutoscaling } from "./check-autoscaling.ts";
import { checkPlacement } from "./check-placement.ts";
import { checkPolicies } from "./check-policies.ts";
import { isSafe, type RuleContext } from "./check-release.ts";
import { checkTags } from "./check-tags.ts";

/** A service where it stands. */
export interface ServicePlace {
  readonly release: RawRelease;
  readonly name: string;
  readonly service: RawService;
  readonly pointer: string;
}

/** A service's own rules, up to the lifecycle hooks of the release. */
export function* checkService(place: ServicePlace, { generation }: RuleContext): Generator<Fault> {
  const { name, service, pointer } = place;
  const groupName = toGroupName(place.release, name, generation);
  const scope = { groupName, targetGroups: service.target_groups ?? [], named: generation === "odin" };
  const at = (key: string) => pointTo(pointer, key);
  yield* checkName(name, groupName, pointer);
  if (!service.instance_type) {
    const message = "instance_type must be defined, such as t3.small.";
    yield { code: "release-instance-type-missing", pointer: at("instance_type"), message };
  }
  yield* checkAutoscaling(service.autoscaling ?? {}, at("autoscaling"));
  yield* checkPolicies(service.autoscaling?.policies, scope, pointTo(pointer, "autoscaling", "policies"));
  if (!service.security_groups?.length) {
    const message = "security_groups must have at least one.";
    yield { code: "release-security-groups-missing", pointer: at("security_groups"), message };
  }
  yield* checkUnique(service.security_groups, at("security_groups"), "security-group", "Security groups");
  yield* checkUnique(service.elbs, at("elbs"), "elb", "ELBs");
  yield* checkUnique(service.target_groups, at("target_groups"), "target-group", "Target groups");
  yield* checkPlacement(service, pointer);
  yield* checkTenancy(service.placement_tenancy, at("placement_tenancy"));
}

/** What AWS refuses of the service's requests, and what came after the predecessor. */
export function* checkRequests({ service, pointer }: ServicePlace): Generator<Fault> {
  yield* checkTags(service.tags ?? {}, pointTo(pointer, "tags"));
  yield* checkTypes(service, pointer);
}

// Of any draw: all are as long.
const DRAW = { at: 0, letters: "letters" };

function toGroupName(release: RawRelease, service: string, generation: RuleContext["generation"]): string | undefined {
  const { project_name = "", config_name = "", created_at = "" } = release;
  if (parseInstant(created_at) === undefined) return undefined;
  return serviceId({ project_name, config_name, created_at }, service, generation === "odin" ? undefined : DRAW);
}

function* checkName(name: string, groupName: string | undefined, pointer: string): Generator<Fault> {
  if (name === "") {
    yield { code: "release-service-name-missing", pointer, message: "ServiceName must be defined: the key is empty." };
  } else if (!isSafe(name)) {
    const message = `The name ${quote(name)} becomes part of paths, so it may hold no control characters and no part that is empty, "." or "..".`;
    yield { code: "release-name-unsafe", pointer, message };
  }
  if (groupName !== undefined && groupName.length > MAX_GROUP_NAME) {
    const message = `The group's name ${quote(groupName)} has ${groupName.length} characters; ${MAX_GROUP_NAME} are the limit. Shorten the service's name.`;
    yield { code: "release-service-name-too-long", pointer, message };
  }
}

function* checkUnique(
  names: readonly (string | null)[] = [],
  pointer: string,
  code: "security-group" | "elb" | "target-group",
  what: string,
): Generator<Fault> {
  const before = new Set<string>();
  for (const [index, name] of names.entries()) {
    const place = pointTo(pointer, index);
    if (name === null) {
      yield { code: `release-${code}-null`, pointer: place, message: `${what} must be unique and not null.` };
    } else if (before.has(name)) {
      const message = `${what} must be unique: ${quote(name)} is there twice.`;
      yield { code: `release-${code}-duplicate`, pointer: place, message };
    } else before.add(name);
  }
}

function* checkTenancy(tenancy: string | undefined, pointer: string): Generator<Fault> {
  if (tenancy === undefined || TENANCIES.some((known) => known === tenancy)) return;
  const message = `placement_tenancy is ${quote(tenancy)}; it must be ${TENANCIES.map(quote).join(" or ")}.`;
  yield { code: "release-tenancy-unknown", pointer, message };
}

// A type is one override of the group, and each may be there once.
function* checkTypes({ instance_type, instance_types }: RawService, pointer: string): Generator<Fault> {
  for (const [index, type] of (instance_types ?? []).entries()) {
    if (type === null || type !== instance_type) continue;
    const message = `${quote(type)} is the instance_type already; instance_types are more of them.`;
    yield { code: "release-instance-type-twice", pointer: pointTo(pointer, "instance_types", index), message };
  }
}
