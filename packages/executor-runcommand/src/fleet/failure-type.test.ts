import { describe, expect, it } from "vitest";
import { toFailureType } from "./failure-type.ts";

describe("toFailureType", () => {
  it.each([
    ["USER_PARAMETERS_INVALID", "ConfigurationError"],
    ["ARTIFACT_MISSING", "ConfigurationError"],
    ["ARTIFACT_AMBIGUOUS", "ConfigurationError"],
    ["PROFILE_UNKNOWN", "ConfigurationError"],
    ["CONFIG_INVALID", "ConfigurationError"],
    ["INVALID_DOCUMENT", "ConfigurationError"],
    ["ACCESS_DENIED", "PermissionError"],
    ["FORBIDDEN", "PermissionError"],
    ["ARTIFACT_NOT_FOUND", "RevisionUnavailable"],
    ["SSM_THROTTLED", "SystemUnavailable"],
    ["AWS_UNAVAILABLE", "SystemUnavailable"],
    ["RATE_LIMITED", "SystemUnavailable"],
    ["STORE_UNAVAILABLE", "SystemUnavailable"],
    ["NO_INSTANCES", "JobFailed"],
    ["COMMAND_FAILED", "JobFailed"],
    ["CONTINUATION_INVALID", "JobFailed"],
    ["SSM_AGENT_TIMEOUT", "JobFailed"],
    ["INTERNAL", "JobFailed"],
    ["constructor", "JobFailed"],
    ["", "JobFailed"],
  ])("tells %s as %s", (code, type) => {
    expect(toFailureType(code)).toBe(type);
  });
});
