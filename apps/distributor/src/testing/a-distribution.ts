import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { createAwsAccess } from "@stackyard/aws";
import { type AwsSim, createAwsSim, createSimPlugin } from "@stackyard/aws-sim";
import { type Logger, silentLogger } from "@stackyard/core";
import { toInitialSetDefinition } from "@stackyard/distributor/function";
import { createQuickClock } from "@stackyard/lambda-host";
import { toManifestText } from "@stackyard/sdk/artifacts";
import { createDynamodbRecords } from "@stackyard/store-dynamodb";
import { createApp, type DistributorApp } from "../create-app.ts";
import { startRecordsTable } from "./records-table.ts";

/** The account and region of the distributor. */
export const SOURCE = { account: "999988887777", region: "eu-west-1" } as const;
const BUCKET = "source";
const TABLE = "stackyard-distributor";
/** The roles of the function are new: their first calls are denied. */
const IAM_DELAY_MS = 20_000;

/** A consumer that fetches announced files and sends receipts. */
export interface Consumer {
  readonly account: string;
  readonly region: string;
  /** By key. */
  readonly stored: ReadonlyMap<string, string>;
  register(): Promise<void>;
}

/** The app in its own account, behind its topic, bus, rules, schedule and state machine. */
export interface Distribution {
  readonly sim: AwsSim;
  readonly app: DistributorApp;
  readonly covered: readonly unknown[];
  /** Everything that was logged and measured. */
  readonly told: readonly string[];
  addConsumer(account: string, region: string): Consumer;
  publish(name: string, version: string, files: Readonly<Record<string, string>>): Promise<void>;
  /** Delivers events until nothing more happens. */
  settle(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts it, with the permissions of the README and no others. */
export async function startDistribution(): Promise<Distribution> {
  const clock = createQuickClock(200);
  const oldUsers = ["ada", "consumer-eu-west-1", "consumer-us-east-1"];
  const sim = createAwsSim({ clock, iamDelayMs: IAM_DELAY_MS, oldUsers });
  const plugin = createSimPlugin(sim);
  const table = await startRecordsTable(TABLE);
  const own = sim.iam.addUser({ ...SOURCE, name: "function", allow: readActions() });
  sim.iam.addRole({ ...SOURCE, name: "signer", allow: ["s3:GetObject", "s3:GetObjectVersion"] });
  sim.s3.createBucket({ ...SOURCE, name: BUCKET, versioned: true, notifies: true });
  const topicArn = sim.sns.addTopic({ ...SOURCE, name: "artifacts" });
  const accounts = ["111122223333", "444455556666"];
  const busArn = sim.eventBridge.addBus({
    ...SOURCE,
    name: "stackyard-receipts",
    allows: [...accounts, "222233334444"],
  });
  const told: string[] = [];
  const logger = createListLogger(told);
  const app = createApp({
    environment: {
      ARTIFACTS_BUCKET: BUCKET,
      ARTIFACT_PREFIX: "artifacts/",
      DISTRIBUTION_TOPIC: topicArn,
      RECORDS_TABLE: TABLE,
      TRUSTED_ACCOUNTS: accounts.join(","),
      SIGNER_ROLE: `arn:aws:iam::${SOURCE.account}:role/signer`,
      INITIAL_SET_MACHINE: `arn:aws:states:${SOURCE.region}:${SOURCE.account}:stateMachine:initial-set`,
    },
    access: createAwsAccess({
      clock,
      logger,
      region: SOURCE.region,
      credentials: own,
      session: { name: "distributor" },
      plugins: [plugin as never],
    }),
    records: createDynamodbRecords({ client: table.client, table: TABLE }),
    clock,
    telemetry: { logger, tracing: { inject: () => ({}) }, invoke: (_fields, work) => work() },
    write: (line) => void told.push(line),
  });
  const covered: unknown[] = [];
  const work = new Set<Promise<void>>();
  wire(sim, app, covered);
  return {
    sim,
    app,
    covered,
    told,
    addConsumer: (account, region) => addConsumer({ sim, topicArn, busArn, work }, account, region),
    publish: (name, version, files) => writeArtifact(sim, { name, version, files }),
    settle: () => settle(sim, work),
    stop: () => table.stop(),
  };
}

function wire(sim: AwsSim, app: DistributorApp, covered: unknown[]): void {
  const target = (event: unknown) => app.handler(event);
  sim.eventBridge.addRule({ ...SOURCE, pattern: { source: ["aws.s3"] }, target });
  sim.eventBridge.addRule({
    ...SOURCE,
    bus: "stackyard-receipts",
    pattern: { source: ["stackyard.consumer"] },
    target,
  });
  sim.eventBridge.addRule({
    ...SOURCE,
    pattern: { source: ["stackyard.distributor"] },
    target: async (event: unknown) => void covered.push(event),
  });
  sim.lambda.addFunction({ ...SOURCE, name: "distributor", handler: target });
  const functionArn = `arn:aws:lambda:${SOURCE.region}:${SOURCE.account}:function:distributor`;
  sim.stepFunctions.addStateMachine({
    ...SOURCE,
    name: "initial-set",
    definition: toInitialSetDefinition(functionArn),
  });
}

/** Number of rounds without work after which everything is done. */
const QUIET_ROUNDS = 5;

async function settle(sim: AwsSim, work: ReadonlySet<Promise<void>>): Promise<void> {
  for (let quiet = 0; quiet < QUIET_ROUNDS; quiet += 1) {
    const isBusy = work.size > 0 || sim.stepFunctions.executions.some(({ status }) => status === "RUNNING");
    if (isBusy) quiet = 0;
    await Promise.all(work);
    await sim.eventBridge.deliver();
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

interface Channels {
  /** The work of consumers in progress. */
  readonly work: Set<Promise<void>>;
  readonly sim: AwsSim;
  readonly topicArn: string;
  readonly busArn: string;
}

function addConsumer(channels: Channels, account: string, region: string): Consumer {
  const { sim, topicArn, busArn } = channels;
  const credentials = sim.iam.addUser({ account, name: `consumer-${region}` });
  const client = new EventBridgeClient({ region: SOURCE.region, credentials });
  client.middlewareStack.use(createSimPlugin(sim) as never);
  const stored = new Map<string, string>();
  const bucket = `artifacts-${account}-${region}`;

  async function send(DetailType: string, detail: object): Promise<void> {
    const Detail = JSON.stringify({ v: 1, account, region, bucket, ...detail });
    const entry = { Source: "stackyard.consumer", DetailType, Detail, EventBusName: busArn };
    await client.send(new PutEventsCommand({ Entries: [entry] }));
  }

  async function receive(text: string): Promise<void> {
    const { ArtifactKey: key, ArtifactUrl: url, artifact } = JSON.parse(text);
    const at = new Date().toISOString();
    const of = { name: artifact.name, version: artifact.version ?? null, key: key ?? null };
    if (url === undefined) {
      const answer = { status: "present", code: "PROBE", verified: false, sourceSha256: null, storedSha256: null };
      return send("artifact.receipt", { artifact: of, ...answer, at });
    }
    const body = await fetchFile(sim, url);
    const sha256 = createHash("sha256").update(body).digest("hex");
    if (sha256 === artifact.sha256) stored.set(key, body);
    const answer = { status: "stored", code: null, verified: true, sourceSha256: sha256, storedSha256: sha256 };
    return send("artifact.receipt", { artifact: of, ...answer, at });
  }

  async function work(text: string): Promise<void> {
    const done = receive(text);
    channels.work.add(done);
    await done.finally(() => channels.work.delete(done));
  }

  sim.sns.subscribe(topicArn, {
    filterPolicy: { account: ["ALL", account], region: ["ALL", region] },
    deliver: ({ body }) => void work(body),
  });
  return { account, region, stored, register: () => send("consumer.registered", { capabilities: ["v2", "sha256"] }) };
}

/** Fetches a file, and again while the role that has signed its URL is new, as consumers do. */
async function fetchFile(sim: AwsSim, url: string): Promise<string> {
  for (let tries = 1; ; tries += 1) {
    const answer = await sim.fetch(url);
    if (answer.ok || tries === 100) return answer.text();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

interface ArtifactInput {
  readonly name: string;
  readonly version: string;
  readonly files: Readonly<Record<string, string>>;
}

/** Writes like an account with write access to the bucket. */
async function writeArtifact(sim: AwsSim, { name, version, files }: ArtifactInput): Promise<void> {
  const credentials = sim.iam.addUser({ ...SOURCE, name: "ada" });
  const s3 = new S3Client({ region: SOURCE.region, credentials });
  s3.middlewareStack.use(createSimPlugin(sim) as never);
  const folder = `artifacts/${name}/${version}/`;
  const put = (path: string, Body: string) =>
    s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: folder + path, Body }));
  for (const [path, body] of Object.entries(files)) await put(path, body);
  const listed = Object.entries(files).map(([path, body]) => {
    const sha256 = createHash("sha256").update(body).digest("hex");
    return { key: folder + path, sha256, size: body.length };
  });
  const createdAt = "2026-11-20T06:00:00Z";
  await put("manifest.json", toManifestText({ v: 1, name, version, createdAt, files: listed }));
}

function createListLogger(lines: string[]): Logger {
  const note = (message: string, fields?: object) => void lines.push(JSON.stringify([message, fields]));
  return { ...silentLogger, debug: note, info: note, warn: note, error: note };
}

function readActions(): readonly string[] {
  const readme = readFileSync(join(import.meta.dirname, "../../README.md"), "utf8");
  const [, json = "{}"] = /```json\n([\s\S]*?)```/.exec(readme) ?? [];
  return JSON.parse(json).Statement.flatMap(({ Action }: { readonly Action: readonly string[] }) => Action);
}
