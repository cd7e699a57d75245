import { join } from "node:path";
import type { AwsAccess } from "@stackyard/aws";
import { type CalendarFiles, createCalendarFolder } from "@stackyard/core/services";
import type { BucketPlace, MachineSource } from "./environment.ts";

/** Opens the calendars of an app: the named ones, or the folder `calendars` where its machines are. Does not read yet. */
export async function openCalendars(source: BucketPlace | MachineSource, aws: AwsAccess): Promise<CalendarFiles> {
  if ("folder" in source) return createCalendarFolder(join(source.folder, "calendars"));
  const [{ createS3Calendars, toCalendarPrefix }, { S3Client }] = await Promise.all([
    import("@stackyard/aws/s3"),
    import("@aws-sdk/client-s3"),
  ]);
  const { bucket } = source;
  const prefix = "kind" in source ? toCalendarPrefix(source) : source.prefix;
  return createS3Calendars(aws.client(S3Client, undefined), { bucket, prefix });
}
