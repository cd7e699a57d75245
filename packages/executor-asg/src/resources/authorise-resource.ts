import { authoriseByTags, type TaggedResource } from "./authorise-by-tags.ts";
import { authorisePlacementGroup, type PlacementGroupResource } from "./authorise-placement-group.ts";
import { authoriseProfile, type ProfileResource } from "./authorise-profile.ts";
import { AUTHORISED, type Authorisation, type ServiceScope } from "./service-scope.ts";

/** What everybody may use once its owner has said so. */
export interface SharedResource {
  readonly kind: "image" | "subnet";
  /** Id. */
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
}

/** A resource that a service asks for, as it was found. */
export type Resource = SharedResource | TaggedResource | ProfileResource | PlacementGroupResource;

/**
 * Whether a service may use a resource: its owner has opted in, by the tag `DeployWith` on images and subnets, by the
 * tags `ProjectName`, `ConfigName` and `ServiceName` on security groups, load balancers and target groups, by the path
 * of an instance profile, or by the name of a placement group that is to be created. Codes of refusals:
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
