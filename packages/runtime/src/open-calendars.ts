import { join } from "node:path";
import type { AwsAccess } from "@stackyard/aws";
import { type CalendarFiles, createCalendarFolder } from "@stackyard/core/services";
import type { MachineSource } from "./environment.ts";

/** Opens the calendars of a yard: the folder `calendars` where its machines are. Does not read yet. */
export async function openCalendars(source: MachineSource, aws: AwsAccess): Promise<CalendarFiles> {
  if (source.kind === "folder") return createCalendarFolder(join(source.folder, "calendars"));
  const [{ createS3Calendars }, { S3Client }] = await Promise.all([
    import("@stackyard/aws/s3"),
    import("@aws-sdk/client-s3"),
  ]);
  const { bucket, prefix } = source;
  return createS3Calendars(aws.client(S3Client, undefined), { bucket, prefix });
}
