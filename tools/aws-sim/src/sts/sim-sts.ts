import type { Identities, Role } from "../identities.ts";
import { queryFaults } from "../query-faults.ts";
import { findNumber, findText, type SimCall, type SimService, textOf } from "../sim-call.ts";
import { SimFault } from "../sim-fault.ts";
import { checkSession, toSessionTags } from "./check-session.ts";

/**
 * STS: AssumeRole and GetCallerIdentity. Sources: STS API reference, "AssumeRole", "GetCallerIdentity" and "Common errors"
 * (names and statuses); IAM guide, "Methods to assume a role" and "Role chaining" (limits).
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
  // A role that does not exist is answered like one that may not be assumed: nobody shall find out which names exist.
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
  // Credentials of one partition are unknown in another; the role of another partition is never theirs to assume.
  if (identity.arn.split(":")[1] !== role.partition) return false;
  if (role.externalId !== undefined && findText(input, "ExternalId") !== role.externalId) return false;
  return role.trusts === undefined || role.trusts.includes(identity.account) || role.trusts.includes(identity.arn);
}

/** "AssumeRole", DurationSeconds: the role's own limit, and one hour for a chained role, whatever its limit is. */
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
