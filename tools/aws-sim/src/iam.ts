import type { Clock } from "@stackyard/core";
import { createIdentities, type Identities, type Role } from "./identities.ts";
import { queryFaults } from "./service-faults.ts";
import { type SimCall, type SimService, textOf } from "./sim-call.ts";
import { SimFault } from "./sim-fault.ts";

/** Users, roles, credentials and instance profiles. */
interface SimIam extends Identities {
  readonly service: SimService;
  /** Gives the ARN. */
  addInstanceProfile(input: InstanceProfileInput): string;
}

/**
 * Creates IAM without anybody. It is one for all regions ("Amazon IAM endpoints"). Source: API reference (2010-05-08).
 */
export function createIam({ clock }: { readonly clock: Clock }): SimIam {
  const identities = createIdentities();
  const profiles = new Map<string, InstanceProfile>();
  return {
    ...identities,
    service: {
      operations: {
        GetInstanceProfile: (call) => getInstanceProfile([...profiles.values()], identities, call),
        GetRole: (call) => getRole(identities, call),
      },
      toAction: (operation) => `iam:${operation}`,
      faults: queryFaults,
    },
    addInstanceProfile(input) {
      const profile = createInstanceProfile(input, clock.now());
      profiles.set(profile.arn, profile);
      return profile.arn;
    },
  };
}

type Roles = Pick<Identities, "listRoles">;

/** "GetInstanceProfile", "GetRole": names are of this set, 1 to 128 and 1 to 64 characters. */
const NAME = /^[\w+=,.@-]+$/;
const MAX_PROFILE_NAME = 128;
const MAX_ROLE_NAME = 64;

/** Implements GetInstanceProfile: by its name, whatever its path is. */
function getInstanceProfile(profiles: readonly InstanceProfile[], roles: Roles, call: SimCall): unknown {
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

/** Implements GetRole: by its name, whatever its path is. */
function getRole(roles: Roles, call: SimCall): unknown {
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

/** Returns unique ids: a prefix by kind and letters and digits ("IAM identifiers"). */
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

/** An instance profile to make. */
interface InstanceProfileInput {
  readonly account: string;
  readonly name: string;
  /** Begins and ends with a slash. Default: `/`. */
  readonly path?: string;
  /** The name of its role, with the path that `addRole` was given. Default: none. */
  readonly role?: string;
  /** IAM is eventually consistent: until then it is not found. */
  readonly visibleAt?: number;
}

/** The stored state of an instance profile. */
interface InstanceProfile extends InstanceProfileInput {
  readonly path: string;
  readonly arn: string;
  readonly madeAt: number;
}

/** Creates a new one. ARN: IAM guide, "IAM ARNs", with the path before the name. */
function createInstanceProfile(input: InstanceProfileInput, madeAt: number): InstanceProfile {
  const { account, name, path = "/" } = input;
  return { ...input, path, madeAt, arn: `arn:aws:iam::${account}:instance-profile${path}${name}` };
}
