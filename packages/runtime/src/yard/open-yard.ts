import { type AwsAccess, findRegion, toAwsError } from "@stackyard/aws";
import type { LogPlace } from "@stackyard/aws/s3";
import {
  type AwsYardOptions,
  type Clock,
  defined,
  type ExecutorDefinition,
  type Locator,
  type Logger,
  listMissingKeys,
  type Random,
  type Records,
  StackyardError,
  type Store,
  type Target,
  type Transport,
} from "@stackyard/core";
import { type QueuedEvent, systemClock } from "@stackyard/core/engine";
import { type EnvironmentVariables, KEY_PREFIXES, readEnvironment } from "@stackyard/core/environment";
import { createSqsTransport, type SqsTransportOptions } from "@stackyard/transport-sqs";
import { Type } from "typebox";
import {
  findAccessKeys,
  findEndpointFaults,
  type MachineSource,
  type Queues,
  type StoreChoice,
  toEndpoints,
  Variables,
} from "../environment.ts";
import {
  createEnvironmentAws,
  type ExecutorDefinitions,
  findResultKey,
  loadTransportOptions,
  openLocator,
  openStore,
  toExecutorDefinitions,
} from "../parts.ts";

/** The environment from which a yard is accessed. */
export interface YardContext {
  /** Region, credentials and addresses of services are read from it. */
  readonly environment: EnvironmentVariables;
  readonly logger: Logger;
  /** Executors in addition to `terraform` and `lambda`, so that machines that use them are fully validated. */
  readonly executors?: readonly ExecutorDefinition[];
  /** How sessions in the yard's role are named. Default: `stackyard`. */
  readonly sessionName?: string;
  /** Default: the system's. */
  readonly clock?: Clock;
  /** Default: `Math.random`. */
  readonly random?: Random;
}

/** A context with its defaults. */
export interface YardDeps extends Required<Omit<YardContext, "executors">> {
  readonly executors: ExecutorDefinitions;
}

/** Fills in the defaults. */
export function toYardDeps(context: YardContext): YardDeps {
  const { executors, sessionName = "stackyard", clock = systemClock, random = Math.random, ...given } = context;
  return { ...given, executors: toExecutorDefinitions(executors), sessionName, clock, random };
}

/** The parts of a yard. */
export interface YardParts {
  readonly queues: Queues;
  readonly eventTopicArn: string | undefined;
  readonly messages: { readonly bucket: string; readonly prefix: string } | undefined;
  /** Where runners keep whole logs. Undefined: in the store, or nowhere. */
  readonly logs: LogPlace | undefined;
  readonly store: StoreChoice;
  readonly machines: Extract<MachineSource, { kind: "s3" }>;
}

/** Commands are short, and `machines ls` must show recent uploads. */
const CACHE_MS = 5_000;

/** Returns the configured parts. Throws `CONFIG_INVALID` with all missing ones. */
export function toYardParts(yard: AwsYardOptions): YardParts {
  const store = toStore(yard);
  const { machines } = yard;
  const missing = listMissingKeys(yard);
  if (store === undefined || machines === undefined || missing.length > 0) {
    throw new StackyardError(
      "CONFIG_INVALID",
      `The yard's configuration lacks ${missing.join(", ")}. Copy the values from the outputs of its template.`,
    );
  }
  const { bucket, prefix = "" } = machines;
  return {
    queues: toQueues(yard),
    eventTopicArn: yard.eventTopicArn,
    messages: yard.messages && { prefix: KEY_PREFIXES.messages, ...yard.messages },
    logs: yard.logs,
    store,
    machines: { kind: "s3", bucket, prefix, cacheMs: CACHE_MS },
  };
}

function toStore({
  stacksTable: table,
  workTable,
  connectionSecret: secretId,
}: AwsYardOptions): StoreChoice | undefined {
  if (secretId !== undefined) return { kind: "postgres", secretId };
  return table === undefined ? undefined : { kind: "dynamodb", table, workTable, creates: false };
}

function toQueues(yard: AwsYardOptions): Queues {
  return {
    events: yard.eventQueueUrl,
    tasks: yard.taskQueueUrl,
    longTasks: yard.longTaskQueueUrl,
    ticks: yard.tickQueueUrl,
    eventDeadLetters: yard.eventDeadLetterQueueUrl,
    taskDeadLetters: yard.taskDeadLetterQueueUrl,
  };
}

