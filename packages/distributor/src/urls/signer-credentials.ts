import type { AwsAccess } from "@stackyard/aws";
import type { AwsCredentials, Clock } from "@stackyard/core";

/** Whose credentials sign URLs. */
export interface SignerCredentialsInput {
  /** Of the process. */
  readonly access: Pick<AwsAccess, "credentials">;
  /** Of the distributor. */
  readonly account: string;
  readonly region: string;
  /** A role of the same account that may read the bucket. Default: the process's own credentials sign. */
  readonly roleArn?: string;
  readonly clock: Clock;
}

/**
 * A function's own credentials end at a moment that nobody is told (AWS Lambda developer guide, "Lambda execution role"), so URLs
 * signed with them are not made for longer than an hour. It may still be less: let a role sign.
 */
const ASSUMED_MS = 65 * 60_000;

/**
 * The credentials for a `UrlSigner`, renewed before they end: a session of the role has most of its time before it whenever it is
 * given. A role assumed by a function is chained, and its sessions last an hour at most (IAM user guide, "Role chaining").
 */
export function createSignerCredentials(input: SignerCredentialsInput): () => Promise<AwsCredentials> {
  const { access, account, region, roleArn, clock } = input;
  if (roleArn !== undefined) return () => access.credentials({ account, region, partition: "aws", role: roleArn });
  return async () => {
    const own = await access.credentials(undefined);
    if (own.sessionToken === undefined || own.expiration !== undefined) return own;
    return { ...own, expiration: new Date(clock.now() + ASSUMED_MS) };
  };
}
