import { type Static, Type } from "typebox";
import { StackyardError } from "../errors/stackyard-error.ts";
import { formatFaults, listSchemaFaults } from "../machine/document/schema-faults.ts";
import { OLD_RIGHTS, type Right, type Rights } from "./decide-access.ts";
import { OLD_EXTRA_PERMISSIONS, PERMISSIONS, permissionsOf, ROLES } from "./permissions.ts";
import { isLoopbackUrl } from "./server-address.ts";

const Text = Type.String({ minLength: 1, maxLength: 255 });
const Address = Type.String({ minLength: 1, maxLength: 2_048 });
const Name = Type.String({ pattern: "^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$" });
/** A group of people, or one that a token or a workload is given. */
export const GroupName = Type.String({ minLength: 1, maxLength: 128, pattern: "^[^\\p{Cc}]+$" });
/** A scope token (RFC 6749, section 3.3). */
const ScopeName = Type.String({ minLength: 1, maxLength: 255, pattern: "^[\\x21\\x23-\\x5B\\x5D-\\x7E]+$" });
export const RoleName = Type.Enum([...ROLES]);
export const PermissionName = Type.Enum([...PERMISSIONS]);
/** Limits of a grant or a token, as in `Scope`. */
export const scopeProperties = {
  machines: Type.Optional(Type.Array(Text, { minItems: 1, maxItems: 100, description: "Names of machines." })),
  stacks: Type.Optional(Type.Array(Text, { minItems: 1, maxItems: 100, description: "Beginnings of stack ids." })),
};

/** Who gets a role, where, and what else. `to` has one of `group`, `subject`, `token`, `workload`, `machine` and `signedIn`. */
export const Grant = Type.Object(
  {
    to: Type.Object(
      {
        group: Type.Optional(GroupName),
        subject: Type.Optional(Text),
        /** A token of the environment, the data folder or the options; `anonymous` when none is required. */
        token: Type.Optional(Text),
        workload: Type.Optional(Name),
        /** Texts that the workload's claims must equal, or one of a list; a trailing `*` matches any end. */
        claims: Type.Optional(
          Type.Record(Text, Type.Union([Text, Type.Array(Text, { minItems: 1, maxItems: 100 })]), {
            maxProperties: 50,
          }),
        ),
        /** A machine: what its stacks, which are releases, may send to others. */
        machine: Type.Optional(Text),
        signedIn: Type.Optional(Type.Literal(true)),
      },
      { additionalProperties: false },
    ),
    role: RoleName,
    also: Type.Optional(Type.Array(PermissionName, { maxItems: PERMISSIONS.length })),
    ...scopeProperties,
    /** The groups of a workload or a token in `allow`. */
    groups: Type.Optional(Type.Array(GroupName, { maxItems: 50 })),
  },
  { additionalProperties: false },
);
export type Grant = Static<typeof Grant>;

/** The key `access` of the configuration. */
export const AccessConfig = Type.Object(
  {
    people: Type.Optional(
      Type.Object(
        {
          issuer: Address,
          clientId: Text,
          /**
           * The claim that names people, if only the issuer's administrators can change it. Default: `email` when the
           * issuer has verified it.
           */
          nameClaim: Type.Optional(Text),
          /** The path to the groups in the claims. */
          groupsClaim: Type.Optional(Type.Array(Text, { minItems: 1, maxItems: 10 })),
          /** Groups that are kept at a login; a trailing `*` matches any end. */
          keepGroups: Type.Optional(Type.Array(GroupName, { maxItems: 100 })),
          /** Scopes to request in addition to `openid`. Default: `profile`, `email`, and `groups` where the issuer has it. */
          scopes: Type.Optional(Type.Array(ScopeName, { maxItems: 20 })),
        },
        { additionalProperties: false },
      ),
    ),
    workloads: Type.Optional(
      Type.Array(Type.Object({ name: Name, issuer: Address }, { additionalProperties: false }), { maxItems: 20 }),
    ),
    grants: Type.Optional(Type.Array(Grant, { maxItems: 1_000 })),
  },
  { additionalProperties: false, description: "Who may do what. Default: every configured token may do everything" },
);
export type AccessConfig = Static<typeof AccessConfig>;

/** Checks the key `access`. Throws `CONFIG_INVALID` that lists everything that is wrong. */
export function parseAccessConfig(value: unknown, options: AccessFaultOptions = {}): AccessConfig {
  const ofSchema = formatFaults(listSchemaFaults(AccessConfig, value), (path) => ["access", ...path].join("."));
  // The schema has no faults, so the value has its type.
  const faults = ofSchema.length > 0 ? ofSchema : findAccessFaults(value as AccessConfig, options);
  if (faults.length === 0) return value as AccessConfig;
  const list = faults.map((fault) => `\n  - ${fault}`).join("");
  throw new StackyardError("CONFIG_INVALID", `The configuration of access has errors:${list}`, { details: { faults } });
}

