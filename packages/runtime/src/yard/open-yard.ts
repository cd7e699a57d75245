import type { AwsAccess } from "@stackyard/aws";
import type { AwsYardOptions, Clock, Locator, Records, Store, Transport } from "@stackyard/core";
import { keepStart } from "@stackyard/core";
import type { QueuedEvent } from "@stackyard/core/engine";
import {
  type EnvironmentVariables,
  findSealFaults,
  parseEnvironment,
  SharedVariables,
} from "@stackyard/core/environment";
import { type CalendarFiles, sealStore, withOwnKey } from "@stackyard/core/services";
import { createSqsTransport, type SqsTransportOptions } from "@stackyard/transport-sqs";
import { Type } from "typebox";
import { findResultKey } from "../load-result-key.ts";
import { openCalendars } from "../open-calendars.ts";
import { openLocator } from "../open-locator.ts";
import { loadSealer, type SealSettings } from "../open-sealed-store.ts";
import { openStore } from "../open-store.ts";
import { loadTransportOptions } from "../transport-options.ts";
import { createYardAws, loadCaller } from "./yard-aws.ts";
import { toYardDeps, type YardContext } from "./yard-deps.ts";
import { toYardParts, type YardParts } from "./yard-parts.ts";

/** A client for a yard in an AWS account. */
export interface AwsYard {
  /** The yard's store, whose `enqueue` sends events the way of all events of the yard: to its queue or topic. */
  readonly store: Store;
  readonly transport: Transport;
  readonly locator: Locator;
  /** The calendars next to the machines. */
  readonly calendars: CalendarFiles;
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
  const given = await loadSealer(readSealSettings(context.environment), { aws, clock });
  const opened = await openStore(parts.store, opening);
  const sealer = await withOwnKey({ records: opened.records, clock }, given, { makes: false });
  // A person who may read the store need not have the key: sensitive values are shown masked.
  const store = sealStore(opened, sealer, { isViewer: true });
  const findTransport = createTransportFinder({ transport, queues, records: store.records, clock });
  return {
    transport,
    locator,
    calendars: await openCalendars(parts.machines, aws),
    logs,
    aws,
    store: { ...store, enqueue: (events) => publishAll(findTransport, events) },
    caller: keepStart(arn, MAX_ACTOR),
    close: () => store.close(),
  };
}

const { STACKYARD_SEAL_KEY, STACKYARD_SEAL_KMS_KEY, YARD_NAME } = SharedVariables.properties;
const SealVariables = Type.Object({ STACKYARD_SEAL_KEY, STACKYARD_SEAL_KMS_KEY, YARD_NAME });

function readSealSettings(environment: EnvironmentVariables): SealSettings {
  const values = parseEnvironment(SealVariables, environment, { app: "yard", check: findSealFaults });
  const { STACKYARD_SEAL_KEY: sealKey, STACKYARD_SEAL_KMS_KEY: sealKmsKeys, YARD_NAME: yard } = values;
  return { yard, tasks: { sealKey, sealKmsKeys } };
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