const EndpointVariables = Type.Object({ AWS_ENDPOINT_URL: Variables.properties.AWS_ENDPOINT_URL });

/**
 * Creates access to AWS for a yard: in the yard's region, with its profile or the environment's credentials, and in its
 * role, if it has one. Makes no request yet. Throws `CONFIG_INVALID`.
 */
export function createYardAws(yard: AwsYardOptions, context: YardContext): AwsAccess {
  const { environment, logger, clock, sessionName } = toYardDeps(context);
  const { faults: ofAll } = readEnvironment(EndpointVariables, environment);
  const faults = [...ofAll, ...findEndpointFaults(environment)];
  if (faults.length > 0) throw new StackyardError("CONFIG_INVALID", faults.join("\n"));
  const access = createEnvironmentAws({
    environment: {
      region: findYardRegion(yard, environment),
      // A profile that is named comes before keys in the environment, as in every tool of AWS.
      credentials: yard.profile === undefined ? findAccessKeys(environment) : undefined,
      endpoints: toEndpoints({ ...environment, LOCAL_MODE: undefined }),
      targets: {},
    },
    session: { name: sessionName },
    // A person waits for the answer.
    retriesDenials: false,
    clientConfig: defined({ profile: yard.profile }),
    clock,
    logger,
  });
  return yard.role === undefined ? access : withTarget(access, toTarget(yard, yard.role, environment));
}

/** Returns the yard's region, or the environment's. Undefined: the SDK finds it in the profile. */
export function findYardRegion({ region }: AwsYardOptions, environment: EnvironmentVariables): string | undefined {
  return region ?? findRegion(environment);
}

const ROLE = /^arn:(aws[a-z-]*):iam::(\d{12}):role\/./;

function toTarget(yard: AwsYardOptions, role: string, environment: EnvironmentVariables): Target {
  const [, partition, account] = ROLE.exec(role) ?? [];
  const region = findYardRegion(yard, environment);
  if (partition === undefined || account === undefined) throw invalid(`"${role}" is no ARN of a role.`);
  if (region === undefined) throw invalid("A yard with a role must name its region.");
  const { externalId } = yard;
  return defined({ account, region, partition, role, externalId });
}

function invalid(message: string): StackyardError {
  return new StackyardError("CONFIG_INVALID", message);
}

/** Returns the access with a default target. */
function withTarget(access: AwsAccess, target: Target): AwsAccess {
  return {
    ...access,
    client: (clientClass, other) => access.client(clientClass, other ?? target),
    credentials: (other) => access.credentials(other ?? target),
  };
}

/** Whose credentials these are, and what time it is at AWS. */
export interface Caller {
  readonly account: string;
  readonly arn: string;
  /**
   * How far our clock is ahead of that of AWS, in milliseconds, with an error of half a second. Undefined: the response
   * has no date.
   */
  readonly aheadMs: number | undefined;
}

/** Loads our identity from STS; needs no permission (GetCallerIdentity). Throws errors of credentials and network. */
export async function loadCaller(aws: AwsAccess, clock: Clock): Promise<Caller> {
  const { GetCallerIdentityCommand, STSClient } = await import("@aws-sdk/client-sts");
  const command = new GetCallerIdentityCommand({});
  let aheadMs: number | undefined;
  command.middlewareStack.add(
    (next) => async (args) => {
      const sentAt = clock.now();
      const answer = await next(args);
      aheadMs = findAheadMs(findHeader(answer.response, "date"), (sentAt + clock.now()) / 2);
      return answer;
    },
    { step: "deserialize", name: "stackyardDate" },
  );
  try {
    const { Account: account = "", Arn: arn = "" } = await aws.client(STSClient, undefined).send(command);
    return { account, arn, aheadMs };
  } catch (error) {
    throw toAwsError(error, "Cannot get the caller identity from STS.");
  }
}

/** Returns how far `now` is ahead of a date header, which has whole seconds. Undefined if it is not a date. */
export function findAheadMs(date: string | undefined, now: number): number | undefined {
  const at = Date.parse(date ?? "");
  return Number.isNaN(at) ? undefined : Math.round(now - (at + 500));
}

