import type { Identities, Role } from "../identities.ts";
import { queryFaults } from "../query-faults.ts";
import { type SimCall, textOf } from "../sim-call.ts";
import { SimFault } from "../sim-fault.ts";
import type { InstanceProfile } from "./instance-profile.ts";

type Roles = Pick<Identities, "listRoles">;

/** "GetInstanceProfile", "GetRole": names are of this set, 1 to 128 and 1 to 64 characters. */
const NAME = /^[\w+=,.@-]+$/;
const MAX_PROFILE_NAME = 128;
const MAX_ROLE_NAME = 64;

/** GetInstanceProfile: by its name, whatever its path is. */
export function getInstanceProfile(profiles: readonly InstanceProfile[], roles: Roles, call: SimCall): unknown {
  const name = nameOf(call, "InstanceProfileName", MAX_PROFILE_NAME);
  const found = profiles.find(
    (each) => each.account === call.identity.account && each.name === name && (each.visibleAt ?? 0) <= call.now,
  );
  if (found === undefined) throw missing(`Instance Profile ${name} cannot be found.`);
  const own = roles.listRoles(found.account).filter((role) => role.name === found.role);
  return {
    InstanceProfile: {
      Path: found.path,
      InstanceProfileName: found.name,
      InstanceProfileId: toId("AIPA", found.arn),
      Arn: found.arn,
      CreateDate: new Date(found.madeAt),
      Roles: own.map(toRole),
    },
  };
}

/** GetRole: by its name, whatever its path is. */
export function getRole(roles: Roles, call: SimCall): unknown {
  const name = nameOf(call, "RoleName", MAX_ROLE_NAME);
  const found = roles
    .listRoles(call.identity.account)
    .find((role) => splitName(role).name === name && (role.visibleAt ?? 0) <= call.now);
  if (found === undefined) throw missing(`The role with name ${name} cannot be found.`);
  return { Role: toRole(found) };
}

function toRole(role: Role): object {
  const { path, name } = splitName(role);
  const AssumeRolePolicyDocument = encodeURIComponent(JSON.stringify({ Version: "2012-10-17", Statement: [] }));
  return {
    Path: path,
    RoleName: name,
    RoleId: toId("AROA", role.arn),
    Arn: role.arn,
    CreateDate: new Date(0),
    AssumeRolePolicyDocument,
    MaxSessionDuration: role.maxSeconds,
  };
}

function splitName({ name }: Role): { readonly path: string; readonly name: string } {
  const end = name.lastIndexOf("/") + 1;
  return { path: `/${name.slice(0, end)}`, name: name.slice(end) };
}

/** Unique ids: a prefix by kind and letters and digits ("IAM identifiers"). */
function toId(prefix: string, arn: string): string {
  return `${prefix}${Buffer.from(arn).toString("hex").toUpperCase().slice(-17)}`;
}

function nameOf({ input }: SimCall, field: string, max: number): string {
  const name = textOf(input, field);
  if (name.length <= max && NAME.test(name)) return name;
  const constraint =
    name.length > max ? `Member must have length less than or equal to ${max}` : `Member must satisfy ${NAME.source}`;
  throw queryFaults.invalid(
    `1 validation error detected: Value '${name}' at '${field}' failed to satisfy constraint: ${constraint}`,
  );
}

function missing(message: string): SimFault {
  return new SimFault("NoSuchEntityException", 404, message);
}
