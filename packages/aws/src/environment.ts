import type { EnvironmentVariables } from "@stackyard/core/environment";

/** Returns a part of an ARN, such as its region (3) or account (4): `arn:partition:service:region:account:…`. */
export function toArnPart(arn: string, index: number): string {
  return arn.split(":")[index] ?? "";
}

/** Returns the region of the environment, or undefined if the variables of the SDK are not set. */
export function findRegion({ AWS_REGION, AWS_DEFAULT_REGION }: EnvironmentVariables): string | undefined {
  return AWS_REGION || AWS_DEFAULT_REGION || undefined;
}

/**
 * Finds the address of an AWS emulator for a service such as `S3`, from `AWS_ENDPOINT_URL_S3` and `AWS_ENDPOINT_URL`.
 * Only plain http addresses count: AWS uses https. Undefined if none is set.
 */
export function findEmulator(environment: EnvironmentVariables, service: string): string | undefined {
  const { AWS_ENDPOINT_URL: all, AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: isIgnored } = environment;
  const endpoint = environment[`AWS_ENDPOINT_URL_${service}`] || all || "";
  return isIgnored !== "true" && /^http:/i.test(endpoint) && URL.canParse(endpoint) ? endpoint : undefined;
}
