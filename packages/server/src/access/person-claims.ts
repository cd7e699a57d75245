import { defined, StackyardError } from "@stackyard/core";
import { isPlainName } from "@stackyard/core/access";

/** The options of reading the claims of an issuer. */
export interface ClaimOptions {
  /** The claim that names people. Default: `email` when `email_verified` is true, else the subject. */
  readonly nameClaim?: string;
  /** The path to the groups in the claims. Default: `["groups"]`. */
  readonly groupsClaim?: readonly string[];
  /** Groups that count, each with at most one trailing `*`. Default: all. */
  readonly keepGroups?: readonly string[];
}

/** A person, as the issuer vouches for them. */
export interface SignedInPerson {
  readonly issuer: string;
  readonly subject: string;
  readonly name: string;
  /** Unique, in order. */
  readonly groups: readonly string[];
  /** The issuer's own session, for its logout. */
  readonly sid?: string;
}

/** The claims of a person. */
export type Claims = Readonly<Record<string, unknown>>;

const MAX_GROUPS = 50;
export const MAX_GROUP_LENGTH = 128;

/** Reads a person from the claims of an issuer. Throws `LOGIN_FAILED` and `GROUPS_MISSING`. */
export function toPerson(claims: Claims, options: ClaimOptions): SignedInPerson {
  const { iss, sub, sid } = claims;
  if (typeof iss !== "string" || typeof sub !== "string" || sub === "") {
    throw new StackyardError("LOGIN_FAILED", "The ID token names no issuer or no subject.");
  }
  if (!isPlainName(sub)) {
    throw new StackyardError("LOGIN_FAILED", "The subject of the ID token is too long or has invisible characters.");
  }
  return {
    issuer: iss,
    subject: sub,
    name: findName(claims, options) ?? sub,
    groups: readGroups(claims, options),
    ...defined({ sid: typeof sid === "string" ? sid : undefined }),
  };
}

/** Returns a name that the person could not choose. */
function findName(claims: Claims, { nameClaim }: ClaimOptions): string | undefined {
  // Some issuers write the flag as text.
  const isVerified = claims["email_verified"] === true || claims["email_verified"] === "true";
  const given = nameClaim === undefined ? isVerified && claims["email"] : claims[nameClaim];
  const name = typeof given === "string" ? given.normalize("NFC") : undefined;
  return isPlainName(name) ? name : undefined;
}

/** Returns true when the groups or the name of the person are missing, so that another source may have them. */
export function lacksClaims(claims: Claims, options: ClaimOptions): boolean {
  return !hasGroups(claims, options) || findName(claims, options) === undefined;
}

/** Adds the claims of the userinfo. Those of the ID token are signed, so they take precedence, except for groups that are empty. */
export function addClaims(claims: Claims, more: Claims, options: ClaimOptions): Claims {
  const [first = ""] = options.groupsClaim ?? ["groups"];
  // The flag is about the address next to it.
  const isOtherAddress = claims["email"] !== undefined && claims["email"] !== more["email"];
  const all = { ...more, ...(isOtherAddress ? { email_verified: false } : {}), ...claims };
  return hasGroups(claims, options) || more[first] === undefined ? all : { ...all, [first]: more[first] };
}

/** Returns true when there is at least one group. */
export function hasGroups(claims: Claims, { groupsClaim = ["groups"] }: ClaimOptions): boolean {
  const found = groupsClaim.reduce<unknown>(readKey, claims);
  return Array.isArray(found) ? found.length > 0 : found !== undefined && found !== null;
}

/** Returns how many groups are left out because no grant and no machine can name them. */
export function countLongGroups(claims: Claims, options: ClaimOptions): number {
  return listGroups(claims, options).filter((group) => group.length > MAX_GROUP_LENGTH).length;
}

function readGroups(claims: Claims, options: ClaimOptions): readonly string[] {
  const groups = listGroups(claims, options).filter((group) => group.length <= MAX_GROUP_LENGTH);
  if (groups.length <= MAX_GROUPS) return groups;
  const what = options.keepGroups === undefined ? "The person is in" : "keepGroups fits";
  throw groupsMissing(`${what} ${groups.length} groups.`);
}

/** Returns the groups that count, unique and in order. */
function listGroups(claims: Claims, { groupsClaim = ["groups"], keepGroups }: ClaimOptions): readonly string[] {
  const [first = ""] = groupsClaim;
  const names = claims["_claim_names"];
  // Microsoft Entra ID, "Groups overage claim": above 200 groups the token contains only an address of them.
  if (typeof names === "object" && names !== null && Object.hasOwn(names, first)) {
    throw groupsMissing("The person is in more groups than the issuer puts into a token.");
  }
  const found = groupsClaim.reduce<unknown>(readKey, claims);
  const listed = typeof found === "string" ? [found] : found;
  if (listed === undefined || listed === null) return [];
  if (!Array.isArray(listed) || listed.some((group) => typeof group !== "string")) {
    throw new StackyardError("LOGIN_FAILED", `The claim ${groupsClaim.join(".")} is not a list of groups.`);
  }
  const kept = listed.filter((group: string) => keepGroups === undefined || keepGroups.some((p) => fits(group, p)));
  return [...new Set<string>(kept)].sort();
}

function readKey(value: unknown, key: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
  return (value as Claims)[key];
}

function fits(text: string, pattern: string): boolean {
  return pattern.endsWith("*") ? text.startsWith(pattern.slice(0, -1)) : text === pattern;
}

function groupsMissing(what: string): StackyardError {
  const message = `${what} At most ${MAX_GROUPS} groups are kept; name those that grants need in access.people.keepGroups.`;
  return new StackyardError("GROUPS_MISSING", message);
}
