import type { Identities, Role } from "./identities.ts";
import { queryFaults } from "./service-faults.ts";
import { findNumber, findText, type SimCall, type SimService, textOf } from "./sim-call.ts";
import { SimFault } from "./sim-fault.ts";

/**
 * Creates STS: AssumeRole and GetCallerIdentity. Sources: STS API reference, "AssumeRole", "GetCallerIdentity" and
 * "Common errors" (names and statuses); IAM guide, "Methods to assume a role" and "Role chaining" (limits).
 */
export function createSts(iam: Identities): SimService {
  return {
    operations: {
      GetCallerIdentity: ({ identity }) => ({ Account: identity.account, Arn: identity.arn, UserId: "AIDASIM" }),
      AssumeRole: (call) => assume(iam, call),
    },
    toAction: (operation) => `sts:${operation}`,
    faults: queryFaults,
  };
}

function assume(iam: Identities, call: SimCall): unknown {
  const { input, identity, now } = call;
  const arn = textOf(input, "RoleArn");
  const seconds = findNumber(input, "DurationSeconds") ?? 3_600;
  const tags = toSessionTags(input["Tags"]);
  const externalId = findText(input, "ExternalId");
  checkSession({ name: textOf(input, "RoleSessionName"), seconds, tags, externalId });
  const role = iam.findRole(arn);
  // A missing role is answered like one that may not be assumed, so that names cannot be probed.
  if (role === undefined || !isTrusted(role, call)) throw denied(identity.arn, "sts:AssumeRole", arn);
  if (Object.keys(tags).length > 0 && !role.allowsTags) throw denied(identity.arn, "sts:TagSession", arn);
  checkLength(role, seconds, identity.isRole);
  const name = textOf(input, "RoleSessionName");
  const session = iam.beginSession(role, { name, tags, endsAt: now + seconds * 1_000 });
  return {
    Credentials: {
      AccessKeyId: session.accessKeyId,
      SecretAccessKey: session.secretAccessKey,
      SessionToken: session.sessionToken,
      Expiration: new Date(now + seconds * 1_000),
    },
    AssumedRoleUser: {
      AssumedRoleId: `AROASIM:${name}`,
      Arn: session.arn,
    },
  };
}

function isTrusted(role: Role, { input, identity, now }: SimCall): boolean {
  if (role.visibleAt !== undefined && now < role.visibleAt) return false;
  if (role.externalId !== undefined && findText(input, "ExternalId") !== role.externalId) return false;
  return role.trusts === undefined || role.trusts.includes(identity.account) || role.trusts.includes(identity.arn);
}

/**
 * Follows "AssumeRole", DurationSeconds: the role's own limit, and one hour for a chained role, whatever its limit is.
 */
function checkLength(role: Role, seconds: number, isChained: boolean): void {
  if (isChained && seconds > 3_600) {
    const why = "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.";
    throw new SimFault("ValidationError", 400, why);
  }
  if (seconds > role.maxSeconds) {
    const why = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.";
    throw new SimFault("ValidationError", 400, why);
  }
}

function denied(who: string, action: string, resource: string): SimFault {
  return new SimFault(
    "AccessDenied",
    403,
    `User: ${who} is not authorized to perform: ${action} on resource: ${resource}`,
  );
}

/** The parts of a session that STS validates before it checks the role. */
interface SessionFacts {
  readonly name: string;
  readonly seconds: number;
  readonly tags: Readonly<Record<string, string>>;
  readonly externalId: string | undefined;
}

/** "AssumeRole", RoleSessionName: 2 to 64 characters of this set. */
const NAME = /^[\w+=,.@-]*$/;

/** The same page, ExternalId: 2 to 1,224 characters of this set. */
const EXTERNAL_ID = /^[\w+=,.@:/-]*$/;
/** The same page, Tags: letters, digits, spaces and some signs. */
const TAG = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;

/** Throws `ValidationError` as AssumeRole does (API reference: RoleSessionName, DurationSeconds, Tags). */
function checkSession({ name, seconds, tags, externalId }: SessionFacts): void {
  if (name.length < 2 || name.length > 64)
    throw invalid(name, "roleSessionName", "Member must have length between 2 and 64");
  if (!NAME.test(name)) {
    throw invalid(name, "roleSessionName", "Member must satisfy regular expression pattern: [\\w+=,.@-]*");
  }
  if (seconds < 900)
    throw invalid(String(seconds), "durationSeconds", "Member must have value greater than or equal to 900");
  if (seconds > 43_200) {
    throw invalid(String(seconds), "durationSeconds", "Member must have value less than or equal to 43200");
  }
  if (externalId !== undefined) checkExternalId(externalId);
  checkTags(tags);
}

function checkExternalId(id: string): void {
  if (id.length < 2 || id.length > 1_224) throw invalid(id, "externalId", "Member must have length between 2 and 1224");
  if (!EXTERNAL_ID.test(id)) {
    throw invalid(id, "externalId", "Member must satisfy regular expression pattern: [\\w+=,.@:\\/-]*");
  }
}

function checkTags(tags: SessionFacts["tags"]): void {
  const entries = Object.entries(tags);
  if (entries.length > 50) throw invalid("tags", "tags", "Member must have length less than or equal to 50");
  for (const [key, value] of entries) {
    if (key.length < 1 || key.length > 128) throw invalid(key, "tags.key", "Member must have length between 1 and 128");
    for (const text of [key, value]) {
      if (!TAG.test(text)) throw invalid(text, "tags", "Member must satisfy the pattern of tags");
    }
    if (value.length > 256) throw invalid(value, "tags.value", "Member must have length less than or equal to 256");
  }
}

/** Returns the tags of a request by key. */
function toSessionTags(tags: unknown): Readonly<Record<string, string>> {
  const list: readonly { readonly Key?: unknown; readonly Value?: unknown }[] = Array.isArray(tags) ? tags : [];
  return Object.fromEntries(list.map(({ Key, Value }) => [String(Key), String(Value)]));
}

function invalid(value: string, field: string, constraint: string): SimFault {
  const text = `1 validation error detected: Value '${value}' at '${field}' failed to satisfy constraint: ${constraint}`;
  return new SimFault("ValidationError", 400, text);
}
