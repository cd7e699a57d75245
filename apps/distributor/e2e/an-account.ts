import { join } from "node:path";
import {
  type AwsSim,
  answerJson,
  answerQuery,
  answerS3,
  answerStates,
  createAwsSim,
  openFrontDoor,
} from "@stackyard/aws-sim";
import { startDynamodb } from "@stackyard/aws-sim/dynamodb";
import { systemClock } from "@stackyard/core/engine";
import { createMortalLambda } from "@stackyard/lambda-host";
import { addConsumer, type Consumer } from "../src/testing/a-consumer.ts";
import { BUCKET, readActions, SOURCE, writeArtifact } from "../src/testing/source.ts";

const TABLE = "stackyard-distributor";
const ACCOUNT = "111122223333";

/** The roles of the function are new: their first calls are denied. */
const IAM_DELAY_MS = 2_000;

/** A distributor whose function runs in processes, behind its rules and its topic, all at one address. */
export interface Account {
  readonly sim: AwsSim;
  /** Events about artifacts that every consumer has stored. */
  readonly covered: readonly unknown[];
  /** Names of the operations of the records table that were denied. */
  readonly denied: readonly string[];
  /** A consumer in this region that the distributor trusts. */
  addConsumer(region: string): Consumer;
  publish(name: string, version: string, files: Readonly<Record<string, string>>): Promise<void>;
  invoke(event: unknown): Promise<unknown>;
  stop(): Promise<void>;
}

/** Starts it. Function and signer have the permissions of the README, and no others. */
export async function startAccount(): Promise<Account> {
  const sim = createAwsSim({
    clock: systemClock,
    iamDelayMs: IAM_DELAY_MS,
    oldUsers: ["ada", "consumer-eu-west-1", "consumer-us-east-1"],
  });
  const own = sim.iam.addUser({ ...SOURCE, name: "function", allow: readActions() });
  sim.iam.addRole({ ...SOURCE, name: "signer", allow: ["s3:GetObject", "s3:GetObjectVersion"] });
  sim.s3.createBucket({ ...SOURCE, name: BUCKET, versioned: true, notifies: true });
  const topicArn = sim.sns.addTopic({ ...SOURCE, name: "artifacts" });
  const busArn = sim.eventBridge.addBus({ ...SOURCE, name: "stackyard-receipts", allows: [ACCOUNT] });
  const table = await startDynamodb();
  await table.createTable(TABLE, "pk", "sk");
  const denied: string[] = [];
  const services = {
    s3: answerS3(sim),
    sns: answerQuery(sim, "SNS"),
    sts: answerQuery(sim, "STS"),
    events: answerJson(sim, "EventBridge"),
    states: answerStates(sim),
    dynamodb: table.url,
  };
  const door = await openFrontDoor({
    services,
    others: "http://127.0.0.1:1",
    onExchange: ({ service, operation }, { status }) => {
      if (service === "dynamodb" && status === 400) denied.push(operation);
    },
  });
  // The emulator of the table does not know IAM.
  door.refuseNew(own.accessKeyId, IAM_DELAY_MS);
  const lambda = createMortalLambda({
    bundle: join(import.meta.dirname, "../dist/lambda/index.mjs"),
    remainingMs: 900_000,
    environment: {
      AWS_REGION: SOURCE.region,
      AWS_ENDPOINT_URL: door.url,
      AWS_ACCESS_KEY_ID: own.accessKeyId,
      AWS_SECRET_ACCESS_KEY: own.secretAccessKey,
      LOG_LEVEL: "error",
      ARTIFACTS_BUCKET: BUCKET,
      ARTIFACT_PREFIX: "artifacts/",
      DISTRIBUTION_TOPIC: topicArn,
      RECORDS_TABLE: TABLE,
      TRUSTED_ACCOUNTS: ACCOUNT,
      SIGNER_ROLE: `arn:aws:iam::${SOURCE.account}:role/signer`,
    },
  });
  const covered: unknown[] = [];
  const channels = { sim, topicArn, busArn, work: new Set<Promise<void>>(), fetch: sim.fetch };
  wire(sim, lambda.invoke, covered);
  const delivery = setInterval(() => void sim.eventBridge.deliver(), 20);
  return {
    sim,
    covered,
    denied,
    addConsumer: (region) => addConsumer(channels, ACCOUNT, region),
    publish: (name, version, files) => writeArtifact(sim, { name, version, files }),
    invoke: lambda.invoke,
    async stop() {
      clearInterval(delivery);
      lambda.stop();
      await Promise.all([door.stop(), table.stop()]);
    },
  };
}

function wire(sim: AwsSim, target: (event: unknown) => Promise<unknown>, covered: unknown[]): void {
  sim.eventBridge.addRule({ ...SOURCE, pattern: { source: ["aws.s3"] }, target });
  const receipts = { source: ["stackyard.consumer"] };
  sim.eventBridge.addRule({ ...SOURCE, bus: "stackyard-receipts", pattern: receipts, target });
  sim.eventBridge.addRule({
    ...SOURCE,
    pattern: { source: ["stackyard.distributor"] },
    target: async (event: unknown) => void covered.push(event),
  });
}
