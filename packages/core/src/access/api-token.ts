import { type Static, Type } from "typebox";
import { StackyardError } from "../errors/stackyard-error.ts";
import { parseDuration } from "../machine/document/duration.ts";
import { defined } from "../machine/json.ts";
import { GroupName, PermissionName, RoleName, scopeProperties, toRight } from "./access-config.ts";
import { findExcess, isWithin, type Rights } from "./decide-access.ts";
import type { Permission } from "./permissions.ts";
import type { Sender } from "./sender.ts";

/** The rights of a token: as a grant, with its groups in `allow`. */
const given = {
  role: RoleName,
  also: Type.Optional(Type.Array(PermissionName, { maxItems: 20 })),
  ...scopeProperties,
  groups: Type.Optional(Type.Array(GroupName, { maxItems: 50 })),
};

/** The stored form of an API token: the SHA-256 of its secrets, never the secrets. Instants in epoch milliseconds. */
export const ApiTokenRecord = Type.Object({
  id: Type.String(),
  name: Type.String(),
  ...given,
  createdBy: Type.Object({ kind: Type.String(), id: Type.String(), name: Type.String() }),
  /** The credential of a creator that is not a person: the token ends with it. See `toCredential`. */
  createdWith: Type.Optional(Type.String()),
  /** The id of the person behind the creator. */
  owner: Type.Optional(Type.String()),
  createdAt: Type.Integer(),
  /** Missing: never. */
  expiresAt: Type.Optional(Type.Integer()),
  /** To five minutes. */
  lastUsedAt: Type.Optional(Type.Integer()),
  /** Newest first. All but the first end by themselves. */
  secrets: Type.Array(Type.Object({ hash: Type.String(), endsAt: Type.Optional(Type.Integer()) })),
  revokedAt: Type.Optional(Type.Integer()),
});
export type ApiTokenRecord = Static<typeof ApiTokenRecord>;

/** The token that a caller requests. */
export const ApiTokenRequest = Type.Object({
  name: Type.String({ pattern: "^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$", description: "As histories show it." }),
  ...given,
  expires: Type.Optional(
    Type.String({ maxLength: 32, description: "A duration such as `30d`, at most `366d`, or `never`. Default `90d`." }),
  ),
});
export type ApiTokenRequest = Static<typeof ApiTokenRequest>;

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const DEFAULT_LIFE_MS = 90 * DAY_MS;
const MAX_LIFE_MS = 366 * DAY_MS;
const DEFAULT_OVERLAP_MS = DAY_MS;
const MAX_OVERLAP_MS = 7 * DAY_MS;
/** The time for which a token that has ended is still listed, in milliseconds. */
const LISTED_MS = 30 * DAY_MS;
const USE_STEP_MS = 5 * MINUTE_MS;
const MAX_SECRETS = 2;

/** The caller that requests a token, a rotation or a revocation. */
export interface TokenCreator {
  readonly sender: Sender;
  readonly rights: Rights;
  /** When the creator's own credential ends. */
  readonly expiresAt?: number;
}

/** Returns the instant at which a token ends; undefined for `never`. Throws `USAGE` for a duration out of range. */
export function toTokenEnd(expires: string, now: number): number | undefined {
  if (expires === "never") return undefined;
  const ms = parseDuration(expires);
  if (ms === undefined || ms < MINUTE_MS || ms > MAX_LIFE_MS) {
    throw new StackyardError(
      "USAGE",
      `Invalid lifetime "${expires}" of a token in "expires". Use 1m to 366d, or "never".`,
    );
  }
  return now + ms;
}

/** Returns how long the earlier secret stays valid. Throws `USAGE` for a duration out of range. */
export function toOverlapMs(overlap: string | undefined): number {
  if (overlap === undefined) return DEFAULT_OVERLAP_MS;
  const ms = overlap === "0s" ? 0 : parseDuration(overlap);
  if (ms !== undefined && ms <= MAX_OVERLAP_MS) return ms;
  throw new StackyardError("USAGE", `Invalid overlap "${overlap}". Use 0s to 7d, such as 24h.`);
}

/**
 * Throws `FORBIDDEN` when a token would have more than its creator: in rights, in groups (administrators may add any),
 * or in time (a token or workload cannot create one that outlives itself). A token without an end requires the
 * permission `access`.
 */
export function checkHandedOn(
  { sender, rights, expiresAt: ownEnd = Number.POSITIVE_INFINITY }: TokenCreator,
  token: Pick<ApiTokenRecord, "role" | "also" | "machines" | "stacks" | "groups" | "expiresAt">,
): void {
  // At each use it has the limits of the yard's grants too.
  const excess = findExcess(rights, toRight(token));
  if (excess.length > 0) {
    const list = excess.join(", ");
    throw tooMuch(`A token cannot have more rights than its creator. Missing permissions: ${list}.`, excess);
  }
  const administers = rights.some((right) => right.permissions.has("access") && isWithin(right, { kind: "yard" }));
  const foreign = (token.groups ?? []).filter((group) => !sender.groups.includes(group));
  if (foreign.length > 0 && !administers) {
    throw tooMuch(`Only administrators give a token groups that they are not in: ${foreign.join(", ")}.`, ["access"]);
  }
  if (token.expiresAt === undefined && !administers) {
    throw tooMuch("Only administrators create tokens that never end. Choose a duration of at most 366d.", ["access"]);
  }
  if (!isPerson(sender) && (token.expiresAt ?? Number.POSITIVE_INFINITY) > ownEnd) {
    const end = new Date(ownEnd).toISOString();
    throw tooMuch(`Your credential ends at ${end}. What it creates must end before. Choose a shorter time.`, [
      "access",
    ]);
  }
}

