export type { MachinePlace } from "./machine-objects.ts";
export { createS3Locator, type S3LocatorOptions } from "./s3-locator.ts";
export { createS3Records, type S3RecordsOptions } from "./s3-records.ts";
