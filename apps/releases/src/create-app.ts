import {
  type AwsAccess,
  createAwsAccess,
  createLimiter,
  findRegion,
  findUploadEncryption,
  type LambdaContext,
  runInvocation,
  type SessionOptions,
} from "@stackyard/aws";
import { type Clock, defined, type Logger, type Random } from "@stackyard/core";
import { systemClock } from "@stackyard/core/engine";
import type { EnvironmentVariables } from "@stackyard/core/environment";
import { createReleases, type Releases } from "@stackyard/executor-asg/releases";
import { createTelemetry, type Telemetry } from "@stackyard/telemetry";
import { parseSettings, toReleaseConstants } from "./settings.ts";

/** The dependencies of the app. */
export interface CreateAppOptions {
  readonly environment: EnvironmentVariables;
  /** Returns access to AWS in a session with this name and these tags. Default: the SDK's region and credentials. */
  readonly access?: (session: SessionOptions) => AwsAccess;
  /** Default: the system's. */
  readonly clock?: Clock;
  /** Default: `Math.random`. */
  readonly random?: Random;
  /** Default: as the environment says. */
  readonly telemetry?: Pick<Telemetry, "logger" | "invoke">;
}

/** The function behind the state machine of releases. */
export interface ReleasesApp {
  /** Rejects with errors named after their class, which Lambda reports to Step Functions. */
  handler(event: unknown, context?: LambdaContext): Promise<unknown>;
}

/** Creates the function from its environment. If it is invalid, each call fails with `CONFIG_INVALID`. */
export function createApp(options: CreateAppOptions): ReleasesApp {
  const { environment, clock = systemClock } = options;
  let opened: Promise<Opened> | undefined;

  async function open(): Promise<Opened> {
    const telemetry = options.telemetry ?? (await createTelemetry({ service: "releases", environment, clock }));
    return { telemetry, made: make(options, telemetry.logger, clock) };
  }

  return {
    async handler(event, context) {
      opened ??= open();
      const { made, telemetry } = await opened;
      return telemetry.invoke(toFields(context), () => runInvocation(clock, context, () => made.handler(event)));
    },
  };
}

interface Opened {
  readonly made: Releases;
  readonly telemetry: Pick<Telemetry, "logger" | "invoke">;
}

/** Throttling alone must not fail a release: ten retries of each call, like the predecessor. */
const MAX_ATTEMPTS = 11;

function make({ environment, random = Math.random, access }: CreateAppOptions, logger: Logger, clock: Clock): Releases {
  const settings = parseSettings(environment);
  const { ACCOUNT_ID: account, SESSION_TAGS: hasSessionTags } = settings;
  const constants = toReleaseConstants(settings);
  const region = findRegion(environment) ?? "";
  // One for all sessions: quotas are the account's.
  const limiter = createLimiter({ clock });
  const uploads = findUploadEncryption(environment);
  const base = { clock, limiter, logger, region, maxAttempts: MAX_ATTEMPTS, uploads };
  const openAccess = access ?? ((session) => createAwsAccess({ ...base, session }));
  return createReleases({
    constants,
    bucket: settings.BUCKET ?? `${constants.bucketPrefix}${account}`,
    leaseMs: settings.LEASE_SECONDS * 1_000,
    ...defined({ lockTable: settings.LOCK_TABLE, externalId: settings.EXTERNAL_ID }),
    clock,
    random,
    logger,
    deployer: { account, region },
    access: ({ tags, ...session }) => openAccess(hasSessionTags && tags ? { ...session, tags } : session),
  });
}

function toFields({ awsRequestId }: LambdaContext = {}): Readonly<Record<string, string>> {
  return defined({ invocationId: awsRequestId });
}
