import { silentLogger } from "@stackyard/core";
import type { ConsumerOptions, MessagesContext } from "./consumer-options.ts";
import { createEventSender } from "./event-sender.ts";
import { handleRecord } from "./handle-record.ts";
import { createDiscreetLogger } from "./json-logger.ts";
import { createKnownArtifacts } from "./known-artifacts.ts";
import { type Lane, planLanes } from "./plan-lanes.ts";
import { postpone } from "./postpone.ts";
import { type ConsumerDeps, type RecordContext, type RecordEnd, toFields } from "./record-context.ts";
import { parseRecords, type SqsBatchResponse, type SqsEvent, type SqsRecord } from "./sqs-event.ts";

/** The function behind a consumer's queue. */
export interface Consumer {
  /** Serves a batch. It names the messages that are to come again and never throws for one of them; `EVENT_INVALID` for no batch. */
  onMessages(event: SqsEvent, context?: MessagesContext): Promise<SqsBatchResponse>;
}

/** No record is begun with less time than this, or than a quarter of a short invocation. */
const LEAST_MS = 20_000;
const SWEEP_EVERY_MS = 3_600_000;
const SWEEP_NEEDS_MS = 60_000;

/** Copies what is announced into its bucket, and tells the distributor. Nothing is called before the first batch. */
export function createConsumer(options: ConsumerOptions): Consumer {
  const deps = toDeps(options);
  let sweptAt = Number.NEGATIVE_INFINITY;

  /** Now and then: uploads that nobody goes on with. */
  async function sweep(deadlineAt: number): Promise<void> {
    const now = deps.clock.now();
    if (now - sweptAt < SWEEP_EVERY_MS || deadlineAt - now < SWEEP_NEEDS_MS) return;
    sweptAt = now;
    await deps.copier.sweepUploads().catch((error: unknown) => {
      deps.logger.warn("Uploads that nobody goes on with could not be ended.", { error });
    });
  }

  return {
    async onMessages(event, context = {}) {
      const records = parseRecords(event);
      const now = deps.clock.now();
      const deadlineAt = context.deadlineAt ?? now + (context.getRemainingTimeInMillis?.() ?? Number.POSITIVE_INFINITY);
      const { invocationId } = context;
      const batch = {
        deps,
        deadlineAt,
        invocationId,
        beginBefore: deadlineAt - Math.min(LEAST_MS, (deadlineAt - now) / 4),
      };
      const again = new Set<string>();
      await Promise.all(planLanes(records, deps.config.topicArn).map((lane) => runLane(batch, lane, again)));
      await sweep(deadlineAt);
      return { batchItemFailures: [...again].map((itemIdentifier) => ({ itemIdentifier })) };
    },
  };
}

function toDeps(options: ConsumerOptions): ConsumerDeps {
  const { clock, records, receiptBus: bus, clients } = options;
  const logger = createDiscreetLogger(options.logger ?? silentLogger);
  const known = createKnownArtifacts(records, clock);
  const events = bus === undefined ? undefined : createEventSender({ client: clients.events, bus, clock, logger });
  return { ...options, logger, known, events };
}

interface Batch {
  readonly deps: ConsumerDeps;
  readonly deadlineAt: number;
  readonly invocationId: string | undefined;
  readonly beginBefore: number;
}

async function runLane(batch: Batch, lane: Lane, again: Set<string>): Promise<void> {
  const { deps, beginBefore } = batch;
  for (const record of lane) {
    const isBegun = deps.clock.now() < beginBefore;
    const end = isBegun ? await serve(batch, record) : "again";
    if (end === "done") continue;
    again.add(record.messageId);
    await postpone(deps, record, isBegun ? end : "unbegun");
  }
}

async function serve({ deps, ...batch }: Batch, record: SqsRecord): Promise<RecordEnd> {
  const { deadlineAt, invocationId } = batch;
  const context: RecordContext = { deps, record, deadlineAt, invocationId, startedAt: deps.clock.now() };
  try {
    return await handleRecord(context);
  } catch (error) {
    deps.logger.error("A message could not be served; it comes again.", toFields(context, { error }));
    return "again";
  }
}
