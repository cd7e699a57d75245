import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import {
  type AwsAccess,
  createAwsAccess,
  createLimiter,
  findEmulator,
  findRegion,
  type LambdaContext,
} from "@stackyard/aws";
import { type Clock, defined, type Logger } from "@stackyard/core";
import { systemClock } from "@stackyard/core/engine";
import type { EnvironmentVariables } from "@stackyard/core/environment";
import { createEcsTask, type EcsTaskDeps, type EcsTaskFunction } from "@stackyard/executor-ecs/custom-resource";
import { createDynamodbRecords } from "@stackyard/store-dynamodb";
import { createTelemetry, type Telemetry } from "@stackyard/telemetry";
import { loadSecret, parseSettings } from "./settings.ts";

/** The dependencies of the app. */
export interface CreateAppOptions {
  readonly environment: EnvironmentVariables;
  /** Clients of the SDK by region. Default: with the SDK's credentials. */
  readonly aws?: EcsTaskDeps["aws"];
  /** Default: the system's. */
  readonly clock?: Clock;
  /** Default: the process's `fetch` at the time of the call. */
  readonly fetch?: EcsTaskDeps["fetch"];
  /** Default: as the environment says. */
  readonly telemetry?: Pick<Telemetry, "logger" | "invoke">;
}

/** The function, once its telemetry is there. */
interface OpenedApp {
  readonly telemetry: Pick<Telemetry, "logger" | "invoke">;
  readonly made: EcsTaskFunction;
}

/** Creates the function from its environment. An invalid environment is also reported to CloudFormation. */
export function createApp(options: CreateAppOptions): EcsTaskFunction {
  const { environment, clock = systemClock } = options;
  let opened: Promise<OpenedApp> | undefined;

  async function open(): Promise<OpenedApp> {
    const telemetry = options.telemetry ?? (await createTelemetry({ service: "ecs-task", environment, clock }));
    return { telemetry, made: createEcsTask(toDeps(options, telemetry.logger, clock)) };
  }

  return {
    async handler(event, context) {
      opened ??= open();
      const { made, telemetry } = await opened;
      return telemetry.invoke(toFields(context), () => made.handler(event, context));
    },
  };
}

function toDeps(options: CreateAppOptions, logger: Logger, clock: Clock): EcsTaskDeps {
  const aws = options.aws ?? createRegionalAws(options.environment, clock, logger);
  const fetch: EcsTaskDeps["fetch"] = options.fetch ?? ((url, init) => globalThis.fetch(url, init));
  const common = { aws, fetch, clock, logger, emulator: findEmulator(options.environment, "S3") };
  try {
    const settings = parseSettings(options.environment);
    return {
      ...common,
      records: createDynamodbRecords({ client: aws(DynamoDBClient), table: settings.TABLE }),
      stateMachineArn: settings.STATE_MACHINE_ARN,
      physicalId: settings.PHYSICAL_ID,
      secret: () => loadSecret(aws(SecretsManagerClient), settings.RESPONSE_URL_SECRET),
    };
  } catch (error) {
    // The secret is loaded first, so each request is answered with the error.
    const refuse = () => Promise.reject(error);
    const records = { get: refuse, put: refuse, remove: refuse, list: refuse };
    return { ...common, records, stateMachineArn: "", secret: refuse };
  }
}

/** Clients of one process: for its own region, and for the regions of clusters. */
function createRegionalAws(environment: EnvironmentVariables, clock: Clock, logger: Logger): EcsTaskDeps["aws"] {
  const limiter = createLimiter({ clock });
  const own = findRegion(environment);
  const known = new Map<string, AwsAccess>();
  return (clientClass, region = own) => {
    const session = { name: "ecs-task" };
    const access =
      known.get(region ?? "") ?? createAwsAccess({ clock, limiter, logger, session, ...defined({ region }) });
    known.set(region ?? "", access);
    return access.client(clientClass, undefined);
  };
}

function toFields({ awsRequestId }: LambdaContext = {}): Readonly<Record<string, string>> {
  return defined({ invocationId: awsRequestId });
}
