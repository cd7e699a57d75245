import type { AwsAccess } from "@stackyard/aws";
import type { Records } from "@stackyard/core";
import { systemClock } from "@stackyard/core/engine";
import { type Finding, look, ok, warn } from "@stackyard/sdk/commands";
import { failWith } from "../failure.ts";
import type { ConfigFile } from "../project/config.ts";

/** Opens the bucket of whole logs that the configuration names; undefined: they are in the store. Throws `CONFIG_INVALID`. */
export async function openLogs({ config: { logs } }: ConfigFile, aws: AwsAccess): Promise<Records | undefined> {
  if (logs === undefined) return undefined;
  const { openS3Logs } = await loadS3();
  return openS3Logs(logs, { aws, clock: systemClock });
}

/** Checks that the bucket of full logs can be read, and that its objects expire. Changes nothing. */
export async function checkLogs({ config: { logs } }: ConfigFile, aws: AwsAccess): Promise<readonly Finding[]> {
  if (logs === undefined) return [];
  return look("logs", "Correct `logs` in the configuration, or the permissions on the bucket.", async () => {
    const { checkS3Logs } = await loadS3();
    const { address, isCleaned } = await checkS3Logs(logs, { aws, clock: systemClock });
    if (isCleaned !== false) return [ok("logs", address)];
    const hint = "Add a lifecycle rule to the bucket that expires objects with this prefix after 7 days.";
    return [warn("logs", `No lifecycle rule removes the logs in ${address}.`, hint)];
  });
}

/** Loads the SDK of S3, only if the configuration needs it. Throws `CONFIG_INVALID`. */
async function loadS3() {
  try {
    return await import("@stackyard/aws/s3");
  } catch (cause) {
    const message = "`logs` needs the package @aws-sdk/client-s3, which is not installed.";
    const hint = "Install it with `npm install @aws-sdk/client-s3`, next to stackyard.";
    throw failWith("CONFIG_INVALID", message, { cause, hint });
  }
}
