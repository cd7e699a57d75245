import type { LambdaContext } from "@stackyard/aws";
import { defined, StackyardError, silentLogger } from "@stackyard/core";
import { createAnnouncer } from "./announce.ts";
import { classifyKey, type KeyPrefixes, toManifestKey } from "./artifact-keys.ts";
import { onCall } from "./calls.ts";
import { createTrustCheck, requireTrust } from "./compare-trust.ts";

import type { DistributorContext, DistributorOptions, Turn } from "./context.ts";
import { onPublished, onReceipt } from "./coverage.ts";
import {
  type DistributorEvent,
  parseBody,
  parseEvent,
  parseSetTask,
  type StampedEvent,
  type WrittenObject,
} from "./events.ts";
import type { Announcer } from "./fan-out.ts";
import { runSetStep } from "./initial-set/set-step.ts";
import { toDropLine } from "./metrics.ts";
import { createPublisher } from "./publish.ts";
import { loadArtifact, loadPublished, rememberPublished } from "./published-versions.ts";
import { onRefresh } from "./refresh.ts";
import { onSchedule } from "./schedule.ts";
import { createUploads } from "./upload.ts";
import { createUrlSigner } from "./url-signer.ts";
import type { ArtifactRecord, VersionId } from "./versions.ts";

/** The distributor's function. */
export interface Distributor {
  /**
   * Handles an event of S3, of a consumer, of the schedule or of the state machine, or a request. Throws when the event must be
   * redelivered, and `EVENT_INVALID` for an unsupported event.
   */
  handle(event: unknown, context?: LambdaContext): Promise<unknown>;
}

/** Time limit when the context does not provide one. */
const TURN_MS = 840_000;

/** Creates the distributor. Makes no call before the first event. Throws `CONFIG_INVALID` for identical prefixes. */
export function createDistributor(options: DistributorOptions): Distributor {
  const { random = Math.random, logger = silentLogger, write = writeLine } = options;
  const open = openDistributor({ ...options, random, logger, write });
  return {
    handle(event, context) {
      const leftMs = context?.getRemainingTimeInMillis?.() ?? TURN_MS;
      return handleEvent(open, event, { deadlineAt: options.clock.now() + leftMs });
    },
  };
}

function writeLine(line: string): void {
  process.stdout.write(line);
}

/** Handles one event, or each event of a batch. A failure does not affect the others. */
async function handleEvent(open: OpenDistributor, event: unknown, turn: Turn): Promise<unknown> {
  const parsed = parseEvent(event);
  if (parsed.kind === "messages") return takeMessages(open, parsed.messages, turn);
  if (parsed.kind === "notifications") {
    await takeAll(parsed.bodies, (body) => take(open, parseBody(body), turn));
    return undefined;
  }
  return take(open, parsed, turn);
}

async function take(open: OpenDistributor, event: DistributorEvent, turn: Turn): Promise<unknown> {
  const { context } = open;
  switch (event.kind) {
    case "objects":
      return takeObjects(open, event, turn);
    case "consumer":
      return takeConsumerEvent(open, event.event);
    case "schedule":
      return onSchedule(context, (each) => open.resume(each), turn);
    case "set":
      return takeSetTask(open, event.task, turn);
    case "call":
      return onCall(context, event.request);
    case "nothing":
      return undefined;
    default:
      throw new StackyardError("EVENT_INVALID", "Unsupported event type.");
  }
}

/** Processes all objects, then fails for unreadable records, so that the event reaches the dead-letter queue. */
async function takeObjects(
  open: OpenDistributor,
  { objects, faulty }: DistributorEvent & { readonly kind: "objects" },
  turn: Turn,
): Promise<readonly unknown[]> {
  const { logger, clock, write } = open.context;
  if (faulty > 0) {
    logger.error("A notification has invalid records.", { code: "EVENT_INVALID", records: faulty });
    write(toDropLine("EVENT_INVALID", clock.now()));
  }
  const outcomes = await takeAll(objects, (object) => takeObject(open, object, turn));
  if (faulty === 0) return outcomes;
  throw new StackyardError("EVENT_INVALID", `${faulty} records of the notification are invalid.`);
}

async function takeObject(open: OpenDistributor, object: WrittenObject, turn: Turn): Promise<unknown> {
  // A rule can match events of other buckets.
  if (object.bucket !== open.context.config.bucket) return { kind: "ignored" };
  return open.takeObject(object, turn);
}

