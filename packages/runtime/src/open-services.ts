import type { AwsAccess } from "@stackyard/aws";
import type { Clock, Ids, Logger, Random } from "@stackyard/core";
import type { EnvironmentVariables } from "@stackyard/core/environment";
import type { YardServicesDeps } from "@stackyard/core/services";
import { createOutboxRelay, createUlids, systemClock } from "@stackyard/core/yard";
import { createSqsTransport } from "@stackyard/transport-sqs";
import { type EnvironmentNeeds, parseEnvironment, requireEvents } from "./environment.ts";
import { createEnvironmentAws } from "./environment-aws.ts";
import { toExecutorDefinitions } from "./executor-definitions.ts";
import { loadResultKey } from "./load-result-key.ts";
import { openLocator } from "./open-locator.ts";
import { openSealedStore } from "./open-sealed-store.ts";
import { createEnvironmentSecrets } from "./read-aws-secret.ts";
import { loadTransportOptions } from "./transport-options.ts";

/** Who runs services of plugins. */
export interface OpenServicesOptions {
  /** An app passes `process.env`. */
  readonly environment: EnvironmentVariables;
  readonly logger: Logger;
  /** Returns the absolute path of a file of secrets. */
  readonly resolvePath: (path: string) => string;
  /** Default: the system's. */
  readonly clock?: Clock;
  /** Default: ULIDs. */
  readonly ids?: Ids;
  /** Default: `Math.random`. */
  readonly random?: Random;
}

/** The dependencies of a yard's services, for an app that decides no events and runs no tasks. */
export interface OpenedServices {
  readonly deps: YardServicesDeps;
  readonly aws: AwsAccess;
  /**
   * Sends the events that services have published to the queue of events, until the instant. Without it they wait for
   * the schedule of the state manager.
   */
  sendEvents(stopAt: number): Promise<void>;
  /** Closes the store. */
  close(): Promise<void>;
}

/** Opens the yard that the environment names, as its other apps do. Throws `CONFIG_INVALID`, `STORE_UNAVAILABLE`. */
export async function openServices(options: OpenServicesOptions): Promise<OpenedServices> {
  const { logger, clock = systemClock, ids = createUlids(), random = Math.random } = options;
  const environment = parseEnvironment(options.environment, toNeeds(options.environment));
  const executors = toExecutorDefinitions([], environment.executorNames);
  const session = { name: `services-${environment.yard}` };
  const toAws = (region: string | undefined) =>
    createEnvironmentAws({ environment: { ...environment, region }, session, clock, logger });
  const aws = toAws(environment.region);
  const { store: choice, machines } = environment;
  if (choice === undefined || machines === undefined) throw new TypeError("The environment lacks store or machines.");
  const [{ store }, locator, queues] = await Promise.all([
    openSealedStore(environment, { aws, clock, logger, asItIs: true }),
    openLocator(machines, { aws, executors, clock, logger }),
    loadTransportOptions({ environment, aws, executors, clock, random, logger, tracing: undefined }),
  ]);
  // With it the state manager accepts the senders that services have verified.
  const resultKey = await loadResultKey(store, clock);
  const relay = createOutboxRelay({ store, transport: createSqsTransport({ ...queues, resultKey }), clock, logger });
  const readSecret = createEnvironmentSecrets(options.environment, options.resolvePath, toAws);
  return {
    deps: { store, locator, executors, clock, ids, random, logger, readSecret, aws },
    aws,
    sendEvents: async (stopAt) => void (await relay.drain({ kinds: ["event"], stopAt })),
    close: () => store.close(),
  };
}

function toNeeds(environment: EnvironmentVariables): EnvironmentNeeds {
  const required = requireEvents(environment, "events are sent there");
  return { app: "services", required, machines: true, store: true };
}
