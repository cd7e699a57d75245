import { createHash } from "node:crypto";
import { createAwsAccess, type LambdaContext } from "@stackyard/aws";
import {
  answerJson,
  answerQuery,
  answerS3,
  answerStates,
  createAwsSim,
  createResourceLife,
  openFrontDoor,
} from "@stackyard/aws-sim";
import { createQuickClock, type Play, silenceEachCall } from "@stackyard/lambda-host";
import { describe, expect, it } from "vitest";
import { createCopyApp } from "./create-copy-app.ts";
import { createResourcesApp } from "./create-resources-app.ts";

const DISTRIBUTOR = { account: "111122223333", region: "eu-west-1" } as const;
const CONSUMER = { account: "444455556666", region: "eu-central-1" } as const;
const BUCKET = "own-bucket";
const FILE = { key: "billing-api/1.4.2/app.zip", body: Buffer.alloc(1_000, "a") };
const DONE = { StartAt: "Done", States: { Done: { Type: "Succeed" } } };

/** The parts of both functions, which reach AWS at one address. */
async function startParts() {
  const clock = createQuickClock(8);
  const sim = createAwsSim({ clock });
  const credentials = sim.iam.addUser({ ...CONSUMER, name: "function" });
  const door = await openFrontDoor({
    services: {
      s3: answerS3(sim),
      states: answerStates(sim),
      events: answerJson(sim, "EventBridge"),
      sqs: answerJson(sim, "SQS"),
      sts: answerQuery(sim, "STS"),
    },
    others: "http://127.0.0.1:1",
  });
  const told: unknown[] = [];
  const add = (...line: readonly unknown[]) => void told.push(line);
  const logger = { debug: add, info: add, warn: add, error: add };
  const access = (region: string) =>
    createAwsAccess({
      clock,
      logger,
      region,
      credentials,
      stsEndpoint: door.url,
      clientConfig: { endpoint: door.url, forcePathStyle: true },
      session: { name: "consumer", seconds: 900 },
    });
  const environment = {
    CONSUMER_ACCOUNT_ID: CONSUMER.account,
    CONSUMER_REGION: CONSUMER.region,
    ARTIFACTS_BUCKET: BUCKET,
    RECEIPT_BUS: sim.eventBridge.addBus({ ...DISTRIBUTOR, name: "receipts", allows: [CONSUMER.account] }),
  };
  return { clock, sim, door, told, environment, parts: { access, clock, logger } };
}

async function startResource(name: "initialSet" | "bucket"): Promise<Play> {
  const { clock, sim, door, told, environment, parts } = await startParts();
  const role = sim.iam.addRole({ ...DISTRIBUTOR, name: "TriggerInitSetRole", trusts: [CONSUMER.account] });
  const machine = sim.stepFunctions.addStateMachine({ ...DISTRIBUTOR, name: "InitialSet", definition: DONE });
  const app = createResourcesApp({
    ...parts,
    environment: { ...environment, INITIAL_DISTRIBUTION_MACHINE: machine, INITIAL_DISTRIBUTION_ROLE: role.arn },
    fetch: (url, init) => sim.answers.fetch(url instanceof Request ? url.url : url, init),
  });
  return {
    clock,
    functionMs: 60_000,
    door,
    told,
    async run(invoke) {
      const life = createResourceLife({
        clock,
        endpoint: sim.answers,
        resourceType: name === "bucket" ? "Custom::AdoptedBucket" : "Custom::InitialSetTrigger",
        invoke: (event) =>
          invoke(event.RequestType, async (context: LambdaContext) => {
            await app[name](event, context);
            return sim.answers.findAnswer(event.RequestId)?.answer?.Reason;
          }),
      });
      const properties = name === "bucket" ? { BucketName: BUCKET } : { Version: "1", WaitForInitialSet: "true" };
      const created = await life.create(properties);
      const deleted = created.status === "CREATE_COMPLETE" ? await life.delete() : created.followedBy[0];
      // Whatever is silent, a stack can be deleted.
      expect(deleted?.status).toBe("DELETE_COMPLETE");
      return created.status;
    },
    stop: () => door.stop(),
  };
}

async function startCopy(): Promise<Play> {
  const { clock, sim, door, told, environment, parts } = await startParts();
  sim.s3.createBucket({ ...DISTRIBUTOR, name: "dist-bucket", sharedWith: [CONSUMER.account] });
  sim.s3.createBucket({ ...CONSUMER, name: BUCKET, versioned: true });
  sim.s3.write("dist-bucket", FILE.key, FILE.body);
  const app = createCopyApp({
    ...parts,
    environment: {
      ...environment,
      TRANSFER: "identity",
      DISTRIBUTOR_BUCKET: "dist-bucket",
      DISTRIBUTION_TOPIC: "arn:aws:sns:eu-west-1:111122223333:topic",
      PARKING_QUEUE_URL: sim.sqs.addQueue({ ...CONSUMER, name: "parking" }),
    },
  });
  return {
    clock,
    functionMs: 60_000,
    door,
    told,
    async run(invoke) {
      const event = { Records: [{ messageId: "m-1", body: aMessage(), attributes: {} }] };
      const answer = await invoke("message", (context: LambdaContext) => app.handler(event, context));
      return { answer, stored: sim.s3.findObject(BUCKET, FILE.key)?.body.length };
    },
    stop: () => door.stop(),
  };
}

function aMessage(): string {
  const { key, body } = FILE;
  return JSON.stringify({
    v: 2,
    ArtifactKey: key,
    ArtifactUrl: toUrl(key),
    distributionId: "d-1",
    sequence: 1,
    artifact: {
      name: "billing-api",
      version: "1.4.2",
      size: body.length,
      sha256: createHash("sha256").update(body).digest("hex"),
    },
    source: { ...DISTRIBUTOR, bucket: "dist-bucket" },
    target: { account: "ALL", region: "ALL" },
  });
}

/** Returns a URL with an invalid signature: the function reads with its role. */
function toUrl(key: string): string {
  const at = new Date().toISOString().replace(/[-:]|\.\d+/g, "");
  const query = new URLSearchParams({
    "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
    "X-Amz-Date": at,
    "X-Amz-Expires": "36000",
    "X-Amz-Credential": `AKIAEXAMPLE/${at.slice(0, 8)}/${DISTRIBUTOR.region}/s3/aws4_request`,
    "X-Amz-SignedHeaders": "host",
    "X-Amz-Signature": "0".repeat(64),
  });
  return `https://dist-bucket.s3.${DISTRIBUTOR.region}.amazonaws.com/${key}?${query}`;
}

describe("when any call of AWS is silent", () => {
  it.each([
    ["initialSet", () => startResource("initialSet"), 4],
    ["bucket", () => startResource("bucket"), 8],
    ["copy", startCopy, 3],
  ] as const)("%s answers in time and names the call", async (_name, start, least) => {
    const silenced = await silenceEachCall(start);

    expect(silenced.length).toBeGreaterThanOrEqual(least);
    expect(silenced.filter(({ late }) => late.length > 0)).toEqual([]);
    expect(silenced.filter(({ isNamed, isAsGood }) => !isNamed && !isAsGood)).toEqual([]);
  });
});
