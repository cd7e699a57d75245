export { toCalendarPrefix } from "./calendar-prefix.ts";
export { createS3Calendars } from "./s3-calendars.ts";
export { createS3Locator, type MachinePlace, type S3LocatorOptions } from "./s3-locator.ts";
export { checkS3Logs, type LogPlace, type LogPlaceFacts, openS3Logs, type S3LogsDeps } from "./s3-logs.ts";
export { createS3Records, type S3RecordsOptions } from "./s3-records.ts";
