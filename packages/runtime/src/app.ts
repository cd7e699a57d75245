import { type LambdaContext, runInvocation } from "@stackyard/aws";
import type { Clock, Ids, Random } from "@stackyard/core";
import type { EnvironmentVariables } from "@stackyard/core/environment";
import { createUlids, systemClock } from "@stackyard/core/yard";
import { createTelemetry, type Telemetry } from "@stackyard/telemetry";
import { toInvocationFields } from "./invocation-fields.ts";
import { createOnce } from "./once.ts";
import { runMain } from "./run-main.ts";

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
  readonly telemetry?: Telemetry;
}

/** Options with their defaults. */
export type AppHost = Required<Pick<AppOptions, "clock" | "ids" | "random">> & { readonly telemetry: Telemetry };

/** The input of an app: how it is made of its parts. */
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
 * Limits of calls within a function's time. The worker limits its calls: it aborts executors a minute before the end, or a quarter of a short
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
