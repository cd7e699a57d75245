import { execFile, spawnSync } from "node:child_process";
import { promisify } from "node:util";
import { CREDENTIALS, REGION } from "../aws/emulators.ts";

const run = promisify(execFile);

/** The version of the `aws` on the PATH; undefined if it does not run. */
export function findAwsProgram(): string | undefined {
  const { stdout, stderr, status } = spawnSync("aws", ["--version"], { encoding: "utf8" });
  // The first versions of the first line print it as an error.
  return status === 0 ? /aws-cli\/[0-9.]+/.exec(stdout || stderr)?.[0] : undefined;
}

/**
 * Brings a file from bucket to bucket through this machine. `s3 cp` between two buckets would have S3 copy it, and no byte would
 * go anywhere; so one of them reads into a pipe, and another one writes from it.
 */
export async function copyByAws(
  endpoint: string,
  { from, to, bytes }: { readonly from: string; readonly to: string; readonly bytes: number },
): Promise<void> {
  const script = 'set -e; aws s3 cp --quiet "$1" - | aws s3 cp --quiet --expected-size "$3" - "$2"';
  await run("sh", ["-c", script, "sh", from, to, String(bytes)], {
    env: {
      ...process.env,
      AWS_ENDPOINT_URL: endpoint,
      AWS_DEFAULT_REGION: REGION,
      AWS_EC2_METADATA_DISABLED: "true",
      AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
      AWS_CONFIG_FILE: "/dev/null",
      AWS_SHARED_CREDENTIALS_FILE: "/dev/null",
    },
  });
}
