import type { AwsAccess } from "@stackyard/aws";
import type { Clock, Locator, Logger } from "@stackyard/core";
import { createFolderLocator } from "@stackyard/core/engine";
import type { MachineSource } from "./environment/machine-source.ts";
import type { ExecutorDefinitions } from "./executor-definitions.ts";

/** What opening a locator needs. */
export interface OpenLocatorDeps {
  readonly aws: AwsAccess;
  readonly executors: ExecutorDefinitions;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Where machines are found. Reads nothing yet. */
export async function openLocator(
  source: MachineSource,
  { aws, executors, clock, logger }: OpenLocatorDeps,
): Promise<Locator> {
  const { cacheMs } = source;
  if (source.kind === "folder") return createFolderLocator({ folder: source.folder, executors, clock, cacheMs });
  const [{ createS3Locator }, { S3Client }] = await Promise.all([
    import("@stackyard/aws/s3"),
    import("@aws-sdk/client-s3"),
  ]);
  const { bucket, prefix } = source;
  const client = aws.client(S3Client, undefined);
  return createS3Locator({ client, bucket, prefix, cacheMs, executors, clock, logger });
}
