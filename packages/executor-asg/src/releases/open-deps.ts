import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { S3Client } from "@aws-sdk/client-s3";
import type { AwsAccess } from "@stackyard/aws";
import type { Release } from "../document/release.ts";
import { createBucketMemory } from "../memory/bucket-memory.ts";
import type { ReleaseDeps } from "../release-deps.ts";
import { ReleaseError } from "../release-error.ts";
import type { ReleasesDeps } from "./releases-deps.ts";

/** Opens sessions for releases; those of one release share one. */
export type OpenSession = (release: Pick<Release, "project_name" | "config_name" | "release_id">) => AwsAccess;

const MAX_SESSIONS = 50;

/** Keeps the newest sessions: a role that is assumed anew for every call is throttled soon. */
export function createSessions({ access }: ReleasesDeps): OpenSession {
  const sessions = new Map<string, AwsAccess>();
  return ({ project_name, config_name, release_id }) => {
    const key = JSON.stringify([project_name, config_name, release_id]);
    const known = sessions.get(key);
    if (known !== undefined) return known;
    const tags = { ProjectName: project_name, ConfigName: config_name, ReleaseID: release_id };
    const session = access({
      name: `release-${release_id}`,
      tags: Object.fromEntries(Object.entries(tags).map(([name, value]) => [name, toTagValue(value)])),
    });
    sessions.set(key, session);
    const [oldest] = sessions.keys();
    if (sessions.size > MAX_SESSIONS && oldest !== undefined) sessions.delete(oldest);
    return session;
  };
}

/** STS API reference, `Tag`: letters, digits, spaces and `_.:/=+-@`, at most 256. */
function toTagValue(text: string): string {
  return text.replaceAll(/[^\p{L}\p{Z}\p{N}_.:/=+\-@]/gu, "-").slice(0, 256);
}

/** What the states of one release work with: its account through the assumed role, and the bucket as the function itself. */
export function openDeps(deps: ReleasesDeps, open: OpenSession, release: Release): ReleaseDeps {
  const { constants, clock, random, logger, deployer, externalId, actor } = deps;
  if (deps.bucket !== undefined && release.bucket !== deps.bucket) {
    const what = `Release(${release.release_id}) Error: its bucket is ${release.bucket}`;
    throw new ReleaseError("BAD_RELEASE", `${what}, and this deployer reads ${deps.bucket} only.`);
  }
  const access = open(release);
  const region = release.aws_region;
  const target = {
    account: release.aws_account_id,
    region,
    partition: toPartition(region),
    role: constants.assumedRole,
    ...(externalId === undefined ? {} : { externalId }),
  };
  const own = { account: deployer.account, region, partition: toPartition(region) };
  return {
    constants,
    clock,
    random,
    logger,
    signal: new AbortController().signal,
    target: { ...target, client: (type) => access.client(type, target) },
    memory: createBucketMemory({
      s3: access.client(S3Client, own),
      bucket: release.bucket,
      clock,
      generation: constants.generation,
      ...(deps.lockTable === undefined
        ? {}
        : { table: { client: access.client(DynamoDBClient, undefined), name: deps.lockTable } }),
      ...(deps.leaseMs === undefined ? {} : { leaseMs: deps.leaseMs }),
      ...(actor?.name === undefined ? {} : { by: actor.name }),
    }),
    ...(actor === undefined ? {} : { actor }),
    report: (line) => logger.info(line, { release: release.release_id }),
  };
}

/** AWS General Reference, "Partitions": the beginning of a region tells it. */
function toPartition(region: string): string {
  if (region.startsWith("cn-")) return "aws-cn";
  return region.startsWith("us-gov-") ? "aws-us-gov" : "aws";
}
