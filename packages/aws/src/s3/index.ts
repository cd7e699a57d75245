export { createS3Locator, type MachinePlace, type S3LocatorOptions } from "./s3-locator.ts";
export { createS3Records, type S3RecordsOptions } from "./s3-records.ts";
