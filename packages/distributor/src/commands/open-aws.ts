import { LambdaClient } from "@aws-sdk/client-lambda";
import { S3Client } from "@aws-sdk/client-s3";
import { createAwsAccess, findUploadEncryption } from "@stackyard/aws";
import { StackyardError } from "@stackyard/core";
import { systemClock } from "@stackyard/core/engine";
import type { ArtifactAws, AwsPlace } from "./artifact-command.ts";

const ROLE = /^arn:(aws[a-z-]*):iam::([0-9]{12}):role\/.+$/;

/** Creates AWS clients with the user's credentials or a role. Makes no call. Throws `USAGE` for an invalid role ARN. */
export function openAws({ region, role, externalId, pathStyle: forcePathStyle = false }: AwsPlace): ArtifactAws {
  const access = createAwsAccess({
    clock: systemClock,
    session: { name: "stackyard-artifacts" },
    // biome-ignore lint/style/noProcessEnv: the SDK reads the other settings of these clients from it too
    uploads: findUploadEncryption(process.env),
    ...(region && { region }),
    // The bucket can be in another region.
    clientConfig: { followRegionRedirects: true, forcePathStyle },
  });
  if (role === undefined)
    return { s3: access.client(S3Client, undefined), lambda: access.client(LambdaClient, undefined) };
  const [, partition, account] = ROLE.exec(role) ?? [];
  if (partition === undefined || account === undefined || region === undefined) {
    throw new StackyardError("USAGE", `--role "${role}" is not a role ARN.`);
  }
  const target = { partition, account, region, role, ...(externalId && { externalId }) };
  return { s3: access.client(S3Client, target), lambda: access.client(LambdaClient, target) };
}
