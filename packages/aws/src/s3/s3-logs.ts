import { GetBucketLifecycleConfigurationCommand, type LifecycleRule, S3Client } from "@aws-sdk/client-s3";
import type { Clock, Records } from "@stackyard/core";
import { KEY_PREFIXES } from "@stackyard/core/environment";
import type { AwsAccess } from "../aws-access.ts";
import { asProbe } from "../call-plugin.ts";
import { createS3Records } from "./s3-records.ts";

/** The location of full logs of attempts. Only a lifecycle rule of the bucket removes them. */
export interface LogPlace {
  readonly bucket: string;
  /** Default: `stackyard/logs/`. */
  readonly prefix?: string | undefined;
}

/** The dependencies of reading logs in S3. */
export interface S3LogsDeps {
  readonly aws: Pick<AwsAccess, "client">;
  readonly clock: Clock;
}

/** Opens the records of the whole logs of attempts in a bucket: `logs` of workers, runners and servers. Makes no request yet. */
export function openS3Logs({ bucket, prefix = KEY_PREFIXES.logs }: LogPlace, { aws, clock }: S3LogsDeps): Records {
  return createS3Records({ client: aws.client(S3Client, undefined), bucket, prefix, clock });
}

/** The facts of a place of logs. */
export interface LogPlaceFacts {
  /** Such as `s3://acme-logs/stackyard/logs/`. */
  readonly address: string;
  /**
   * Returns true if an enabled rule of the bucket removes the objects there eventually, undefined if the rules cannot be read.
   */
  readonly isCleaned: boolean | undefined;
}

/** Reads a log that does not exist, and the bucket's lifecycle rules. Throws `FORBIDDEN`, `NOT_FOUND`, `UNREACHABLE`, …. */
export async function checkS3Logs(place: LogPlace, deps: S3LogsDeps): Promise<LogPlaceFacts> {
  const { bucket, prefix = KEY_PREFIXES.logs } = place;
  await openS3Logs(place, deps).get("log/stackyard-doctor/unknown", deps.clock.now());
  const rules = await findRules(deps.aws.client(S3Client, undefined), bucket);
  return { address: `s3://${bucket}/${prefix}`, isCleaned: rules?.some((rule) => cleans(rule, prefix)) };
}

async function findRules(client: S3Client, bucket: string): Promise<readonly LifecycleRule[] | undefined> {
  try {
    return (await client.send(asProbe(new GetBucketLifecycleConfigurationCommand({ Bucket: bucket })))).Rules ?? [];
  } catch (error) {
    // It needs a separate permission, and emulators do not support it. The logs work without it.
    return error instanceof Error && error.name === "NoSuchLifecycleConfiguration" ? [] : undefined;
  }
}

/** Returns true if a rule removes all objects: a filter of tags or sizes may exclude some. */
function cleans({ Status, Expiration, Filter, Prefix }: LifecycleRule, prefix: string): boolean {
  const { Prefix: filtered = Prefix ?? "", ...others } = Filter ?? {};
  const isForAll = Object.values(others).every((other) => other === undefined);
  return Status === "Enabled" && Expiration?.Days !== undefined && isForAll && prefix.startsWith(filtered);
}
