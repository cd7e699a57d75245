import { CloudFormationClient } from "@aws-sdk/client-cloudformation";
import { S3Client } from "@aws-sdk/client-s3";
import { type Clock, type PluginCommandContext, StackyardError, silentLogger } from "@stackyard/core";
import { systemClock } from "@stackyard/core/engine";
import { createYardAws } from "@stackyard/runtime/yard";

/** AWS, as the commands use it. */
export interface AppsAws {
  readonly s3: S3Client;
  readonly cloudFormation: CloudFormationClient;
  readonly clock: Clock;
}

/**
 * AWS of a yard, as the configuration says (region, profile, role); for a yard that it does not name, as the SDK finds it.
 * Calls nothing yet. Throws `CONFIG_INVALID`, also for a yard that is no place in AWS.
 */
export function openAppsAws(
  { environment, yards }: Pick<PluginCommandContext, "environment" | "yards">,
  yardName: string,
): AppsAws {
  const yard = Object.hasOwn(yards, yardName) ? yards[yardName] : undefined;
  if (yard !== undefined && !("type" in yard)) {
    const hint = 'Name one with `type: "aws"` by --yard, or take it out of the configuration.';
    const message = `The yard "${yardName}" is a server's address, and nothing can be deployed to that.`;
    throw new StackyardError("CONFIG_INVALID", message, { details: { hint } });
  }
  const context = { environment, logger: silentLogger, sessionName: "stackyard-apps" };
  const access = createYardAws(yard ?? { type: "aws" }, context);
  return {
    s3: access.client(S3Client, undefined),
    cloudFormation: access.client(CloudFormationClient, undefined),
    clock: systemClock,
  };
}
