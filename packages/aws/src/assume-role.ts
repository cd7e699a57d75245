import { AssumeRoleCommand, GetCallerIdentityCommand, type STSClient } from "@aws-sdk/client-sts";
import { type AwsCredentials, defined, StackyardError } from "@stackyard/core";
import { callAws } from "./call-aws.ts";
import type { CheckedTarget } from "./target-identity.ts";

/** The options of sessions in targets. */
export interface SessionOptions {
  /** Shown in the target account's CloudTrail. Characters that AWS does not take become `-`; at most 64. */
  readonly name: string;
  /** Session tags, 50 at most; the role's trust policy must then allow `sts:TagSession`. Default: none. */
  readonly tags?: Readonly<Record<string, string>>;
  /** 900 to 43,200, and at most the role's own limit. Default: one hour. */
  readonly seconds?: number;
}

/** A target that has a role. */
export type RoleTarget = CheckedTarget & { readonly roleArn: string };

const DEFAULT_SECONDS = 3_600;

/**
 * AssumeRole, "DurationSeconds": a role that is assumed with the credentials of another role (role chaining) has at
 * most one hour, whatever the role allows; a longer request is rejected.
 */
const CHAINED_SECONDS = 3_600;

/** The input of one call. */
export interface AssumeRoleInput {
  readonly target: RoleTarget;
  readonly session: SessionOptions;
  /** True if our own credentials are those of a role. */
  readonly isChained: boolean;
}

/** Credentials with their end. */
export type SessionCredentials = AwsCredentials & { readonly sessionToken: string; readonly expiration: Date };

/** Begins a session in a target. Throws `FORBIDDEN`, `CONFIG_INVALID`, `UNAUTHENTICATED` and other errors of STS. */
export async function assumeRole(sts: STSClient, input: AssumeRoleInput): Promise<SessionCredentials> {
  const { target, session, isChained } = input;
  const seconds = session.seconds ?? DEFAULT_SECONDS;
  const request = {
    RoleArn: target.roleArn,
    RoleSessionName: toSessionName(session.name),
    DurationSeconds: isChained ? Math.min(seconds, CHAINED_SECONDS) : seconds,
    ...defined({ ExternalId: target.externalId }),
    ...(session.tags && { Tags: Object.entries(session.tags).map(([Key, Value]) => ({ Key, Value })) }),
  };
  const policy = { what: `The role ${target.roleArn} could not be assumed.`, advice: toAdvice(input) };
  const { Credentials: given } = await callAws(() => sts.send(new AssumeRoleCommand(request)), policy);
  if (!given?.AccessKeyId || !given.SecretAccessKey || !given.SessionToken || !given.Expiration) {
    throw new StackyardError("SERVER_ERROR", `STS returned incomplete credentials for ${target.roleArn}.`);
  }
  return {
    accessKeyId: given.AccessKeyId,
    secretAccessKey: given.SecretAccessKey,
    sessionToken: given.SessionToken,
    expiration: given.Expiration,
  };
}

function toAdvice({ target, session }: AssumeRoleInput) {
  const actions = session.tags === undefined ? "sts:AssumeRole" : "sts:AssumeRole and sts:TagSession";
  const id = target.externalId === undefined ? "No external id was sent" : "An external id was sent";
  return {
    FORBIDDEN: `Allow ${actions} on it to the runner's role, and see that its trust policy names the runner. ${id}; the trust policy may ask for another one.`,
    ValidationError: "Look at the session's length, name and tags, and at the role's longest session.",
  };
}

/**
 * Converts a text to a name for AssumeRole ("RoleSessionName": 2 to 64 characters of `[\w+=,.@-]`): other characters
 * become `-`, and long texts are cut. The other account's CloudTrail shows it for every call.
 */
export function toSessionName(text: string): string {
  const name = text.replace(/[^\w+=,.@-]+/g, "-").slice(0, 64);
  return name.length < 2 ? `stackyard-${name}`.slice(0, 64) : name;
}

/** The identity of the process's credentials. */
export interface CallerIdentity {
  readonly account: string;
  readonly arn: string;
  readonly partition: string;
  /** True if they are those of a role, so that a role that is assumed with them is chained. */
  readonly isRole: boolean;
}

/** Loads our identity from STS; needs no permission (GetCallerIdentity). */
export async function loadCallerIdentity(sts: STSClient): Promise<CallerIdentity> {
  const policy = { what: "Cannot get the caller identity from STS." };
  const found = await callAws(() => sts.send(new GetCallerIdentityCommand({})), policy);
  const { Account: account = "", Arn: arn = "" } = found;
  return { account, arn, partition: arn.split(":")[1] ?? "aws", isRole: arn.includes(":assumed-role/") };
}
