import { createHash } from "node:crypto";
import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { SQSClient } from "@aws-sdk/client-sqs";
import { type AwsSim, createAwsSim, createSimPlugin } from "@stackyard/aws-sim";
import type { Clock, Logger, Records } from "@stackyard/core";
import { createFakeClock, createMemoryRecords, type FakeClock } from "@stackyard/core/testing";
import type { Copier, CopyInput, CopyOutcome } from "../copy/copier.ts";
import type { ConsumerConfig } from "../decide-message.ts";
import { createConsumer } from "../function/consumer.ts";
import type { SqsRecord } from "../function/record-context.ts";
import { CONSUMER, NOW, SHA256 } from "./a-message.ts";

/** The consumer's own bucket. */
export const BUCKET = "own-bucket";
const { account, region } = CONSUMER;

/** Replaces a copy over the network: by default it writes a small object. */
export type CopyScript = (input: CopyInput) => CopyOutcome | undefined | Promise<CopyOutcome | undefined>;

/** A death of the process: at the call of that number, before it takes effect or after. */
export interface Death {
  readonly at: number;
  readonly when: "before" | "after";
}

/** What differs from a consumer of everything. */
export interface ConsumerWorldOptions {
  readonly config?: Partial<ConsumerConfig>;
  readonly copy?: CopyScript;
  readonly allow?: readonly string[];
  /** Of the bus: who may put events. Default: the consumer. */
  readonly allowed?: readonly string[];
  /** Default: records in memory. */
  readonly records?: Records;
}

/** A consumer, its bucket, the distributor's bus and the parking queue, in one process. */
export interface ConsumerWorld {
  readonly sim: AwsSim;
  readonly clock: FakeClock;
  readonly records: Records;
  readonly lines: string[];
  readonly copies: CopyInput[];
  /** Starts a new process with that clock; with a death it ends there, and `calls` returns its number of calls. */
  start(
    death?: Death,
    own?: Clock,
  ): { readonly consumer: ReturnType<typeof createConsumer>; readonly calls: () => number };
  /** Returns events on the distributor's bus, those of receipts without fields that differ between runs. */
  events(): readonly { readonly type: string; readonly detail: Readonly<Record<string, unknown>> }[];
  parked(): readonly Readonly<Record<string, unknown>>[];
  /** Returns everything that each place has received, as one text. */
  everything(): string;
}

/** Makes it. */
export function createConsumerWorld(options: ConsumerWorldOptions = {}): ConsumerWorld {
  const clock = createFakeClock(NOW);
  const sim = createAwsSim({ clock });
  const credentials = sim.iam.addUser({ account, name: "consumer", allow: options.allow ?? ["*"] });
  sim.s3.createBucket({ account, region, name: BUCKET });
  const receiptBus = sim.eventBridge.addBus({
    account: "111122223333",
    region: "eu-west-1",
    name: "stackyard-receipts",
    allows: options.allowed ?? [account],
  });
  const parkingQueueUrl = sim.sqs.addQueue({ account, region, name: "parking" });
  const queueUrl = sim.sqs.addQueue({ account, region, name: "queue" });
  const records = options.records ?? createMemoryRecords();
  const lines: string[] = [];
  const copies: CopyInput[] = [];
  const common = { credentials, maxAttempts: 1 };
  const config = { ...CONSUMER, ...options.config };
  const base = { config, bucket: BUCKET, receiptBus, queueUrl, parkingQueueUrl };

  function start(death?: Death, own: Clock = clock) {
    const guard = createGuard(death);
    const plugins = [createSimPlugin(sim), guard.plugin];
    const equip = <Client extends { middlewareStack: { use(plugin: never): void } }>(client: Client): Client => {
      for (const plugin of plugins) client.middlewareStack.use(plugin as never);
      return client;
    };
    const s3 = equip(new S3Client({ ...common, region }));
    const clients = {
      s3,
      sqs: equip(new SQSClient({ ...common, region })),
      events: equip(new EventBridgeClient({ ...common, region: "eu-west-1" })),
    };
    const copier = createScriptedCopier(s3, options.copy, copies);
    const parts = { clock: own, clients, copier, logger: createLineLogger(lines), records: guard.records(records) };
    return { consumer: createConsumer({ ...base, ...parts }), calls: guard.calls };
  }

  const events = () =>
    sim.eventBridge.waiting.map((event) => ({ type: String(event["detail-type"]), detail: Object(event.detail) }));
  const parked = () => sim.sqs.messages(parkingQueueUrl).map(({ body }) => JSON.parse(body));
  return {
    sim,
    clock,
    records,
    lines,
    copies,
    start,
    events,
    parked,
    everything: () => JSON.stringify([lines, events(), parked(), sim.s3.texts(BUCKET), sim.calls]),
  };
}

function createScriptedCopier(s3: S3Client, script: CopyScript | undefined, copies: CopyInput[]): Copier {
  return {
    async copy(input) {
      copies.push(input);
      const scripted = await Promise.resolve(script?.(input));
      if (scripted !== undefined) return scripted;
      const { message } = input;
      const sha256 = message.v === 2 ? message.artifact.sha256 : SHA256;
      const Metadata = { "stackyard-sha256": sha256 };
      await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: message.ArtifactKey, Body: "bytes", Metadata }));
      return { kind: "stored", verified: message.v === 2, sourceSha256: sha256, storedSha256: sha256, size: 5 };
    },
    sweepUploads: () => Promise.resolve(0),
  };
}

class Died extends Error {}

/** Counts outgoing calls, and blocks them after a death. */
function createGuard(death: Death | undefined) {
  let calls = 0;
  let isDead = false;
  async function pass<Result>(work: () => Promise<Result>): Promise<Result> {
    calls += 1;
    const isLast = calls === death?.at;
    if (isDead || (isLast && death?.when === "before")) {
      isDead = true;
      throw new Died("The process has died.");
    }
    const result = await work();
    if (!isLast) return result;
    isDead = true;
    throw new Died("The process has died.");
  }
  const middleware = (next: (args: unknown) => Promise<unknown>) => (args: unknown) => pass(() => next(args));
  const plugin = {
    applyToStack: (stack: { add(middleware: unknown, options: unknown): void }) =>
      stack.add(middleware, { name: "guard", step: "initialize" }),
  };
  const guarded = (records: Records): Records => ({
    get: (...given) => pass(() => records.get(...given)),
    put: (...given) => pass(() => records.put(...given)),
    remove: (...given) => pass(() => records.remove(...given)),
    list: (...given) => pass(() => records.list(...given)),
  });
  return { plugin, records: guarded, calls: () => calls };
}

function createLineLogger(lines: string[]): Logger {
  const add = (level: string) => (message: string, fields?: object) =>
    void lines.push(JSON.stringify({ level, message, ...fields }));
  return { debug: add("debug"), info: add("info"), warn: add("warn"), error: add("error") };
}

/** Returns a delivery of a message. */
export function aDelivery(record: Pick<SqsRecord, "body" | "messageAttributes">, id = "m-1", count = 1): SqsRecord {
  return { ...record, messageId: id, attributes: { ApproximateReceiveCount: String(count) } };
}

/** Returns the SHA-256 as hex. */
export function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
