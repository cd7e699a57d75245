import { type AwsAccess, type AwsAccessOptions, createAwsAccess, type Limiter } from "@stackyard/aws";
import {
  type Clock,
  defined,
  type ExecutorDefinition,
  isMap,
  type Locator,
  type Logger,
  type Random,
  type Records,
  type Store,
} from "@stackyard/core";
import { createFolderLocator, loadSharedKey } from "@stackyard/core/engine";
import { lambdaDefinition } from "@stackyard/executor-lambda/definition";
import { terraformDefinition } from "@stackyard/executor-terraform/definition";
import type { ClaimCheckOptions, SqsTransportOptions, Tracing } from "@stackyard/transport-sqs";
import { Type } from "typebox";
import type { Endpoints, Environment, MachineSource, StoreChoice } from "./environment.ts";

/** Definitions by the executor's name. */
export type ExecutorDefinitions = ReadonlyMap<string, ExecutorDefinition>;

/**
 * Returns the definitions of `terraform` and `lambda`, and those that a user adds; the user's win. Of those with only a
 * name the config must be a map: their runner checks it.
 */
export function toExecutorDefinitions(
  added: readonly ExecutorDefinition[] = [],
  names: readonly string[] = [],
): ExecutorDefinitions {
  const builtIn: readonly ExecutorDefinition[] = [terraformDefinition, lambdaDefinition];
  const named = names.filter((name) => !builtIn.some((definition) => definition.name === name)).map(toNamed);
  return new Map([...builtIn, ...named, ...added].map((each) => [each.name, each]));
}

function toNamed(name: string): ExecutorDefinition {
  return { name, config: Type.Record(Type.String(), Type.Unknown()), resumable: true, cancelWithin: "5m" };
}

