import type { AwsAccess } from "@stackyard/aws";
import type { Clock, Locator, Logger } from "@stackyard/core";
import { createFolderLocator } from "@stackyard/core/yard";
import type { MachineSource } from "./environment.ts";
import type { ExecutorDefinitions } from "./executor-definitions.ts";

/** Dependencies of opening a locator. */
interface OpenLocatorDeps {
  readonly aws: AwsAccess;
  readonly executors: ExecutorDefinitions;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Opens the locator of machines. Does not read yet. */
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