function tooMuch(message: string, permissions: readonly Permission[]): StackyardError {
  return new StackyardError("FORBIDDEN", message, { details: { permission: permissions[0], permissions } });
}

/** The input for a new token. */
export interface NewApiToken {
  readonly id: string;
  /** SHA-256 of the secret, hexadecimal. */
  readonly hash: string;
  readonly now: number;
}

/** Makes a token. Throws as `toTokenEnd` and `checkHandedOn`. */
export function makeApiToken(creator: TokenCreator, request: ApiTokenRequest, input: NewApiToken): ApiTokenRecord {
  const { expires, groups, name: tokenName, role, also, machines, stacks } = request;
  const { id, hash, now } = input;
  const { kind, id: creatorId, name, owner = findOwner(creator.sender), credential } = creator.sender;
  const expiresAt = expires === undefined ? toDefaultEnd(creator, now) : toTokenEnd(expires, now);
  const token = {
    id,
    name: tokenName,
    role,
    ...defined({ also, machines, stacks, groups: groups && [...new Set(groups)].sort() }),
    createdBy: { kind, id: creatorId, name },
    ...defined({ owner, createdWith: isPerson(creator.sender) ? undefined : credential }),
    createdAt: now,
    ...defined({ expiresAt }),
    secrets: [{ hash }],
  };
  checkHandedOn(creator, token);
  return token;
}

/** Returns the default end: in 90 days, or with the creator's credential if that ends before and is not a person's. */
function toDefaultEnd({ sender, expiresAt = Number.POSITIVE_INFINITY }: TokenCreator, now: number): number {
  const end = now + DEFAULT_LIFE_MS;
  return isPerson(sender) ? end : Math.min(end, expiresAt);
}

function isPerson({ kind }: Sender): boolean {
  return kind === "person" || kind === "local";
}

function findOwner(sender: Sender): string | undefined {
  return isPerson(sender) ? sender.id : undefined;
}

/**
 * Returns whether a caller may see and end a token without the permission `access`: its creator, its owner or the token
 * itself.
 */
export function isOwnToken({ createdBy, owner, id }: ApiTokenRecord, sender: Sender): boolean {
  if (createdBy.kind === sender.kind && createdBy.id === sender.id) return true;
  if (sender.kind === "token") return sender.id === id;
  return owner !== undefined && owner === findOwner(sender);
}

/** Adds a secret; the one before ends after the overlap, an older one at once. */
export function rotateApiToken(
  token: ApiTokenRecord,
  {
    hash,
    now,
    overlapMs,
    expiresAt,
  }: Pick<NewApiToken, "hash" | "now"> & {
    readonly overlapMs: number;
    /** The new end of the token. Default: as it was. */
    readonly expiresAt?: number | "never";
  },
): ApiTokenRecord {
  const before = token.secrets.map((secret) => ({
    ...secret,
    endsAt: Math.min(secret.endsAt ?? Number.MAX_SAFE_INTEGER, now + overlapMs),
  }));
  const { expiresAt: end, ...rest } = token;
  const ending = expiresAt === "never" ? undefined : (expiresAt ?? end);
  return {
    ...rest,
    ...defined({ expiresAt: ending }),
    secrets: [{ hash }, ...before].slice(0, MAX_SECRETS),
  };
}

/** Returns true for a secret that a rotation has replaced and that still works for a while. */
export function isReplaced({ secrets }: ApiTokenRecord, hash: string): boolean {
  return secrets[0]?.hash !== hash;
}

/** Ends a token. Returns a token that has ended unchanged. */
export function revokeApiToken(token: ApiTokenRecord, now: number): ApiTokenRecord {
  return token.revokedAt === undefined ? { ...token, revokedAt: now, secrets: [] } : token;
}

/** Returns the status of a token. */
export function statusOfToken({ revokedAt, expiresAt }: ApiTokenRecord, now: number): "active" | "expired" | "revoked" {
  if (revokedAt !== undefined) return "revoked";
  return expiresAt !== undefined && expiresAt <= now ? "expired" : "active";
}

/** Returns when a secret of a token ends, at the latest with the token; undefined when it is not valid. */
export function findSecretEnd(token: ApiTokenRecord, hash: string, now: number): number | undefined {
  const secret = token.secrets.find((each) => each.hash === hash);
  if (secret === undefined || statusOfToken(token, now) !== "active") return undefined;
  const endsAt = Math.min(secret.endsAt ?? Number.POSITIVE_INFINITY, token.expiresAt ?? Number.POSITIVE_INFINITY);
  return endsAt > now ? endsAt : undefined;
}

/** Returns when the record goes: 30 days after the token has ended. Undefined: it stays. */
export function toRecordEnd({ revokedAt, expiresAt }: ApiTokenRecord): number | undefined {
  const ended = revokedAt ?? expiresAt;
  return ended === undefined ? undefined : ended + LISTED_MS;
}

/** Returns true when a use is worth a write: the last recorded one is five minutes old. */
export function isUseNews({ lastUsedAt }: ApiTokenRecord, now: number): boolean {
  return lastUsedAt === undefined || now - lastUsedAt >= USE_STEP_MS;
}
