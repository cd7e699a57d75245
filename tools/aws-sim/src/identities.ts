import { defined } from "@stackyard/core";
import type { Identity, ServiceFaults, SimRequest } from "./sim-call.ts";

/** Credentials in the form of the SDK. */
export interface SimCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration?: Date;
}

/** Credentials of a session of a role. */
interface SimSession extends SimCredentials {
  readonly sessionToken: string;
  /** Whom they belong to. */
  readonly arn: string;
}

/** A role and who may assume it. */
interface RoleInput {
  readonly account: string;
  /** With its path where it has one. */
  readonly name: string;
  /** Accounts and ARNs. Default: any account. */
  readonly trusts?: readonly string[];
  /** The trust policy requires it (`sts:ExternalId`). */
  readonly externalId?: string;
  /** The trust policy allows `sts:TagSession`. Default: true. */
  readonly allowsTags?: boolean;
  /** Default: one hour, as IAM gives a new role. */
  readonly maxSeconds?: number;
  /** IAM actions of its sessions. Default: all. */
  readonly allow?: readonly string[];
  /** IAM is eventually consistent: until then it cannot be assumed. */
  readonly visibleAt?: number;
}

/** A role that stands. */
export type Role = Required<Omit<RoleInput, "externalId" | "trusts" | "visibleAt">> &
  Pick<RoleInput, "externalId" | "trusts" | "visibleAt"> & { readonly arn: string };

/** Users, roles and the credentials that were given out. */
export interface Identities {
  addUser(input: UserInput): SimCredentials;
  addRole(input: RoleInput): Role;
  findRole(arn: string): Role | undefined;
  /** Returns all roles of an account. */
  listRoles(account: string): readonly Role[];
  /** Creates a session of a role, as AssumeRole, Lambda, ECS and EC2 do. */
  beginSession(role: Role, session: SessionInput): SimSession;
  /** Returns the secret key of an access key; undefined for an unknown one. */
  findSecret(accessKeyId: string): string | undefined;
  /** Returns the owner of the credentials. Throws the service's errors for unknown and expired ones. */
  authenticate(
    request: Pick<SimRequest, "accessKeyId" | "sessionToken">,
    faults: Pick<ServiceFaults, "unknownKey" | "expired">,
    now: number,
  ): Identity;
}

/** A user with keys that do not end. */
interface UserInput {
  readonly account: string;
  readonly name: string;
  readonly allow?: readonly string[];
}

/** One session of a role. */
interface SessionInput {
  readonly name: string;
  readonly endsAt: number;
  readonly tags?: Readonly<Record<string, string>>;
}

interface Key {
  readonly identity: Identity;
  readonly sessionToken?: string;
  readonly endsAt?: number;
}

const ALL = ["*"];
const HOUR_SECONDS = 3_600;

/** Creates an empty registry. */
export function createIdentities(): Identities {
  const roles = new Map<string, Role>();
  const keys = new Map<string, Key>();

  function issue(prefix: "AKIA" | "ASIA", key: Key): SimCredentials {
    const accessKeyId = `${prefix}SIM${String(keys.size).padStart(13, "0")}`;
    keys.set(accessKeyId, key);
    return defined({
      accessKeyId,
      secretAccessKey: toSecret(accessKeyId),
      sessionToken: key.sessionToken,
      expiration: key.endsAt === undefined ? undefined : new Date(key.endsAt),
    });
  }

  return {
    addUser({ account, name, allow = ALL }) {
      const arn = `arn:aws:iam::${account}:user/${name}`;
      return issue("AKIA", { identity: { arn, account, isRole: false, allow, tags: {} } });
    },
    addRole({ allow = ALL, maxSeconds = HOUR_SECONDS, allowsTags = true, ...input }) {
      const arn = `arn:aws:iam::${input.account}:role/${input.name}`;
      const role = { ...input, allow, maxSeconds, allowsTags, arn };
      roles.set(arn, role);
      return role;
    },
    findRole: (arn) => roles.get(arn),
    listRoles: (account) => [...roles.values()].filter((role) => role.account === account),
    beginSession({ account, name, allow }, session) {
      // The ARN of a session does not contain the path (IAM guide, "IAM identifiers").
      const arn = `arn:aws:sts::${account}:assumed-role/${name.split("/").at(-1)}/${session.name}`;
      const identity = { arn, account, isRole: true, allow, tags: session.tags ?? {} };
      const sessionToken = `token-${keys.size}`;
      return { ...issue("ASIA", { identity, sessionToken, endsAt: session.endsAt }), sessionToken, arn };
    },
    findSecret: (accessKeyId) => (keys.has(accessKeyId) ? toSecret(accessKeyId) : undefined),
    authenticate({ accessKeyId, sessionToken }, faults, now) {
      const key = keys.get(accessKeyId);
      if (key === undefined || key.sessionToken !== sessionToken) throw faults.unknownKey(accessKeyId);
      if (key.endsAt !== undefined && key.endsAt <= now) throw faults.expired();
      return key.identity;
    },
  };
}

function toSecret(accessKeyId: string): string {
  return `secret-of-${accessKeyId}`;
}

/** Returns true if one of the patterns covers the action. */
export function allows(patterns: readonly string[], action: string): boolean {
  return patterns.some((pattern) =>
    pattern.endsWith("*") ? action.startsWith(pattern.slice(0, -1)) : pattern === action,
  );
}
