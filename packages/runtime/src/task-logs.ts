import type { AwsAccess } from "@stackyard/aws";
import type { Clock, Records } from "@stackyard/core";
import type { Environment } from "./environment.ts";

/**
 * Opens the records for the whole logs of a runner's tasks. Undefined: in the store. All records of a DynamoDB store
 * are in one partition, which is too slow for logs, so without a bucket only their ends are kept there.
 */
export async function openTaskLogs(
  { taskLogs, store }: Pick<Environment, "taskLogs" | "store">,
  deps: { readonly aws: AwsAccess; readonly clock: Clock },
): Promise<Records | "none" | undefined> {
  if (taskLogs === undefined) return store?.kind === "dynamodb" ? "none" : undefined;
  const { openS3Logs } = await import("@stackyard/aws/s3");
  return openS3Logs(taskLogs, deps);
}