/** Dependencies of the access to AWS. */
interface EnvironmentAwsDeps {
  readonly environment: Pick<Environment, "region" | "credentials" | "endpoints" | "targets">;
  /** How sessions in targets are named. */
  readonly session: AwsAccessOptions["session"];
  /** Added to every client's configuration. Default: nothing. */
  readonly clientConfig?: Readonly<Record<string, unknown>>;
  /** Shared among several. Default: a separate one. */
  readonly limiter?: Limiter;
  /** As in `createAwsAccess`. */
  readonly retriesDenials?: boolean;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Creates the access to AWS from the environment: region, credentials, addresses of services, and the role of targets.
 * With an address, S3 is used by path, because emulators have no bucket names in the DNS. One per process.
 */
export function createEnvironmentAws(deps: EnvironmentAwsDeps): AwsAccess {
  const { environment, session, clientConfig = {}, limiter, retriesDenials, clock, logger } = deps;
  const { region, credentials, endpoints, targets } = environment;
  const { all: endpoint } = endpoints;
  const access = createAwsAccess(
    defined({
      session,
      targets,
      clock,
      logger,
      limiter,
      retriesDenials,
      region,
      credentials,
      // `createPlacedClasses` does not see the client that assumes roles.
      stsEndpoint: endpoints.byService.get("STS"),
      clientConfig: endpoint === undefined ? clientConfig : { ...clientConfig, endpoint, forcePathStyle: true },
    }),
  );
  if (endpoints.byService.size === 0) return access;
  const placed = createPlacedClasses(endpoints);
  return { ...access, client: (clientClass, target) => access.client(placed(clientClass), target) };
}

type ClientClass<Client> = new (config: never) => Client;

/** Creates classes of clients with the address of their service; the same one for the same class. */
function createPlacedClasses({ byService }: Endpoints) {
  const known = new Map<unknown, unknown>();
  return <Class extends ClientClass<unknown>>(clientClass: Class): Class => {
    if (!known.has(clientClass)) {
      // Only an instance of the client has its service name, so the result is cached.
      const endpoint = byService.get(toServiceName(clientClass));
      known.set(clientClass, endpoint === undefined ? clientClass : placeAt(clientClass, endpoint));
    }
    const placed = known.get(clientClass);
    // The map's value for a class is that class, as a proxy.
    return placed as Class;
  };
}

function placeAt<Class extends ClientClass<unknown>>(clientClass: Class, endpoint: string): Class {
  return new Proxy(clientClass, {
    construct: (target, [config]) => Object(new target({ ...config, endpoint, forcePathStyle: true } as never)),
  });
}

/** Returns the service name as the SDK derives it from a service's id: `Secrets Manager` is SECRETS_MANAGER. */
function toServiceName(clientClass: ClientClass<unknown>): string {
  const client: unknown = new clientClass({ region: "us-east-1" } as never);
  const config = isMap(client) ? client["config"] : undefined;
  const id = isMap(config) ? config["serviceId"] : undefined;
  return String(id ?? "")
    .toUpperCase()
    .replaceAll(/[^A-Z0-9]/g, "_");
}

/** Dependencies of opening a store. */
interface OpenStoreDeps {
  readonly aws: AwsAccess;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Connections to a database at most; each function instance has its own. Default: 4. */
  readonly maxConnections?: number;
  /** True: who only looks makes no table and brings no schema up to date. Default: false. */
  readonly asItIs?: boolean;
}

/** A store with its additional functions. */
export interface OpenedStore extends Store {
  /** As `takeDue`, but only what this process has queued itself a short while ago. */
  readonly takeOwn?: Store["takeDue"];
}

const DEFAULT_CONNECTIONS = 4;

/**
 * Opens the yard's store; only its own package and SDK are loaded. The work table of DynamoDB is created when it is
 * missing and the role may do that. Throws `CONFIG_INVALID`, `STORE_UNAVAILABLE`, and errors of reading the secret.
 */
export function openStore(choice: StoreChoice, deps: OpenStoreDeps): Promise<OpenedStore> {
  return choice.kind === "dynamodb" ? openDynamodb(choice, deps) : openPostgres(choice, deps);
}

async function openDynamodb(
  { table, workTable, creates }: Extract<StoreChoice, { kind: "dynamodb" }>,
  { aws, clock, logger, asItIs = false }: OpenStoreDeps,
): Promise<OpenedStore> {
  const [{ createDynamodbStore }, { DynamoDBClient }] = await Promise.all([
    import("@stackyard/store-dynamodb"),
    import("@aws-sdk/client-dynamodb"),
  ]);
  const client = aws.client(DynamoDBClient, undefined);
  const createTables = asItIs ? false : creates || ("work" as const);
  return createDynamodbStore(defined({ table, workTable, client, createTables, clock, logger }));
}

async function openPostgres(
  choice: Extract<StoreChoice, { kind: "postgres" }>,
  { aws, logger, maxConnections = DEFAULT_CONNECTIONS, asItIs = false }: OpenStoreDeps,
): Promise<Store> {
  const { createPostgresStore } = await import("@stackyard/store-postgres");
  const connection = "address" in choice ? choice.address : await toSecret(choice.secretId, aws);
  return createPostgresStore({ connection, maxConnections, logger, migrate: !asItIs });
}

/**
 * Returns the connection's secret, which is read again when the server refuses the credentials, as after a rotation.
 */
async function toSecret(secretId: string, aws: AwsAccess) {
  const [{ createConnectionSecret }, { SecretsManagerClient }] = await Promise.all([
    import("@stackyard/aws/secrets"),
    import("@aws-sdk/client-secrets-manager"),
  ]);
  return createConnectionSecret({ client: aws.client(SecretsManagerClient, undefined), secretId });
}

/**
 * Opens the records for the whole logs of a runner's tasks. Undefined: in the store. All records of a DynamoDB store
 * are in one partition, which is too slow for logs, so without a bucket only their ends are kept there.
 */
export async function openTaskLogs(
  { taskLogs, store }: Pick<Environment, "taskLogs" | "store">,
  deps: { readonly aws: AwsAccess; readonly clock: Clock },
): Promise<Records | "none" | undefined> {
  if (taskLogs === undefined) return store?.kind === "dynamodb" ? "none" : undefined;
  const { openS3Logs } = await import("@stackyard/aws/s3");
  return openS3Logs(taskLogs, deps);
}

const KEY = "transport/result-key";

/**
 * Loads the key with which the yard's runners prove their results, and its services the senders of events, to its state
 * manager. It is in the store: a program that may only send to the queue of events does not have it, and does not need
 * it. Closes the store when it fails.
 */
export async function loadResultKey(store: Pick<Store, "records" | "close">, clock: Clock): Promise<string> {
  try {
    return await findResultKey(store.records, clock);
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** Loads that key for a process with the records of the yard. */
export async function findResultKey(records: Store["records"], clock: Clock): Promise<string> {
  return loadSharedKey(records, KEY, clock.now());
}

/** Dependencies of opening a locator. */
interface OpenLocatorDeps {
  readonly aws: AwsAccess;
  readonly executors: ExecutorDefinitions;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Opens the locator of machines. Does not read yet. */
export async function openLocator(
  source: MachineSource,
  { aws, executors, clock, logger }: OpenLocatorDeps,
): Promise<Locator> {
  const { cacheMs } = source;
  if (source.kind === "folder") return createFolderLocator({ folder: source.folder, executors, clock, cacheMs });
  const [{ createS3Locator }, { S3Client }] = await Promise.all([
    import("@stackyard/aws/s3"),
    import("@aws-sdk/client-s3"),
  ]);
  const { bucket, prefix } = source;
  const client = aws.client(S3Client, undefined);
  return createS3Locator({ client, bucket, prefix, cacheMs, executors, clock, logger });
}

/** Dependencies of an environment's queues. */
interface TransportOptionsDeps {
  readonly environment: Pick<Environment, "queues" | "eventTopicArn" | "messages"> &
    Partial<Pick<Environment, "runnersHaveStore">>;
  readonly aws: AwsAccess;
  readonly executors: ExecutorDefinitions;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly tracing: Tracing | undefined;
}

/** The delivery after whose failure a message is given up: as the templates' `maxReceiveCount`. */
export const MAX_DELIVERIES = 5;

/** Loads the options of the environment's queues, with only the SDKs that they need. */
export async function loadTransportOptions(deps: TransportOptionsDeps): Promise<SqsTransportOptions> {
  const { environment, aws, executors, clock, random, logger, tracing } = deps;
  const { queues, runnersHaveStore: everyRunnerClaims = false } = environment;
  const [{ SQSClient }, claimChecks, eventTopic] = await Promise.all([
    import("@aws-sdk/client-sqs"),
    loadClaimChecks(deps),
    loadTopic(deps),
  ]);
  const longTasks = toQueue(queues.longTasks, queues.taskDeadLetters);
  return defined({
    sqs: aws.client(SQSClient, undefined),
    everyRunnerClaims,
    clock,
    random,
    logger,
    eventQueue: toQueue(queues.events, queues.eventDeadLetters),
    taskQueue: toQueue(queues.tasks, queues.taskDeadLetters),
    longTaskQueue: longTasks && { ...longTasks, executors: listLong(executors) },
    eventTopic,
    claimChecks,
    tracing,
  });
}

function toQueue(url: string | undefined, deadLetterUrl: string | undefined) {
  return url === undefined ? undefined : defined({ url, maxDeliveries: MAX_DELIVERIES, deadLetterUrl });
}

/** Lists the executors that run to the end in one process. */
function listLong(executors: ExecutorDefinitions): ReadonlySet<string> {
  return new Set([...executors.values()].flatMap(({ name, resumable }) => (resumable ? [] : [name])));
}

async function loadClaimChecks({ environment, aws }: TransportOptionsDeps): Promise<ClaimCheckOptions | undefined> {
  const { messages } = environment;
  if (messages === undefined) return undefined;
  const { S3Client } = await import("@aws-sdk/client-s3");
  return { ...messages, s3: aws.client(S3Client, undefined) };
}

async function loadTopic({ environment, aws }: TransportOptionsDeps): Promise<SqsTransportOptions["eventTopic"]> {
  const { eventTopicArn: arn } = environment;
  if (arn === undefined) return undefined;
  const { SNSClient } = await import("@aws-sdk/client-sns");
  return { arn, sns: aws.client(SNSClient, undefined) };
}
