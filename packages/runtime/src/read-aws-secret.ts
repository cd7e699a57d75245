import type { AwsAccess } from "@stackyard/aws";

/** Reads a secret of Secrets Manager in its own region. */
export async function readAwsSecret(arn: string, toAws: (region: string | undefined) => AwsAccess): Promise<string> {
  const [{ SecretsManagerClient }, { loadSecretText }, { toArnPart }] = await Promise.all([
    import("@aws-sdk/client-secrets-manager"),
    import("@stackyard/aws/secrets"),
    import("@stackyard/aws"),
  ]);
  const client = toAws(toArnPart(arn, 3) || undefined).client(SecretsManagerClient, undefined);
  return loadSecretText({ client, secretId: arn });
}
