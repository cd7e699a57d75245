import { createAwsAccess, type LambdaContext } from "@stackyard/aws";
import { answerJson, answerQuery, answerS3, answerStates, createAwsSim, openFrontDoor } from "@stackyard/aws-sim";
import { startDynamodb } from "@stackyard/aws-sim/dynamodb";
import { createQuickClock, type Play, silenceEachCall } from "@stackyard/lambda-host";
import { expect, it } from "vitest";
import { createApp } from "./create-app.ts";
import { addConsumer } from "./testing/a-consumer.ts";
import { BUCKET, SOURCE, writeArtifact } from "./testing/source.ts";

const TABLE = "stackyard-distributor";
const ACCOUNT = "111122223333";

async function startPlay(): Promise<Play> {
  const clock = createQuickClock(8);
  const sim = createAwsSim({ clock });
  const own = sim.iam.addUser({ ...SOURCE, name: "function" });
  sim.iam.addRole({ ...SOURCE, name: "signer" });
  sim.s3.createBucket({ ...SOURCE, name: BUCKET, versioned: true, notifies: true });
  const topicArn = sim.sns.addTopic({ ...SOURCE, name: "artifacts" });
  const busArn = sim.eventBridge.addBus({ ...SOURCE, name: "stackyard-receipts", allows: [ACCOUNT] });
  const table = await startDynamodb();
  await table.createTable(TABLE, "pk", "sk");
  const services = {
    s3: answerS3(sim),
    sns: answerQuery(sim, "SNS"),
    sts: answerQuery(sim, "STS"),
    events: answerJson(sim, "EventBridge"),
    states: answerStates(sim),
    dynamodb: table.url,
  };
  const door = await openFrontDoor({ services, others: "http://127.0.0.1:1" });
  const told: unknown[] = [];
  const add = (...line: readonly unknown[]) => void told.push(line);
  const logger = { debug: add, info: add, warn: add, error: add };
  const app = createApp({
    environment: {
      ARTIFACTS_BUCKET: BUCKET,
      ARTIFACT_PREFIX: "artifacts/",
      DISTRIBUTION_TOPIC: topicArn,
      RECORDS_TABLE: TABLE,
      TRUSTED_ACCOUNTS: ACCOUNT,
      SIGNER_ROLE: `arn:aws:iam::${SOURCE.account}:role/signer`,
    },
    access: createAwsAccess({
      clock,
      logger,
      region: SOURCE.region,
      credentials: own,
      stsEndpoint: door.url,
      clientConfig: { endpoint: door.url, forcePathStyle: true },
      session: { name: "distributor" },
    }),
    clock,
    telemetry: { logger, tracing: { inject: () => ({}) }, invoke: (_fields, work) => work() },
    write: () => undefined,
  });
  const work = new Set<Promise<void>>();
  const covered: unknown[] = [];
  return {
    clock,
    functionMs: 60_000,
    door,
    told,
    async run(invoke) {
      const call = (label: string, event: unknown) =>
        invoke(label, (context: LambdaContext) => app.handler(event, context)).catch(() => undefined);
      const target = async (event: { readonly "detail-type": string }) =>
        void (await call(event["detail-type"], event));
      sim.eventBridge.addRule({ ...SOURCE, pattern: { source: ["aws.s3"] }, target });
      const receipts = { source: ["stackyard.consumer"] };
      sim.eventBridge.addRule({ ...SOURCE, bus: "stackyard-receipts", pattern: receipts, target });
      const notices = { source: ["stackyard.distributor"] };
      sim.eventBridge.addRule({ ...SOURCE, pattern: notices, target: async (event) => void covered.push(event) });
      const consumer = addConsumer({ sim, topicArn, busArn, work, fetch: sim.fetch }, ACCOUNT, "eu-west-1");
      const settle = async () => {
        await Promise.all(work);
        await sim.eventBridge.deliver();
        if (work.size > 0 || sim.eventBridge.waiting.length > 0) await settle();
      };
      await consumer.register();
      await settle();
      await writeArtifact(sim, { name: "billing-api", version: "1.4.2", files: { "app.zip": "the app" } });
      await settle();
      await call("schedule", { op: "schedule" });
      await settle();
      await call("coverage", { op: "coverage" });
      return { stored: [...consumer.stored.keys()], covered: covered.length };
    },
    async stop() {
      await door.stop();
      await table.stop();
    },
  };
}

it("answers in time when any call of AWS is silent, and names the call", async () => {
  const silenced = await silenceEachCall(startPlay);

  expect(silenced.length).toBeGreaterThan(15);
  expect(silenced.filter(({ late }) => late.length > 0)).toEqual([]);
  expect(silenced.filter(({ isNamed, isAsGood }) => !isNamed && !isAsGood)).toEqual([]);
});
