import type { AccountNames, Clock, ExecutorDefinition, Logger, Random } from "@stackyard/core";
import type { EnvironmentVariables } from "@stackyard/core/environment";
import { systemClock } from "@stackyard/core/yard";
import { type ExecutorDefinitions, toExecutorDefinitions } from "../executor-definitions.ts";

/** A context with its defaults. */
export interface YardDeps extends Required<Omit<YardContext, "executors">> {
  readonly executors: ExecutorDefinitions;
}

/** Fills in the defaults. */
export function toYardDeps(context: YardContext): YardDeps {
  const { executors, sessionName = "stackyard", clock = systemClock, random = Math.random, ...given } = context;
  const { accounts = {} } = given;
  return { ...given, executors: toExecutorDefinitions(executors), sessionName, clock, random, accounts };
}

/** The environment from which a yard is accessed. */
export interface YardContext {
  /** Region, credentials and addresses of services are read from it. */
  readonly environment: EnvironmentVariables;
  readonly logger: Logger;
  /** Executors in addition to `terraform` and `lambda`, so that machines that use them are fully validated. */
  readonly executors?: readonly ExecutorDefinition[];
  /** The name of sessions in the yard's role. Default: `stackyard`. */
  readonly sessionName?: string;
  /** Default: the system's. */
  readonly clock?: Clock;
  /** Names of AWS accounts, for findings. Default: none. */
  readonly accounts?: AccountNames;
  /** Default: `Math.random`. */
  readonly random?: Random;
}