async function takeConsumerEvent({ context, places }: OpenDistributor, event: StampedEvent): Promise<unknown> {
  const isRefresh = event["detail-type"] === "artifact.refresh";
  const outcome = isRefresh ? await onRefresh({ ...context, ...places }, event) : await onReceipt(context, event);
  if (outcome.kind !== "dropped") return outcome;
  const { code } = outcome;
  const fields = { code, account: event.account, type: event["detail-type"] };
  context.logger.warn("Dropped an event of a consumer.", fields);
  context.write(toDropLine(code, context.clock.now()));
  return outcome;
}

async function takeSetTask({ context }: OpenDistributor, event: unknown, turn: Turn): Promise<unknown> {
  const parsed = parseSetTask(event);
  if (parsed.kind === "task") return runSetStep(context, parsed.task, turn);
  const { code, message } = parsed;
  context.logger.warn(message);
  return { kind: "failed", code, message, askedAt: context.clock.now() };
}

/** Returns the failed messages ("Reporting batch item failures for Lambda functions with an Amazon SQS trigger"). */
async function takeMessages(
  open: OpenDistributor,
  messages: readonly { readonly id: string; readonly body: string }[],
  turn: Turn,
): Promise<{ readonly batchItemFailures: readonly { readonly itemIdentifier: string }[] }> {
  const failed: string[] = [];
  for (const { id, body } of messages) {
    try {
      await take(open, parseBody(body), turn);
    } catch (error) {
      open.context.logger.error("A message could not be processed and stays in its queue.", { messageId: id, error });
      failed.push(id);
    }
  }
  return { batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) };
}

async function takeAll<Item>(
  items: readonly Item[],
  work: (item: Item) => Promise<unknown>,
): Promise<readonly unknown[]> {
  const settled = await Promise.allSettled(items.map(work));
  const failure = settled.find((each) => each.status === "rejected");
  if (failure !== undefined) throw failure.reason;
  return settled.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
}

/** The connected parts of a distributor. */
interface OpenDistributor {
  readonly context: DistributorContext;
  readonly places: KeyPrefixes & { readonly bucket: string };
  /** Publishes a manifest, or processes a file without a manifest as an upload. */
  takeObject(object: WrittenObject, turn: Turn): Promise<unknown>;
  /** Resumes unfinished publications and uploads. */
  resume(turn: Turn): Promise<void>;
}

type Options = DistributorOptions & Required<Pick<DistributorOptions, "random" | "logger" | "write">>;

/** Connects the parts of a distributor. */
function openDistributor(options: Options): OpenDistributor {
  const { config, s3, records, clock } = options;
  const { bucket, prefix, uploadPrefix, trustedAccounts: accounts, organizationId } = config;
  const trust = { accounts, ...defined({ organizationId }) };
  const context: DistributorContext = {
    ...options,
    trust,
    announcer: onlyTrusted(
      openAnnouncer(options),
      createTrustCheck(clock, () => requireTrust(context)),
    ),
    loadPublished: load,
    publish: ({ name, version }: VersionId) =>
      publisher.onManifest({ bucket, key: toManifestKey(prefix, name, version) }),
  };
  const places = { bucket, prefix, ...defined({ uploadPrefix }) };

  const loadOnce = rememberPublished((record: ArtifactRecord) => loadArtifact({ s3, bucket }, record));

  function load(name: string, version: string) {
    return loadPublished({ records, clock, load: loadOnce }, name, version);
  }

  const publisher = createPublisher({
    ...context,
    ...places,
    onPublished: (artifact) => onPublished(context, artifact),
  });
  const uploads = createUploads({ ...context, ...places, publisher });

  return {
    context,
    places,
    async takeObject(object, turn) {
      const kind = classifyKey(object.key, places);
      if (kind === "manifest") return publisher.onManifest(object);
      return kind === "upload" ? uploads.onUpload(object, turn) : { kind: "ignored" };
    },
    async resume(turn) {
      await publisher.drainOutbox(turn);
      await uploads.resume(turn);
    },
  };
}

/** Compares trust before each announcement: subscriptions get what is sent to others, too. */
function onlyTrusted(announcer: Announcer, check: () => Promise<void>): Announcer {
  return {
    announce: (...input) => check().then(() => announcer.announce(...input)),
    announceRetirement: (...input) => check().then(() => announcer.announceRetirement(...input)),
    probe: (...input) => check().then(() => announcer.probe(...input)),
  };
}

function openAnnouncer({ config, sns, clock, credentials, traceparent }: Options) {
  const { account, region, bucket, topicArn, transfer, urlSeconds, pathStyleUrls: pathStyle = false } = config;
  return createAnnouncer({
    sns,
    topicArn,
    clock,
    source: { account, region, bucket },
    signer: createUrlSigner({ bucket, region, pathStyle, credentials, clock }),
    ...defined({ transfer, urlSeconds, traceparent }),
  });
}