function findHeader(response: unknown, name: string): string | undefined {
  const headers = read(response, "headers");
  const value = read(headers, name);
  return typeof value === "string" ? value : undefined;
}

function read(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
}

/** A client for a yard in an AWS account. */
export interface AwsYard {
  /** The yard's store, whose `enqueue` sends events the way of all events of the yard: to its queue or topic. */
  readonly store: Store;
  readonly transport: Transport;
  readonly locator: Locator;
  /** Whole logs of attempts that are not in the store. */
  readonly logs: Records | undefined;
  readonly aws: AwsAccess;
  /** The ARN of whose credentials these are: as histories name who has sent an event. */
  readonly caller: string;
  /** Closes the store. */
  close(): Promise<void>;
}

/** Two are enough for a command. */
const CONNECTIONS = 2;
/** As long as the name of an actor may be. */
const MAX_ACTOR = 255;

/**
 * Opens a yard without changing it: creates no tables, and does not migrate the schema. It decides no events; the
 * yard's own state manager does. Throws `CONFIG_INVALID` for missing settings, `UNAUTHENTICATED`, `FORBIDDEN`,
 * `UNREACHABLE` and `STORE_UNAVAILABLE`.
 */
export async function openYard(yard: AwsYardOptions, context: YardContext): Promise<AwsYard> {
  const parts = toYardParts(yard);
  const deps = toYardDeps(context);
  const { clock, random, logger, executors } = deps;
  const aws = createYardAws(yard, context);
  const { arn } = await loadCaller(aws, clock);
  const settings = { environment: parts, aws, executors, clock, random, logger, tracing: undefined };
  const queues = await loadTransportOptions(settings);
  const transport = createSqsTransport(queues);
  const locator = await openLocator(parts.machines, { aws, executors, clock, logger });
  const logs = await openLogs(parts, { aws, clock });
  const opening = { aws, clock, logger, maxConnections: CONNECTIONS, asItIs: true };
  const store = await openStore(parts.store, opening);
  const findTransport = createTransportFinder({ transport, queues, records: store.records, clock });
  return {
    transport,
    locator,
    logs,
    aws,
    store: { ...store, enqueue: (events) => publishAll(findTransport, events) },
    caller: arn.slice(0, MAX_ACTOR),
    close: () => store.close(),
  };
}

async function openLogs(
  { logs }: YardParts,
  deps: { readonly aws: AwsAccess; readonly clock: Clock },
): Promise<Records | undefined> {
  if (logs === undefined) return undefined;
  const { openS3Logs } = await import("@stackyard/aws/s3");
  return openS3Logs(logs, deps);
}

interface TransportFinderDeps {
  readonly transport: Transport;
  readonly queues: SqsTransportOptions;
  readonly records: Store["records"];
  readonly clock: Clock;
}

/** Returns the transport for some events. */
type FindTransport = (events: readonly QueuedEvent[]) => Promise<Pick<Transport, "publish">>;

/**
 * Creates the finder. Events of operations are sent with the yard's key, which proves that they are not those of anyone
 * who may send to the queue. Other events need no key, so that who only sends them need not be able to read it.
 */
function createTransportFinder({ transport, queues, records, clock }: TransportFinderDeps): FindTransport {
  let proving: Promise<Transport> | undefined;
  async function createProving(): Promise<Transport> {
    return createSqsTransport({ ...queues, resultKey: await findResultKey(records, clock) });
  }
  return async (events) => {
    if (!events.some(({ own }) => own)) return transport;
    proving ??= createProving().catch((error: unknown) => {
      proving = undefined;
      throw error;
    });
    return proving;
  };
}

/**
 * Publishes events and returns true for each. A queue does not store which ids were used before: the engine finds out.
 * Senders are left out: SQS names the principal, and only what it says is verified.
 */
async function publishAll(findTransport: FindTransport, events: readonly QueuedEvent[]): Promise<readonly boolean[]> {
  const transport = await findTransport(events);
  await transport.publish(events.map(({ sender: _, ...event }) => event));
  return events.map(() => true);
}
