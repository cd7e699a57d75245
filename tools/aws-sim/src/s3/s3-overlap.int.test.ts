import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { createFakeClock } from "@stackyard/core/testing";
import { buildApp } from "fauxqs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createAwsSim } from "../aws-sim.ts";
import { type S3UnderTest, s3Overlap } from "../s3/s3-overlap.ts";
import { createSimPlugin } from "../sim-plugin.ts";

const ACCOUNT = "111122223333";
let fauxqs: Fauxqs;
let buckets = 0;

beforeAll(async () => {
  fauxqs = await startFauxqs();
});
afterAll(() => fauxqs.stop());

async function createReal(): Promise<S3UnderTest> {
  buckets += 1;
  const bucket = `bucket-${buckets}`;
  await fauxqs.createBucket(bucket);
  return { client: fauxqs.s3, bucket };
}

async function createFake(): Promise<S3UnderTest> {
  const sim = createAwsSim({ clock: createFakeClock() });
  const credentials = sim.iam.addUser({ account: ACCOUNT, name: "app" });
  sim.s3.createBucket({ name: "bucket", account: ACCOUNT, region: "eu-west-1" });
  const client = new S3Client({ region: "eu-west-1", credentials, maxAttempts: 1 });
  client.middlewareStack.use(createSimPlugin(sim));
  return { client, bucket: "bucket" };
}

describe.each([
  ["the fake", createFake],
  ["the emulator", createReal],
])("S3 as %s", (_, create) => {
  for (const each of s3Overlap) it(each.name, () => each.run(create));
});

describe("STS", () => {
  it("says in both who asks", async () => {
    const sim = createAwsSim({ clock: createFakeClock() });
    const credentials = sim.iam.addUser({ account: ACCOUNT, name: "app" });
    const fake = new STSClient({ region: "eu-west-1", credentials });
    fake.middlewareStack.use(createSimPlugin(sim));

    for (const sts of [fake, fauxqs.sts]) {
      expect(await sts.send(new GetCallerIdentityCommand({}))).toMatchObject({
        Account: expect.stringMatching(/^\d{12}$/),
        Arn: expect.stringMatching(/^arn:aws:(iam|sts)::\d{12}:/),
        UserId: expect.any(String),
      });
    }
  });
});

/** The emulator over HTTP, on loopback only. */
interface Fauxqs {
  readonly s3: S3Client;
  readonly sts: STSClient;
  createBucket(name: string): Promise<void>;
  stop(): Promise<void>;
}

/** Starts it on a free port of 127.0.0.1; its own `startFauxqs` listens on all addresses. */
async function startFauxqs(): Promise<Fauxqs> {
  const app = buildApp({ logger: false });
  await app.listen({ host: "127.0.0.1", port: 0 });
  const address = app.server.address();
  if (address === null || typeof address === "string") throw new TypeError("The emulator listens on no port.");
  const common = {
    endpoint: `http://127.0.0.1:${address.port}`,
    region: "eu-west-1",
    maxAttempts: 1,
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  };
  const s3 = new S3Client({ ...common, forcePathStyle: true });
  const sts = new STSClient(common);
  return {
    s3,
    sts,
    createBucket: async (Bucket) => void (await s3.send(new CreateBucketCommand({ Bucket }))),
    async stop() {
      s3.destroy();
      sts.destroy();
      await app.close();
    },
  };
}
