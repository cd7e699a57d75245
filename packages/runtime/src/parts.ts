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
 * Those of `terraform` and `lambda`, and what a user adds; the user's win. Of those that are only named nothing is known but
 * that their config is a map: who runs them checks it.
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

/** What reaching AWS needs. */
export interface EnvironmentAwsDeps {
  readonly environment: Pick<Environment, "region" | "credentials" | "endpoints" | "targets">;
  /** How sessions in targets are named. */
  readonly session: AwsAccessOptions["session"];
  /** Added to every client's configuration. Default: nothing. */
  readonly clientConfig?: Readonly<Record<string, unknown>>;
  /** Shared among several. Default: one of its own. */
  readonly limiter?: Limiter;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * AWS as the environment says: region, credentials, addresses of services, and the role of targets. Where an address is
 * said, S3 is used by path, for emulators have no names of buckets in the DNS. One for a process.
 */
export function createEnvironmentAws(deps: EnvironmentAwsDeps): AwsAccess {
  const { environment, session, clientConfig = {}, limiter, clock, logger } = deps;
  const { region, credentials, endpoints, targets } = environment;
  const { all: endpoint } = endpoints;
  const access = createAwsAccess(
    defined({
      session,
      targets,
      clock,
      logger,
      limiter,
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

/** Classes of clients that know the address of their service; the same one for the same class. */
function createPlacedClasses({ byService }: Endpoints) {
  const known = new Map<unknown, unknown>();
  return <Class extends ClientClass<unknown>>(clientClass: Class): Class => {
    if (!known.has(clientClass)) {
      // Only an instance of the client knows its service name, so the result is cached.
      const endpoint = byService.get(toServiceName(clientClass));
      known.set(clientClass, endpoint === undefined ? clientClass : placeAt(clientClass, endpoint));
    }
    const placed = known.get(clientClass);
    // What the map holds under a class is that class, as a proxy.
    return placed as Class;
  };
}

function placeAt<Class extends ClientClass<unknown>>(clientClass: Class, endpoint: string): Class {
  return new Proxy(clientClass, {
    construct: (target, [config]) => Object(new target({ ...config, endpoint, forcePathStyle: true } as never)),
  });
}

/** As the SDK makes it out of a service's id: `Secrets Manager` is SECRETS_MANAGER. */
function toServiceName(clientClass: ClientClass<unknown>): string {
  const client: unknown = new clientClass({ region: "us-east-1" } as never);
  const config = isMap(client) ? client["config"] : undefined;
  const id = isMap(config) ? config["serviceId"] : undefined;
  return String(id ?? "")
    .toUpperCase()
    .replaceAll(/[^A-Z0-9]/g, "_");
}

/** What opening a store needs. */
export interface OpenStoreDeps {
  readonly aws: AwsAccess;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Connections to a database at most; each function instance has its own. Default: 4. */
  readonly maxConnections?: number;
  /** True: who only looks makes no table and brings no schema up to date. Default: false. */
  readonly asItIs?: boolean;
}

/** A store, and what it can besides. */
export interface OpenedStore extends Store {
  /** As `takeDue`, but only what this process has queued itself a short while ago. */
  readonly takeOwn?: Store["takeDue"];
}

const DEFAULT_CONNECTIONS = 4;

/**
 * Opens the yard's store; only its own package and SDK are loaded. The work table of DynamoDB is made when it is absent and
 * the role may do that. Throws `CONFIG_INVALID`, `STORE_UNAVAILABLE`, and what reading the secret answers.
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

/** Read anew when the server refuses the credentials, as after a rotation. */
async function toSecret(secretId: string, aws: AwsAccess) {
  const [{ createConnectionSecret }, { SecretsManagerClient }] = await Promise.all([
    import("@stackyard/aws/secrets"),
    import("@aws-sdk/client-secrets-manager"),
  ]);
  return createConnectionSecret({ client: aws.client(SecretsManagerClient, undefined), secretId });
}

/**
 * Where a runner with the store keeps the whole logs of its tasks. Undefined: in the store. All records of a DynamoDB store are
 * in one partition, which is too slow for logs, so without a bucket only their ends are kept there.
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
 * The key with which the yard's runners prove their results, and its services the senders of events, to its state manager. It
 * lies in the store: a program that may only send to the queue of events does not have it, and does not need it. Closes the store where it fails.
 */
export async function loadResultKey(store: Pick<Store, "records" | "close">, clock: Clock): Promise<string> {
  try {
    return await loadSharedKey(store.records, KEY, clock.now());
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** What opening a locator needs. */
export interface OpenLocatorDeps {
  readonly aws: AwsAccess;
  readonly executors: ExecutorDefinitions;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Where machines are found. Reads nothing yet. */
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

/** What the queues of an environment need. */
export interface TransportOptionsDeps {
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

/** How the environment's queues are used. Loads the SDKs of those that there are. */
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

/** Those that run to the end in one process. */
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
