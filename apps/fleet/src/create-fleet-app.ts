import { createAwsAccess, findRegion, type LambdaContext, runInvocation } from "@stackyard/aws";
import { type Clock, defined, type Target } from "@stackyard/core";
import { systemClock } from "@stackyard/core/engine";
import { runCommandDefinition } from "@stackyard/executor-runcommand/definition";
import {
  createFleet,
  type FleetApp,
  type FleetDeps,
  type FleetSettings,
  failJob,
} from "@stackyard/executor-runcommand/fleet";
import {
  createOnce,
  type EnvironmentVariables,
  type OpenedJobs,
  type OpenJobsOptions,
  openJobs,
} from "@stackyard/runtime";
import { createTelemetry, type Telemetry } from "@stackyard/telemetry";
import { parseFleetSettings } from "./fleet-settings.ts";

/** The dependencies of the app. */
export interface FleetAppOptions {
  readonly environment: EnvironmentVariables;
  /** Opens the jobs. Default: the yard in the environment. */
  readonly open?: (input: OpenJobsOptions) => Promise<OpenedJobs>;
  /** Reads artifacts with the credentials of a job. Default: S3 in the app's region. */
  readonly openArtifactS3?: FleetDeps["openArtifactS3"];
  /** For results of jobs that could not be started. Default: CodePipeline in the app's region. */
  readonly aws?: FleetDeps["aws"]["own"];
  readonly clock?: Clock;
  readonly telemetry?: Pick<Telemetry, "logger" | "invoke">;
}

/**
 * Creates the handler of fleets, for the yard in its environment. A job gets a result even if the yard cannot be
 * opened.
 */
export function createFleetApp(options: FleetAppOptions): FleetApp {
  const { environment, clock = systemClock } = options;
  const telemetry = createOnce(
    async () => options.telemetry ?? (await createTelemetry({ service: "fleet", environment, clock })),
  );
  const fleet = createOnce(async () => openFleet(options, (await telemetry()).logger));
  return {
    async handler(event, context) {
      const { invoke } = await telemetry();
      return invoke(toFields(context), () => runInvocation(clock, context, () => handle(event, context)));
    },
  };

  async function handle(event: unknown, context: LambdaContext | undefined) {
    let opened: FleetApp;
    try {
      opened = await fleet();
    } catch (error) {
      const { logger } = await telemetry();
      const outcome = await failJob({ logger, clock, aws: { own: options.aws ?? ownAws } }, event, error);
      if (outcome === undefined) throw error;
      return outcome;
    }
    // It reports each job's result itself; Lambda repeats events for which it throws.
    return opened.handler(event, context);
  }
}

async function openFleet(options: FleetAppOptions, logger: Telemetry["logger"]): Promise<FleetApp> {
  const { environment, clock = systemClock, open = openJobs } = options;
  const { openArtifactS3 = createArtifactS3(environment, clock) } = options;
  const settings = parseFleetSettings(environment);
  const opened = await open({ app: "fleet", environment, executors: [runCommandDefinition], logger, clock });
  const { jobs: runs, records, aws } = opened;
  return createFleet({
    runs,
    records,
    clock,
    logger,
    settings,
    write: (line) => void process.stdout.write(line),
    openArtifactS3,
    aws: { own: aws, fleet: toFleetAws(aws, settings) },
  });
}

/** Returns the clients of EC2 and Auto Scaling in the account and region of the fleet. */
function toFleetAws(aws: OpenedJobs["aws"], { target }: FleetSettings): FleetDeps["aws"]["fleet"] {
  if (target === undefined) return aws;
  const { account, region, partition, role } = target;
  const place: Target = { account, region, partition: String(partition), role: String(role) };
  return { client: (Client, other) => aws.client(Client, other ?? place) };
}

/** Creates S3 for artifacts. An emulator is addressed by path. */
function createArtifactS3(environment: EnvironmentVariables, clock: Clock): FleetDeps["openArtifactS3"] {
  const { AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL } = environment;
  const endpoint = AWS_ENDPOINT_URL_S3 || AWS_ENDPOINT_URL;
  const region = findRegion(environment);
  return async (credentials) => {
    const { S3Client } = await import("@aws-sdk/client-s3");
    const clientConfig = { followRegionRedirects: true, ...(endpoint ? { endpoint, forcePathStyle: true } : {}) };
    const session = { name: "stackyard-fleet" };
    // The credentials of a job are minutes old, so that their denial is final.
    const options = { clock, session, credentials, clientConfig, retriesDenials: false };
    const access = createAwsAccess({ ...options, ...defined({ region }) });
    return access.client(S3Client, undefined);
  };
}

/** With the SDK's region and credentials: nothing else is known if the environment is invalid. */
const ownAws: FleetDeps["aws"]["own"] = { client: (Client) => new Client({} as never) };

function toFields({ awsRequestId }: LambdaContext = {}): Readonly<Record<string, string>> {
  return defined({ requestId: awsRequestId });
}
