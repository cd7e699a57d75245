import { toArnPart } from "@stackyard/aws";
import type { Clock, Logger, ProvidedService } from "@stackyard/core";
import { provideArtifactArrivals, toArtifactArrivals } from "@stackyard/core/services";
import type { CallDistributor } from "@stackyard/sdk/artifacts";
import type { Environment } from "./environment.ts";
import { createEnvironmentAws } from "./environment-aws.ts";

/** Where the distributor is, and what calls it. */
interface ArrivalsDeps {
  readonly environment: Environment;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A step of a gate repeats within a minute: it does not wait longer for an answer. */
const ANSWER_MS = 25_000;

/**
 * Returns what executors learn of the distributor of build artifacts; nothing when the environment names none. Loads
 * nothing before the first question. The function is called in the region of its ARN.
 */
export function provideArrivals(deps: ArrivalsDeps): readonly ProvidedService[] {
  const { distributor } = deps.environment.tasks;
  if (distributor === undefined) return [];
  let opened: Promise<CallDistributor> | undefined;
  const arrivals = toArtifactArrivals(async (artifact) => {
    opened ??= openDistributor(deps, distributor);
    return (await opened)({ op: "coverage", ...artifact });
  });
  return [provideArtifactArrivals(arrivals)];
}

async function openDistributor(
  { environment, clock, logger }: ArrivalsDeps,
  functionName: string,
): Promise<CallDistributor> {
  const { LambdaClient } = await import("@aws-sdk/client-lambda");
  const { createLambdaCall } = await import("@stackyard/sdk/artifacts");
  const region = toArnPart(functionName, 3) || environment.region;
  const session = { name: `task-runner-${environment.yard}` };
  const aws = createEnvironmentAws({ environment: { ...environment, region }, session, clock, logger });
  return createLambdaCall({ client: aws.client(LambdaClient, undefined), functionName, timeoutMs: ANSWER_MS });
}
