import type { Service } from "../document/release.ts";
import type { ReleaseConstants } from "../presets.ts";

/** A resource that every project may use after its owner has opted in. */
interface SharedResource {
  readonly kind: "image" | "subnet";
  /** Id. */
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
}

/** A resource that a service names, with the facts needed to authorise it. */
export type Resource = SharedResource | TaggedResource | ProfileResource | PlacementGroupResource;

/**
 * Returns whether a service may use a resource. Its owner opts in: by the tag `DeployWith` on images and subnets; by
 * the tags `ProjectName`, `ConfigName` and `ServiceName` on security groups, load balancers and target groups; by the
 * path of an instance profile; or by the name of a placement group to be created. Codes of refusals:
 * `image-not-opted-in`, `subnet-not-opted-in`, `<kind>-not-yours`, `profile-path-wrong`, `placement-group-name-wrong`,
 * `placement-group-unusable`, `placement-group-differs`, `placement-group-not-yours`.
 */
export function authoriseResource(resource: Resource, scope: ServiceScope): Authorisation {
  switch (resource.kind) {
    case "image":
    case "subnet":
      return authoriseShared(resource, scope);
    case "security-group":
    case "classic-load-balancer":
    case "target-group":
      return authoriseByTags(resource, scope);
    case "instance-profile":
      return authoriseProfile(resource, scope);
    case "placement-group":
      return authorisePlacementGroup(resource, scope);
  }
}

function authoriseShared({ kind, name, tags }: SharedResource, { constants }: ServiceScope): Authorisation {
  const found = tags["DeployWith"];
  if (found === constants.optInTag) return AUTHORISED;
  const what = kind === "image" ? "Image" : "Subnet";
  const actual = found === undefined ? `has no tag "DeployWith"` : `has the tag "DeployWith" with "${found}"`;
  const message = `${what} ${name} ${actual}. It can be used when the tag is "${constants.optInTag}".`;
  return { kind: "refused", code: `${kind}-not-opted-in`, message };
}

