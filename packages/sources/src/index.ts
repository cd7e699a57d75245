export { type CopyOptions, copySource, type OpenS3, toSourceText } from "./copy-source.ts";
export {
  GitSourceConfig,
  LocalSourceConfig,
  S3SourceConfig,
  SOURCE_DOCUMENTS,
  SourceConfig,
} from "./definition.ts";
export type { S3Object, S3Source } from "./s3-source.ts";
export { SourceFailure, type SourceFault } from "./source-failure.ts";
export type { Leftovers } from "./source-parts.ts";
