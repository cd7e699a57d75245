import { once } from "node:events";
import { type LambdaContext, runInvocation } from "@stackyard/aws";
import { type Clock, defined, exitCodeOf, type Ids, isStackyardError, type Logger, type Random } from "@stackyard/core";
import { createUlids, systemClock } from "@stackyard/core/engine";
import type { EnvironmentVariables } from "@stackyard/core/environment";
import { createTelemetry, type Telemetry } from "@stackyard/telemetry";

/** The telemetry that an app emits. */
export type AppTelemetry = Telemetry;

/** One deployable part of a yard, in the three ways in which it runs. */
export interface App {
  /**
   * Handles Lambda events: batches of SQS queues, and for the state manager the schedule's event. Returns the messages
   * of a batch that must be delivered again. Rejects with `SERVER_ERROR` when that is all of them, with
   * `CONFIG_INVALID` while the environment is invalid, and with `EVENT_INVALID` for other events.
   */
  readonly handler: (event: unknown, context: LambdaContext) => Promise<unknown>;
  /**
   * Runs in a container or on a laptop: consumes until SIGTERM, SIGINT or the signal, drains, and returns the exit
   * code.
   */
  readonly main: (signal?: AbortSignal) => Promise<number>;
}

/** The options of every app. */
export interface AppOptions {
  /** An app passes `process.env`. Default: empty, which is refused with a list of required variables. */
  readonly environment?: EnvironmentVariables;
  /** Default: the system's. */
  readonly clock?: Clock;
  /** Default: ULIDs. */
  readonly ids?: Ids;
  /** Default: `Math.random`. */
  readonly random?: Random;
  /** Default: logs, metrics and traces as configured in the environment. */
  readonly telemetry?: AppTelemetry;
}

/** Options with their defaults. */
export type AppHost = Required<Pick<AppOptions, "clock" | "ids" | "random">> & { readonly telemetry: AppTelemetry };

/** How an app is made of its parts. */
interface AppInput<Parts> {
  readonly service: "state-manager" | "task-runner";
  /** Opens the parts, for Lambda or for a container. */
  open(host: AppHost, place: "function" | "container"): Promise<Parts>;
  /** Creates the function that Lambda calls. */
  createHandler(parts: Parts): (event: unknown, context?: LambdaContext) => Promise<unknown>;
  /** Works in a container until the signal, and drains. */
  run(parts: Parts, stopping: AbortSignal): Promise<void>;
  close(parts: Parts): Promise<void>;
  /** Opens the parts in Lambda before the first call. */
  readonly opensEarly?: boolean;
}

/**
 * Of a function's time. The worker limits its calls: it aborts executors a minute before the end, or a quarter of a short
 * invocation. A denial is final before that, so that it is the reported reason.
 */
const KEPT = { limitsCalls: false, afterDenialsMs: 65_000 };

/** Makes an app. Parts are opened once; what could not be opened is opened again by the next call. */
export function createApp<Parts>(options: AppOptions, input: AppInput<Parts>): App {
  const { environment = {}, clock = systemClock, ids = createUlids(), random = Math.random } = options;
  const telemetry = createOnce(
    async () => options.telemetry ?? createTelemetry({ service: input.service, environment, clock }),
  );
  const open = async (place: "function" | "container") =>
    input.open({ clock, ids, random, telemetry: await telemetry() }, place);
  const handling = createOnce(async () => input.createHandler(await open("function")));
  if (input.opensEarly === true) void handling().catch(() => undefined);
  return {
    async handler(event, context) {
      const { invoke } = await telemetry();
      const work = async () => (await handling())(event, context);
      return invoke(toInvocationFields(context), () => runInvocation(clock, context, work, KEPT));
    },
    async main(signal) {
      const told = await telemetry();
      const run = async (stopping: AbortSignal) => {
        const parts = await open("container");
        try {
          await input.run(parts, stopping);
        } finally {
          await input.close(parts);
          await told.flush();
        }
      };
      return runMain({ logger: told.logger, signal, run });
    },
  };
}

/**
 * Returns the id of an invocation for the log, as in Lambda's own lines. A handler that is called by hand may have no
 * context.
 */
export function toInvocationFields({ awsRequestId }: LambdaContext = {}): Readonly<Record<string, string>> {
  return defined({ requestId: awsRequestId });
}

/** Runs a function once: later calls share its result. After a failure the next call runs it again. */
export function createOnce<Value>(run: () => Promise<Value>): () => Promise<Value> {
  let value: Promise<Value> | undefined;
  return () => {
    value ??= run().catch((error: unknown) => {
      value = undefined;
      throw error;
    });
    return value;
  };
}

/** A long-lived process. */
interface MainInput {
  readonly logger: Logger;
  /** Stops it besides SIGTERM and SIGINT. */
  readonly signal: AbortSignal | undefined;
  /** Works until the signal, drains, and ends. */
  readonly run: (stopping: AbortSignal) => Promise<void>;
}

/**
 * Runs an app until it receives a stop signal. Returns 0 if it drained; otherwise logs the error and returns its exit
 * code.
 */
export async function runMain({ logger, signal, run }: MainInput): Promise<number> {
  const stopping = new AbortController();
  const stop = () => stopping.abort();
  for (const name of ["SIGTERM", "SIGINT"] as const) process.once(name, stop);
  try {
    await run(signal === undefined ? stopping.signal : AbortSignal.any([stopping.signal, signal]));
    return 0;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    logger.error(message, { error });
    return isStackyardError(error) ? exitCodeOf(error.code) : exitCodeOf("INTERNAL");
  } finally {
    for (const name of ["SIGTERM", "SIGINT"] as const) process.removeListener(name, stop);
  }
}

/** Resolves when the signal is aborted. */
export async function untilAborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, "abort");
}
