import { type AwsAccess, createAwsAccess, createLimiter, findEmulator, findUploadEncryption } from "@stackyard/aws";
import { createJsonLogger } from "@stackyard/consumer/function";
import { type Clock, type Logger, silentLogger } from "@stackyard/core";
import { systemClock } from "@stackyard/core/engine";
import type { EnvironmentVariables } from "@stackyard/core/environment";
import { readCommonSettings } from "./settings.ts";

/** The parts that the functions of one process share. */
export interface ProcessParts {
  readonly environment: EnvironmentVariables;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly access: (region: string) => AwsAccess;
}

/** The shortest session that STS allows ("AssumeRole", `DurationSeconds`); it is long enough to start a state machine. */
const SESSION_SECONDS = 900;

/** Creates the parts, once per process. */
export function createProcessParts(environment: EnvironmentVariables): ProcessParts {
  const clock = systemClock;
  const { level, account, region: ownRegion } = readCommonSettings(environment);
  const logger = createJsonLogger({
    clock,
    level,
    write: (line) => void process.stdout.write(line),
  });
  const limiter = createLimiter({ clock });
  const name = `stackyard-${account}-${ownRegion}`;
  const session = { name, seconds: SESSION_SECONDS };
  const clientConfig = {
    // Without a logger, the SDK writes to the console what it cannot send again.
    logger: silentLogger,
    // Emulators do not have DNS names for buckets.
    ...(findEmulator(environment, "S3") === undefined ? {} : { forcePathStyle: true }),
    // URLs of queues name hosts of AWS, which the SDK prefers to an address from the environment.
    ...(findEmulator(environment, "SQS") === undefined ? {} : { useQueueUrlAsEndpoint: false }),
  };
  return {
    environment,
    clock,
    logger,
    access: (region) =>
      createAwsAccess({
        clock,
        limiter,
        logger,
        region,
        session,
        clientConfig,
        uploads: findUploadEncryption(environment),
      }),
  };
}
