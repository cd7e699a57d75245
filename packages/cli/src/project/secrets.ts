import { resolve } from "node:path";
import type { AwsAccess } from "@stackyard/aws";
import { type SecretReference, silentLogger } from "@stackyard/core";
import { systemClock } from "@stackyard/core/engine";
import { createSecretReader } from "@stackyard/core/services";
import type { ConfigFile } from "./config.ts";

/** The dependencies that open the parts of a server on AWS. */
export interface AwsDeps {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Creates access to AWS in a region; undefined: that of the SDK. */
  readonly createAws: (region: string | undefined) => AwsAccess;
}

/**
 * Creates the reader of secrets for a project's plugins. Relative files are those of the project's folder. Secrets in AWS
 * are read as this machine reaches it, unless `createAws` is given.
 */
export function createProjectSecrets(
  { projectDir }: Pick<ConfigFile, "projectDir">,
  { env, createAws }: Pick<AwsDeps, "env"> & Partial<AwsDeps>,
): (reference: SecretReference) => Promise<string> {
  return createSecretReader({
    environment: env,
    resolvePath: (path) => resolve(projectDir, path),
    async readAwsSecret(arn) {
      const { SecretsManagerClient } = await import("@aws-sdk/client-secrets-manager");
      const { loadSecretText } = await import("@stackyard/aws/secrets");
      const { toArnPart } = await import("@stackyard/aws");
      const region = toArnPart(arn, 3) || undefined;
      const client = (await toAws(createAws, region)).client(SecretsManagerClient, undefined);
      return loadSecretText({ client, secretId: arn });
    },
  });
}

async function toAws(createAws: AwsDeps["createAws"] | undefined, region: string | undefined): Promise<AwsAccess> {
  if (createAws !== undefined) return createAws(region);
  // Loaded only for a secret in AWS: most commands need none.
  const { createOwnAwsAccess } = await import("../yard/own-aws-access.ts");
  return createOwnAwsAccess({ clock: systemClock, logger: silentLogger }, region);
}
