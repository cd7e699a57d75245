import { GetSecretValueCommand, type SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { StackyardError } from "@stackyard/core";

/** A shorter text could be guessed. */
const MIN_LENGTH = 32;

/** The text of a secret. Throws `CONFIG_INVALID` for one that is too short to hide anything. */
export async function loadSecret(client: SecretsManagerClient, secretId: string): Promise<string> {
  const { SecretString = "" } = await client.send(new GetSecretValueCommand({ SecretId: secretId }));
  if (SecretString.length >= MIN_LENGTH) return SecretString;
  throw new StackyardError(
    "CONFIG_INVALID",
    `The secret of RESPONSE_URL_SECRET has less than ${MIN_LENGTH} characters. Let Secrets Manager generate it.`,
  );
}
