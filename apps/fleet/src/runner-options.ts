import type { EnvironmentVariables } from "@stackyard/runtime";

/** What the environment says of the executor `runcommand`. */
export function toRunnerOptions({ FLEET_REPORT_URL: reportUrl }: EnvironmentVariables): {
  readonly reportUrl?: string;
} {
  return reportUrl ? { reportUrl } : {};
}
