import { S3Client } from "@aws-sdk/client-s3";
import { SFNClient } from "@aws-sdk/client-sfn";
import { createAwsAccess } from "@stackyard/aws";
import { systemClock } from "@stackyard/core/engine";

/** What a client of a deployer under Step Functions calls. */
export interface DeployerAws {
  readonly s3: S3Client;
  readonly sfn: SFNClient;
}

/** AWS with the credentials of whoever types the command. Calls nothing yet. */
export function openDeployerAws(region: string): DeployerAws {
  const access = createAwsAccess({
    clock: systemClock,
    session: { name: "stackyard-release" },
    region,
    // The bucket lies where its releases go to, which need not be where the deployer runs.
    clientConfig: { followRegionRedirects: true },
  });
  return { s3: access.client(S3Client, undefined), sfn: access.client(SFNClient, undefined) };
}
