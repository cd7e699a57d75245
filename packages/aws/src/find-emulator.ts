import type { EnvironmentVariables } from "@stackyard/core/environment";

/**
 * Where an emulator of AWS answers for a service such as `S3`, as the SDK is told it by `AWS_ENDPOINT_URL_S3` and
 * `AWS_ENDPOINT_URL`. Only an address over plain http is an emulator's: AWS is reached over https. Undefined: there is none.
 */
export function findEmulator(environment: EnvironmentVariables, service: string): string | undefined {
  const { AWS_ENDPOINT_URL: all, AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: isIgnored } = environment;
  const endpoint = environment[`AWS_ENDPOINT_URL_${service}`] || all || "";
  return isIgnored !== "true" && /^http:/i.test(endpoint) && URL.canParse(endpoint) ? endpoint : undefined;
}
