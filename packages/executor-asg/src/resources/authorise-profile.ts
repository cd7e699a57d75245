import { AUTHORISED, type Authorisation, type ServiceScope } from "./service-scope.ts";

/** An instance profile. */
export interface ProfileResource {
  readonly kind: "instance-profile";
  readonly name: string;
  /** The profile's own, not its role's. */
  readonly path: string;
}

/** The path names project, config and service; from the right they may be the wildcard. */
export function authoriseProfile({ name, path }: ProfileResource, scope: ServiceScope): Authorisation {
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
