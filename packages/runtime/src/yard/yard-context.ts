import type { Clock, ExecutorDefinition, Logger, Random } from "@stackyard/core";
import { systemClock } from "@stackyard/core/engine";
import type { EnvironmentVariables } from "../app.ts";
import { type ExecutorDefinitions, toExecutorDefinitions } from "../executor-definitions.ts";

/** From where a yard is looked at. */
export interface YardContext {
  /** Region, credentials and addresses of services are read from it. */
  readonly environment: EnvironmentVariables;
  readonly logger: Logger;
  /** Executors beside `terraform` and `lambda`, so that machines that name them are judged in full. */
  readonly executors?: readonly ExecutorDefinition[];
  /** How sessions in the yard's role are named. Default: `stackyard`. */
  readonly sessionName?: string;
  /** Default: the system's. */
  readonly clock?: Clock;
  /** Default: `Math.random`. */
  readonly random?: Random;
}

/** A context with its defaults. */
export interface YardDeps {
  readonly environment: EnvironmentVariables;
  readonly logger: Logger;
  readonly executors: ExecutorDefinitions;
  readonly sessionName: string;
  readonly clock: Clock;
  readonly random: Random;
}

/** Fills in the defaults. */
export function toYardDeps(context: YardContext): YardDeps {
  const { executors, sessionName = "stackyard", clock = systemClock, random = Math.random, ...given } = context;
  return { ...given, executors: toExecutorDefinitions(executors), sessionName, clock, random };
}
