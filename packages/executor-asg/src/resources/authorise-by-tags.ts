import type { Authorisation, ServiceScope } from "./service-scope.ts";

/** What belongs to a service. */
export interface TaggedResource {
  readonly kind: "security-group" | "classic-load-balancer" | "target-group";
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
}

const WORDS = {
  "security-group": "Security group",
  "classic-load-balancer": "Load balancer",
  "target-group": "Target group",
} as const;

const OWNER_TAGS = ["ProjectName", "ConfigName", "ServiceName"] as const;

/**
 * Each of the three tags must name the service's project, config and name, or be the wildcard. A target group may also
 * name, in `AllowedService`, one service of another project; its owner keeps the right to use it.
 */
export function authoriseByTags(resource: TaggedResource, scope: ServiceScope): Authorisation {
  const owner = { ProjectName: scope.project, ConfigName: scope.config, ServiceName: scope.service };
  const wrong = OWNER_TAGS.filter((key) => !isFor(resource.tags[key], owner[key], scope));
  if (wrong.length === 0 || isAllowed(resource, scope))
    return { kind: "authorised", warnings: toWarnings(resource, scope) };
  const what = `${WORDS[resource.kind]} "${resource.name}"`;
  const faults = wrong.map((key) => {
    const value = resource.tags[key];
    return `${key} must be "${owner[key]}" and is ${value === undefined ? "missing" : `"${value}"`}`;
  });
  const message = `${what} does not belong to the service by its tags: ${faults.join(", ")}.`;
  return { kind: "refused", code: `${resource.kind}-not-yours`, message };
}

function isFor(value: string | undefined, expected: string, { constants }: ServiceScope): boolean {
  return value !== undefined && (value === expected || value === constants.wildcard);
}

/** Looked at only where the owner is known, whoever that is. */
function isAllowed({ kind, tags }: TaggedResource, { project, config, service, constants }: ServiceScope): boolean {
  if (kind !== "target-group" || constants.generation !== "odin") return false;
  if (OWNER_TAGS.some((key) => tags[key] === undefined)) return false;
  return tags["AllowedService"] === `${project}::${config}::${service}`;
}

function toWarnings(
  { kind, name, tags }: TaggedResource,
  { constants: { wildcard } }: ServiceScope,
): readonly string[] {
  if (wildcard === undefined || OWNER_TAGS.some((key) => tags[key] !== wildcard)) return [];
  return [`${WORDS[kind]} "${name}" is open to every project: all three of its tags are "${wildcard}".`];
}
