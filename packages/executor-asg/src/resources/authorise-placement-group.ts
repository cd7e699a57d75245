import type { PlacementStrategy } from "../document/release.ts";
import { AUTHORISED, type Authorisation, type ServiceScope } from "./service-scope.ts";

/** A placement group that a service asks for. */
export interface PlacementGroupResource {
  readonly kind: "placement-group";
  readonly name: string;
  readonly strategy: PlacementStrategy;
  readonly partition_count?: number | undefined;
  /** As EC2 has it; absent: it will be created. */
  readonly found?: {
    readonly state: string;
    readonly strategy: string;
    readonly partition_count?: number | undefined;
    readonly tags?: Readonly<Record<string, string>>;
  };
}

/** A deployer writes them on all that it creates. */
const OWNER_TAGS = ["ProjectName", "ConfigName"] as const;

/**
 * A new placement group must be named after its project-config: exactly so, or with more behind a slash. One that is
 * there must be what the document says, and by its tags of no other project-config; without such tags everybody may use it.
 */
export function authorisePlacementGroup(group: PlacementGroupResource, scope: ServiceScope): Authorisation {
  const { name, found } = group;
  if (found === undefined) return authoriseName(name, scope);
  if (found.state !== "available") {
    const message = `Placement group "${name}" is ${found.state || "in no state"}. It can be used when it is available.`;
    return { kind: "refused", code: "placement-group-unusable", message };
  }
  const difference = findDifference(group, found);
  if (difference === undefined) return authoriseOwner(group, found.tags ?? {}, scope);
  const message = `Placement group "${name}" has ${difference}. Change the document, or use another name.`;
  return { kind: "refused", code: "placement-group-differs", message };
}

function authoriseOwner(
  { name }: PlacementGroupResource,
  tags: Readonly<Record<string, string>>,
  scope: ServiceScope,
): Authorisation {
  const owner = { ProjectName: scope.project, ConfigName: scope.config };
  const known = OWNER_TAGS.filter((key) => tags[key] !== undefined);
  const wrong = known.find((key) => tags[key] !== owner[key] && tags[key] !== scope.constants.wildcard);
  if (wrong !== undefined) {
    const message = `Placement group "${name}" is of another project-config: its tag ${wrong} is "${tags[wrong]}", not "${owner[wrong]}".`;
    return { kind: "refused", code: "placement-group-not-yours", message };
  }
  if (isNamedAfter(name, scope) || known.length > 0) return AUTHORISED;
  const warning = `Placement group "${name}" says nothing of its owner: every project may use it. Tag it with ProjectName and ConfigName.`;
  return { kind: "authorised", warnings: [warning] };
}

function toPrefix({ project, config, constants }: ServiceScope): string {
  return `${constants.placementRoot}${project}/${config}`;
}

function isNamedAfter(name: string, scope: ServiceScope): boolean {
  const prefix = toPrefix(scope);
  return name === prefix || name.startsWith(`${prefix}/`);
}

function authoriseName(name: string, scope: ServiceScope): Authorisation {
  if (isNamedAfter(name, scope)) return AUTHORISED;
  const prefix = toPrefix(scope);
  const message = `Placement group "${name}" is not there and cannot be created: its name must be "${prefix}" or begin with "${prefix}/".`;
  return { kind: "refused", code: "placement-group-name-wrong", message };
}

function findDifference(
  { strategy, partition_count }: PlacementGroupResource,
  found: NonNullable<PlacementGroupResource["found"]>,
): string | undefined {
  if (found.strategy !== strategy) return `the strategy "${found.strategy}", not "${strategy}"`;
  if (strategy !== "partition" || found.partition_count === partition_count) return undefined;
  return `${found.partition_count ?? 0} partitions, not ${partition_count ?? 0}`;
}
