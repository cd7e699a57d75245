import { type AwsAccess, createAwsAccess, createLimiter, findEmulator } from "@stackyard/aws";
import { createJsonLogger, type LogLevel } from "@stackyard/consumer/function";
import { type Clock, type Logger, silentLogger } from "@stackyard/core";
import { systemClock } from "@stackyard/core/engine";
import type { EnvironmentVariables } from "@stackyard/core/environment";

/** What the functions of one process share. */
export interface ProcessParts {
  readonly environment: EnvironmentVariables;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly access: (region: string) => AwsAccess;
}

/** The shortest session that STS begins ("AssumeRole", `DurationSeconds`); one start of a state machine needs no longer one. */
const SESSION_SECONDS = 900;

/** Made once a process. */
export function createProcessParts(environment: EnvironmentVariables): ProcessParts {
  const clock = systemClock;
  const logger = createJsonLogger({
    clock,
    level: toLevel(environment["LOG_LEVEL"]),
    write: (line) => void process.stdout.write(line),
  });
  const limiter = createLimiter({ clock });
  const name = `stackyard-${environment["CONSUMER_ACCOUNT_ID"] ?? ""}-${environment["CONSUMER_REGION"] ?? ""}`;
  const session = { name, seconds: SESSION_SECONDS };
  const clientConfig = {
    // Without one the SDK writes to the console what it cannot send again.
    logger: silentLogger,
    // Emulators have no names of buckets in the DNS.
    ...(findEmulator(environment, "S3") === undefined ? {} : { forcePathStyle: true }),
  };
  return {
    environment,
    clock,
    logger,
    access: (region) => createAwsAccess({ clock, limiter, logger, region, session, clientConfig }),
  };
}

function toLevel(text: string | undefined): LogLevel {
  return text === "debug" || text === "warn" || text === "error" ? text : "info";
}
