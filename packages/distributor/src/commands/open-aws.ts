import { LambdaClient } from "@aws-sdk/client-lambda";
import { S3Client } from "@aws-sdk/client-s3";
import { createAwsAccess } from "@stackyard/aws";
import { StackyardError } from "@stackyard/core";
import { systemClock } from "@stackyard/core/engine";
import type { ArtifactAws, AwsPlace } from "./artifact-command.ts";

const ROLE = /^arn:(aws[a-z-]*):iam::([0-9]{12}):role\/.+$/;

/** AWS as whoever types the command, or in a role. Calls nothing yet. Throws `USAGE` for what can be no role. */
export function openAws({ region, role, externalId, pathStyle: forcePathStyle = false }: AwsPlace): ArtifactAws {
  const access = createAwsAccess({
    clock: systemClock,
    session: { name: "stackyard-artifacts" },
    ...(region && { region }),
    // A bucket may lie elsewhere than the region that was said.
    clientConfig: { followRegionRedirects: true, forcePathStyle },
  });
  if (role === undefined)
    return { s3: access.client(S3Client, undefined), lambda: access.client(LambdaClient, undefined) };
  const [, partition, account] = ROLE.exec(role) ?? [];
  if (partition === undefined || account === undefined || region === undefined) {
    throw new StackyardError("USAGE", `--role "${role}" is no ARN of a role.`);
  }
  const target = { partition, account, region, role, ...(externalId && { externalId }) };
  return { s3: access.client(S3Client, target), lambda: access.client(LambdaClient, target) };
}