/** The parts of the rest of the configuration that the checks need. */
export interface AccessFaultOptions {
  /** `server.url`. */
  readonly serverUrl?: string;
}

/** Returns the faults of a configuration that fits its schema, as sentences. */
export function findAccessFaults(config: AccessConfig, { serverUrl }: AccessFaultOptions = {}): readonly string[] {
  const { people, workloads = [], grants = [] } = config;
  const names = workloads.map(({ name }) => name);
  const twice = names.filter((name, index) => names.indexOf(name) < index);
  return [
    ...(people === undefined ? [] : findIssuerFaults("access.people", people.issuer)),
    ...workloads.flatMap(({ issuer }, index) => findIssuerFaults(`access.workloads.${index}`, issuer)),
    ...twice.map((name) => `access.workloads: duplicate name "${name}". Rename one of them.`),
    ...findUrlFaults(config, serverUrl),
    ...grants.flatMap((grant, index) => findGrantFaults(`access.grants.${index}`, grant, config)),
  ];
}

function findIssuerFaults(place: string, issuer: string): readonly string[] {
  if (isSecureUrl(issuer)) return [];
  return [`${place}.issuer: "${issuer}" must be an https: address, as the issuer's tokens name it.`];
}

function findUrlFaults({ people, workloads = [] }: AccessConfig, serverUrl: string | undefined): readonly string[] {
  if (people === undefined && workloads.length === 0) return [];
  if (serverUrl === undefined) {
    return ["server.url is missing: logins need the address at which people and workloads reach the server."];
  }
  if (isSecureUrl(serverUrl)) return [];
  return [
    `server.url: "${serverUrl}" must be an https: address, or one of the loopback, because logins pass through it.`,
  ];
}

/** Returns true for https: anywhere, and http: on the loopback. */
function isSecureUrl(text: string): boolean {
  const protocol = URL.parse(text)?.protocol;
  return protocol === "https:" || (protocol === "http:" && isLoopbackUrl(text));
}

const RECEIVERS = ["group", "subject", "token", "workload", "machine", "signedIn"] as const;

function findGrantFaults(place: string, grant: Grant, { workloads = [] }: AccessConfig): readonly string[] {
  const { to, groups } = grant;
  const receivers = RECEIVERS.filter((key) => to[key] !== undefined);
  if (receivers.length !== 1) return [`${place}.to must have exactly one of ${RECEIVERS.join(", ")}.`];
  const faults: string[] = [];
  if (groups !== undefined && to.workload === undefined && to.token === undefined) {
    faults.push(`${place}.groups goes with a workload or a token. Groups of people come from their login.`);
  }
  if (to.claims !== undefined && to.workload === undefined) faults.push(`${place}.to.claims goes with a workload.`);
  if (to.workload === undefined) return faults;
  const workload = workloads.find(({ name }) => name === to.workload);
  if (workload === undefined) {
    return [...faults, `${place}.to.workload: "${to.workload}" is unknown. Add it to access.workloads.`];
  }
  return [...faults, ...findClaimFaults(`${place}.to.claims`, to.claims ?? {}, workload.issuer)];
}

/**
 * At these issuers everybody has an account and can choose the audience: a grant must name whose workloads it means.
 */
const SHARED_ISSUERS: ReadonlyMap<string, readonly string[]> = new Map([
  ["token.actions.githubusercontent.com", ["repository_id", "repository_owner_id"]],
  ["gitlab.com", ["project_id", "namespace_id"]],
]);

type Claims = NonNullable<Grant["to"]["claims"]>;

function findClaimFaults(place: string, claims: Claims, issuer: string): readonly string[] {
  const patterns = Object.entries(claims).flatMap(([claim, wanted]) =>
    listTexts(wanted).map((text) => ({ claim, text })),
  );
  const wild = patterns.filter(({ text }) => text.slice(0, -1).includes("*"));
  const faults = wild.map(({ claim, text }) => `${place}.${claim}: "${text}" may have one "*", at its end.`);
  const needed = SHARED_ISSUERS.get(URL.parse(issuer)?.hostname ?? "");
  if (needed === undefined) return faults;
  const given = needed.filter((claim) => Object.hasOwn(claims, claim));
  const open = patterns.filter(({ claim, text }) => given.includes(claim) && text.endsWith("*"));
  if (given.length > 0 && open.length === 0) return faults;
  const must = `${place} must have ${needed.join(" or ")} without "*"`;
  return [...faults, `${must}: everybody can get a token of ${issuer} for this server.`];
}

