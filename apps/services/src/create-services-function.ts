import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { S3Client } from "@aws-sdk/client-s3";
import { type LambdaContext, runInvocation } from "@stackyard/aws";
import { type Clock, defined, isMap, type Logger, StackyardError } from "@stackyard/core";
import { systemClock } from "@stackyard/core/engine";
import { createServiceRunner, type ServiceRunner } from "@stackyard/core/services";
import { type EnvironmentVariables, type OpenedServices, openServices } from "@stackyard/runtime";
import { createServicesApp, type ServicesApp } from "@stackyard/server/services";
import { createTelemetry, type Telemetry } from "@stackyard/telemetry";
import { type HttpEvent, type HttpResult, isHttpEvent, toRequest, toResult } from "./http-event.ts";
import { CONFIG, loadServices } from "./load-services.ts";
import { createProjectFiles } from "./project-files.ts";
import { parseSettings } from "./settings.ts";

/** The parts of the function. */
export interface ServicesFunctionOptions {
  readonly environment: EnvironmentVariables;
  /** Where copies of the project's files are kept. Default: a folder for temporary files. */
  readonly folder?: string;
  readonly clock?: Clock;
  readonly telemetry?: Pick<Telemetry, "logger" | "invoke">;
}

/** The function that runs the services of a yard. */
export interface ServicesFunction {
  /** Answers requests and ticks. Rejects with `EVENT_INVALID` for other events, and with `CONFIG_INVALID`. */
  readonly handler: (event: unknown, context?: LambdaContext) => Promise<HttpResult | undefined>;
}

/** Before the end of an invocation nothing new is begun. */
const SPARE_MS = 8_000;
const DEFAULT_LEFT_MS = 60_000;
/** Hosts wait ten seconds for an answer ("Best practices for using webhooks", GitHub). */
const ANSWER_MS = 6_000;
/** The request's work is begun at once; what takes longer is done by the next tick. */
const AFTER_REQUEST_MS = 1_500;
const UPDATE_MS = 60_000;
/** A call without an answer ends while there is time to say so: in the answer to a request, or before the other due work. */
const KEPT_OF_REQUEST = { callMs: 3_000 };
const KEPT_OF_TICK = { callMs: 15_000 };

/** Creates the function for the yard in its environment. What cannot be opened is opened again by the next invocation. */
export function createServicesFunction(options: ServicesFunctionOptions): ServicesFunction {
  const { environment, clock = systemClock } = options;
  let telemetry: Promise<Pick<Telemetry, "logger" | "invoke">> | undefined;
  let opened: Promise<ServicesProcess> | undefined;
  const open = (logger: Logger) => {
    opened ??= openProcess({ ...options, clock, logger }).catch((error: unknown) => {
      opened = undefined;
      throw error;
    });
    return opened;
  };
  return {
    async handler(event, context = {}) {
      telemetry ??= Promise.resolve(options.telemetry ?? createTelemetry({ service: "services", environment, clock }));
      const { logger, invoke } = await telemetry;
      const stopAt = clock.now() + (context.getRemainingTimeInMillis?.() ?? DEFAULT_LEFT_MS) - SPARE_MS;
      const isHttp = isHttpEvent(event);
      const work = async () => {
        const isTick = isMap(event) && event["detail-type"] === "Scheduled Event";
        if (!isHttp && !isTick) throw new StackyardError("EVENT_INVALID", "Unsupported event type.");
        const running = await open(logger);
        const services = await running.load();
        if (isHttp) return answer(running, services, { event, stopAt });
        await services.runner.tickUntil(stopAt);
        await running.yard.sendEvents(clock.now() + SPARE_MS / 2);
        return undefined;
      };
      const kept = isHttp ? KEPT_OF_REQUEST : KEPT_OF_TICK;
      return invoke(defined({ requestId: context.awsRequestId }), () => runInvocation(clock, context, work, kept));
    },
  };
}

interface Services {
  readonly runner: ServiceRunner;
  readonly app: ServicesApp;
}

/** The memory of an instance of the function between invocations. */
interface ServicesProcess {
  readonly yard: OpenedServices;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Returns the services by the newest configuration. */
  load(): Promise<Services>;
}

type ProcessInput = Required<Pick<ServicesFunctionOptions, "environment" | "clock">> & {
  readonly folder?: string;
  readonly logger: Logger;
};

async function openProcess(input: ProcessInput): Promise<ServicesProcess> {
  const { environment, clock, logger, folder = join(tmpdir(), "stackyard-project") } = input;
  const { PROJECT_BUCKET: bucket, PROJECT_PREFIX: prefix } = parseSettings(environment);
  const resolvePath = (path: string) => resolve(folder, path);
  const yard = await openServices({ environment, logger, clock, resolvePath });
  const files = createProjectFiles({ client: yard.aws.client(S3Client, undefined), bucket, prefix, folder });
  let kept: Services | undefined;
  let isStale = true;
  let updatedAt = Number.NEGATIVE_INFINITY;

  async function update(): Promise<Services> {
    isStale = (await files.update()).includes(CONFIG) || isStale;
    if (!isStale && kept !== undefined) return kept;
    const services = await loadServices({ projectDir: folder, dataDir: folder, environment });
    const runner = createServiceRunner(yard.deps, services);
    await kept?.runner.stop();
    isStale = false;
    return { runner, app: createServicesApp(services, { runner, logger, requestMs: ANSWER_MS }) };
  }

  return {
    yard,
    clock,
    logger,
    async load() {
      if (kept !== undefined && clock.now() - updatedAt < UPDATE_MS) return kept;
      try {
        kept = await update();
      } catch (error) {
        if (kept === undefined) throw error;
        logger.error("The project's files cannot be used. The services continue with the previous ones.", { error });
      }
      updatedAt = clock.now();
      return kept;
    },
  };
}

async function answer(
  { yard, clock, logger }: ServicesProcess,
  { runner, app }: Services,
  { event, stopAt }: { readonly event: HttpEvent; readonly stopAt: number },
): Promise<HttpResult> {
  const { requestId, http } = event.requestContext;
  const response = await app(toRequest(event), { requestId, address: http.sourceIp });
  // Links are opened by programs too, which must cause no work.
  if (response.ok && http.method !== "GET") {
    try {
      await runner.tickUntil(Math.min(clock.now() + AFTER_REQUEST_MS, stopAt));
      await yard.sendEvents(stopAt);
    } catch (error) {
      // The request is stored, so the next tick does its work.
      logger.error("What follows from a request failed. The next tick repeats it.", { error });
    }
  }
  return toResult(response);
}