/** A resource that belongs to a service. */
interface TaggedResource {
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
 * Authorises by the three owner tags, which must have the values of the service or the wildcard. A target group may
 * additionally allow one service of another project with `AllowedService`.
 */
function authoriseByTags(resource: TaggedResource, scope: ServiceScope): Authorisation {
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

/** Returns true if `AllowedService` names the service; it counts only if all three owner tags exist. */
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

/** An instance profile. */
interface ProfileResource {
  readonly kind: "instance-profile";
  readonly name: string;
  /** Path of the profile, not of its role. */
  readonly path: string;
}

/**
 * Authorises a profile by its path, which must contain project, config and service. Levels may be the wildcard,
 * starting from the right.
 */
function authoriseProfile({ name, path }: ProfileResource, scope: ServiceScope): Authorisation {
  const allowed = toPaths(scope);
  if (allowed.includes(path)) return AUTHORISED;
  const message = `Instance profile "${name}" has the path "${path}". It must be ${allowed.map((each) => `"${each}"`).join(" or ")}.`;
  return { kind: "refused", code: "profile-path-wrong", message };
}

function toPaths({ project, config, service, constants }: ServiceScope): readonly string[] {
  const { profileRoot, wildcard: all } = constants;
  const levels = [[project, config, service]];
  if (all !== undefined) levels.push([project, config, all], [project, all, all], [all, all, all]);
  return levels.map((level) => `${profileRoot}${level.join("/")}/`);
}

/** A placement group that a service names. */
interface PlacementGroupResource {
  readonly kind: "placement-group";
  readonly name: string;
  readonly strategy: NonNullable<Service["placement_group_strategy"]>;
  readonly partition_count?: number | undefined;
  /** The existing placement group. Missing: it will be created. */
  readonly found?: {
    readonly state: string;
    readonly strategy: string;
    readonly partition_count?: number | undefined;
    readonly tags?: Readonly<Record<string, string>>;
  };
}

/** Deployers add these tags to everything that they create. */
const PLACEMENT_OWNER_TAGS = ["ProjectName", "ConfigName"] as const;

/**
 * Authorises a placement group. The name of a new one must be `<root>project/config`, optionally followed by a slash
 * and more. An existing one must match the document and must not be tagged for another project; without such tags every
 * project may use it.
 */
function authorisePlacementGroup(group: PlacementGroupResource, scope: ServiceScope): Authorisation {
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
  const known = PLACEMENT_OWNER_TAGS.filter((key) => tags[key] !== undefined);
  const wrong = known.find((key) => tags[key] !== owner[key] && tags[key] !== scope.constants.wildcard);
  if (wrong !== undefined) {
    const message = `Placement group "${name}" is of another project-config: its tag ${wrong} is "${tags[wrong]}", not "${owner[wrong]}".`;
    return { kind: "refused", code: "placement-group-not-yours", message };
  }
  if (isNamedAfter(name, scope) || known.length > 0) return AUTHORISED;
  const warning = `Placement group "${name}" has no owner tags, so every project may use it. Tag it with ProjectName and ConfigName.`;
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
  const message = `Placement group "${name}" does not exist and cannot be created: its name must be "${prefix}" or begin with "${prefix}/".`;
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

/** Names in a document, and the resources found. */
interface NamesToMatch {
  /** Subnets may also be named by id. */
  readonly kind: "security-group" | "subnet";
  readonly asked: readonly string[];
  /** All resources found. `name`: the tag `Name`. */
  readonly found: readonly NamedResource[];
}

/** A resource with an id and an optional name. */
export interface NamedResource {
  readonly id: string;
  readonly name?: string | undefined;
}

/** The ids in the order of the names, or all problems. */
type NameMatch =
  | { readonly kind: "matched"; readonly ids: readonly string[] }
  | { readonly kind: "refused"; readonly problems: readonly { readonly code: string; readonly message: string }[] };

const NAMED_KINDS = { "security-group": "Security group", subnet: "Subnet" } as const;

/**
 * Finds the one resource for each name or id, in the given order. A missing, ambiguous, repeated or unexpected resource
 * is a problem: comparing only the counts would accept two resources with one name in place of one each of two.
 */
export function matchByName({ kind, asked, ...input }: NamesToMatch): NameMatch {
  const found = [...new Map(input.found.map((resource) => [resource.id, resource])).values()];
  const unnamed = kind === "security-group" ? found.filter(({ name }) => name === undefined) : [];
  const matches = asked.map((each) => found.filter((resource) => answersTo(kind, resource, each)));
  const faults = [
    ...unnamed.map(({ id }) => fault(kind, "unnamed", `${id} has no tag "Name"`)),
    ...asked.flatMap((each, index) => findMismatch(kind, each, matches[index] ?? [])),
    ...findRepeated(kind, matches),
    ...findStrangers(kind, found, matches),
  ];
  if (faults.length > 0) return { kind: "refused", problems: faults };
  return { kind: "matched", ids: matches.flatMap((match) => match.map(({ id }) => id)) };
}

type Kind = NamesToMatch["kind"];
type Fault = { readonly code: string; readonly message: string };

/** Returns whether a text is the id of a subnet. A name never starts with `subnet-`. */
export function isSubnetId(text: string): boolean {
  return text.startsWith("subnet-") && text.length >= 8;
}

function answersTo(kind: Kind, { id, name }: NamedResource, asked: string): boolean {
  return kind === "subnet" && isSubnetId(asked) ? id === asked : name === asked;
}

function fault(kind: Kind, code: string, text: string): Fault {
  return { code: `${kind}-${code}`, message: `${NAMED_KINDS[kind]} ${text}.` };
}

function findMismatch(kind: Kind, asked: string, match: readonly NamedResource[]): readonly Fault[] {
  if (match.length === 1) return [];
  if (match.length === 0) return [fault(kind, "not-found", `"${asked}" was not found`)];
  const ids = match.map(({ id }) => id).join(", ");
  return [fault(kind, "ambiguous", `"${asked}" is the name of ${match.length}: ${ids}. It must be one`)];
}

function findRepeated(kind: Kind, matches: readonly (readonly NamedResource[])[]): readonly Fault[] {
  const ids = matches.flatMap((match) => match.map(({ id }) => id));
  const repeated = new Set(ids.filter((id, index) => ids.indexOf(id) !== index));
  return [...repeated].map((id) => fault(kind, "repeated", `${id} is listed twice`));
}

function findStrangers(
  kind: Kind,
  found: readonly NamedResource[],
  matches: readonly (readonly NamedResource[])[],
): readonly Fault[] {
  const known = new Set(matches.flat());
  return found
    .filter((resource) => !known.has(resource) && (kind === "subnet" || resource.name !== undefined))
    .map(({ id, name }) =>
      fault(kind, "unexpected", `${id}${name === undefined ? "" : ` ("${name}")`} was not requested`),
    );
}

/** The service that uses the resources. */
export interface ServiceScope {
  readonly project: string;
  readonly config: string;
  readonly service: string;
  readonly constants: Pick<ReleaseConstants, "generation" | "optInTag" | "profileRoot" | "placementRoot" | "wildcard">;
}

/** Result of an authorisation. */
export type Authorisation =
  /** `warnings`: advice that does not block the release. */
  | { readonly kind: "authorised"; readonly warnings: readonly string[] }
  | { readonly kind: "refused"; readonly code: string; readonly message: string };

/** Authorised without warnings. */
const AUTHORISED: Authorisation = { kind: "authorised", warnings: [] };