function listTexts(wanted: Claims[string]): readonly string[] {
  return typeof wanted === "string" ? [wanted] : wanted;
}

/** Who grants are matched with. A token is one of the environment, the data folder or the options. */
export type GrantReceiver =
  | { readonly kind: "person"; readonly subject?: string; readonly groups: readonly string[] }
  | { readonly kind: "token"; readonly name: string }
  | { readonly kind: "machine"; readonly name: string }
  | { readonly kind: "workload"; readonly name: string; readonly claims: Readonly<Record<string, unknown>> };

/** Returns the grants that name this receiver, in their order. */
export function findGrants(grants: readonly Grant[], receiver: GrantReceiver): readonly Grant[] {
  return grants.filter(({ to }) => isReceiver(to, receiver));
}

function isReceiver(to: Grant["to"], receiver: GrantReceiver): boolean {
  switch (receiver.kind) {
    case "person":
      if (to.group !== undefined) return receiver.groups.includes(to.group);
      return to.signedIn === true || (to.subject !== undefined && to.subject === receiver.subject);
    case "token":
      return to.token === receiver.name;
    case "machine":
      return to.machine === receiver.name;
    case "workload":
      return to.workload === receiver.name && hasClaims(receiver.claims, to.claims ?? {});
  }
}

function hasClaims(claims: Readonly<Record<string, unknown>>, wanted: Claims): boolean {
  return Object.entries(wanted).every(([name, texts]) => {
    const value = Object.hasOwn(claims, name) ? claims[name] : undefined;
    if (typeof value !== "string" && typeof value !== "number" && typeof value !== "boolean") return false;
    return listTexts(texts).some((text) => matchesText(text, String(value)));
  });
}

/** Compares with a text; one trailing `*` matches any end. */
export function matchesText(pattern: string, value: string): boolean {
  return pattern.endsWith("*") ? value.startsWith(pattern.slice(0, -1)) : value === pattern;
}

type Given = Pick<Grant, "role" | "also" | "machines" | "stacks">;

/** Returns the rights of some grants together. `all`: the grants of the yard. */
export function toRights(grants: readonly Given[], all: readonly Grant[]): Rights {
  return grants.map((grant) => toRight(grant, all));
}

/**
 * Returns the right of one grant or token in a yard with these grants. A limit to ids alone does not reach machines that have
 * grants: their stacks act elsewhere, whatever id they have.
 */
export function toRight({ role, also = [], machines, stacks }: Given, all: readonly Grant[] = []): Right {
  const delegates = all.flatMap(({ to }) => (to.machine === undefined ? [] : [to.machine]));
  const isById = stacks !== undefined && machines === undefined;
  return {
    permissions: new Set([...permissionsOf(role), ...also]),
    ...(machines && { machines }),
    ...(stacks && { stacks }),
    ...(isById && delegates.length > 0 && { except: new Set(delegates) }),
  };
}

/**
 * Returns whether a configured token may do everything without a grant: no grant says what anyone who asks may do. Grants of
 * machines say what their stacks may do to others.
 */
export function areTokensOpen(grants: readonly Grant[]): boolean {
  return grants.every(({ to }) => to.machine !== undefined);
}

/** Returns the rights of a configured token: those of its grants. Without one, it may do nothing where grants say who may do what. */
export function findTokenRights(name: string, grants: readonly Grant[]): Rights {
  const own = findGrants(grants, { kind: "token", name });
  return own.length === 0 && areTokensOpen(grants) ? OLD_RIGHTS : toRights(own, grants);
}

/** Returns the configuration in which these tokens, of who started the yard, may do everything where no grant names them. */
export function withOwnTokens(access: AccessConfig, names: readonly string[]): AccessConfig {
  const { grants = [] } = access;
  if (areTokensOpen(grants)) return access;
  const unnamed = names.filter((name) => findGrants(grants, { kind: "token", name }).length === 0);
  const toGrant = (token: string): Grant => ({ to: { token }, role: "admin", also: [...OLD_EXTRA_PERMISSIONS] });
  return { ...access, grants: [...grants, ...unnamed.map(toGrant)] };
}

/** Returns the groups that the grants add to a token or a workload: unique, in order. */
export function toGroups(grants: readonly Pick<Grant, "groups">[]): readonly string[] {
  return [...new Set(grants.flatMap(({ groups = [] }) => groups))].sort();
}
