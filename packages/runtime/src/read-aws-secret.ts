import type { AwsAccess } from "@stackyard/aws";
import type { EnvironmentVariables } from "@stackyard/core/environment";
import { createSecretReader } from "@stackyard/core/services";

/** Creates a reader of secrets in variables, files and Secrets Manager; `toAws` gives access to a region. */
export function createEnvironmentSecrets(
  environment: EnvironmentVariables,
  resolvePath: (path: string) => string,
  toAws: (region: string | undefined) => AwsAccess,
) {
  return createSecretReader({ environment, resolvePath, readAwsSecret: (arn) => readAwsSecret(arn, toAws) });
}

/** Reads a secret of Secrets Manager in its own region. */
async function readAwsSecret(arn: string, toAws: (region: string | undefined) => AwsAccess): Promise<string> {
  const [{ SecretsManagerClient }, { loadSecretText }, { toArnPart }] = await Promise.all([
    import("@aws-sdk/client-secrets-manager"),
    import("@stackyard/aws/secrets"),
    import("@stackyard/aws"),
  ]);
  const client = toAws(toArnPart(arn, 3) || undefined).client(SecretsManagerClient, undefined);
  return loadSecretText({ client, secretId: arn });
}
