import type { FailureType } from "./parse-pipeline-event.ts";

const CODES: readonly (readonly [FailureType, string])[] = [
  [
    "ConfigurationError",
    `USER_PARAMETERS_INVALID CONFIG_INVALID ARTIFACT_MISSING ARTIFACT_AMBIGUOUS ARTIFACT_UNUSABLE PROFILE_UNKNOWN
     PROFILE_PLATFORM EXECUTOR_UNKNOWN PAYLOAD_TOO_LARGE CHUNK_SIZE_INVALID TARGETS_INVALID INVALID_DOCUMENT
     INVALID_DOCUMENT_VERSION INVALID_PARAMETERS INVALID_OUTPUT_FOLDER INVALID_ROLE INVALID_NOTIFICATION_CONFIG
     MAX_DOCUMENT_SIZE_EXCEEDED UNSUPPORTED_PLATFORM_TYPE`,
  ],
  ["PermissionError", "ACCESS_DENIED ARTIFACT_ACCESS_DENIED FORBIDDEN UNAUTHENTICATED"],
  ["RevisionUnavailable", "ARTIFACT_NOT_FOUND"],
  [
    "SystemUnavailable",
    `SSM_THROTTLED AWS_UNAVAILABLE RATE_LIMITED UNREACHABLE SERVER_ERROR STORE_UNAVAILABLE STORE_LOCKED STORE_CLOSED
     FLEET_OUT_OF_TIME`,
  ],
];

const TYPES: ReadonlyMap<string, FailureType> = new Map(
  CODES.flatMap(([type, codes]) => codes.split(/\s+/).map((code): [string, FailureType] => [code, type])),
);

/** How CodePipeline is told of a failure with this code of ours: what is in no table is the job's own failure. */
export function toFailureType(code: string): FailureType {
  return TYPES.get(code) ?? "JobFailed";
}
