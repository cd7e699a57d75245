import type { AwsAccess } from "@stackyard/aws";
import type { Locator, Store, Transport } from "@stackyard/core";
import { createSqsTransport } from "@stackyard/transport-sqs";
import { openLocator } from "../open-locator.ts";
import { openStore } from "../open-store.ts";
import { loadTransportOptions } from "../transport-options.ts";
import type { AwsYardOptions } from "./aws-yard-options.ts";
import { loadCaller } from "./caller.ts";
import { createYardAws } from "./yard-aws.ts";
import { toYardDeps, type YardContext } from "./yard-context.ts";
import { toYardParts } from "./yard-parts.ts";

/** A yard in an AWS account, as somebody outside of it works with it. */
export interface AwsYard {
  /** The yard's store, whose `enqueue` sends events the way of all events of the yard: to its queue or topic. */
  readonly store: Store;
  readonly transport: Transport;
  readonly locator: Locator;
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
 * Opens a yard and changes nothing in it: no table is made, no schema brought up to date. It decides no events; the yard's own
 * state manager does. Throws `CONFIG_INVALID` for what is missing, `UNAUTHENTICATED`, `FORBIDDEN`, `UNREACHABLE` and
 * `STORE_UNAVAILABLE`.
 */
export async function openYard(yard: AwsYardOptions, context: YardContext): Promise<AwsYard> {
  const parts = toYardParts(yard);
  const deps = toYardDeps(context);
  const { clock, random, logger, executors } = deps;
  const aws = createYardAws(yard, context);
  const { arn } = await loadCaller(aws, clock);
  const settings = { environment: parts, aws, executors, clock, random, logger, tracing: undefined };
  // It takes no events in and sends none of a runner, so it needs no key of results, and makes no record of one.
  const transport = createSqsTransport(await loadTransportOptions(settings));
  const locator = await openLocator(parts.machines, { aws, executors, clock, logger });
  const opening = { aws, clock, logger, maxConnections: CONNECTIONS, asItIs: true };
  const store = await openStore(parts.store, opening);
  return {
    ...{ transport, locator, aws },
    store: { ...store, enqueue: (events) => publishAll(transport, events) },
    caller: arn.slice(0, MAX_ACTOR),
    close: () => store.close(),
  };
}

/** A queue does not know which ids were used before: the engine finds out. */
async function publishAll(
  transport: Pick<ReturnType<typeof createSqsTransport>, "publish">,
  events: Parameters<Store["enqueue"]>[0],
): Promise<readonly boolean[]> {
  await transport.publish(events);
  return events.map(() => true);
}
