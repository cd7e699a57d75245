import type { Clock, Ids, Random } from "@stackyard/core";
import type { AppTelemetry } from "./telemetry.ts";

/** What a Lambda function is called with beside its event; what is read of it. */
export interface LambdaContext {
  readonly awsRequestId?: string;
  readonly functionName?: string;
  getRemainingTimeInMillis(): number;
}

/** One deployable part of a yard, in the three ways in which it runs. */
export interface App {
  /**
   * In Lambda: batches of SQS queues, and for the state manager the schedule's event. Answers a batch with the messages that
   * must come again. Rejects with `SERVER_ERROR` when that is all of them, with `CONFIG_INVALID` while the environment is
   * wrong, and with `EVENT_INVALID` for other events.
   */
  readonly handler: (event: unknown, context: LambdaContext) => Promise<unknown>;
  /** In a container or on a laptop: consumes until SIGTERM, SIGINT or the signal, drains, and gives the exit code. */
  readonly main: (signal?: AbortSignal) => Promise<number>;
}

/** Environment variables by name. */
export type EnvironmentVariables = Readonly<Record<string, string | undefined>>;

/** What every app takes. */
export interface AppOptions {
  /** An app passes `process.env`. Default: none are set, which is refused with a list of what is needed. */
  readonly environment?: EnvironmentVariables;
  /** Default: the system's. */
  readonly clock?: Clock;
  /** Default: ULIDs. */
  readonly ids?: Ids;
  /** Default: `Math.random`. */
  readonly random?: Random;
  /** Default: logs, metrics and traces as the environment says. */
  readonly telemetry?: AppTelemetry;
}
