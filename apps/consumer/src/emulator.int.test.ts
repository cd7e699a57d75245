import { createHash } from "node:crypto";
import { answerS3, createAwsSim, type FrontDoor, openFrontDoor } from "@stackyard/aws-sim";
import { silentLogger } from "@stackyard/core";
import { systemClock } from "@stackyard/core/engine";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createCopyApp } from "./create-copy-app.ts";
import { createProcessParts } from "./process-parts.ts";

const KEY = "billing-api/1.4.2/app.zip";
const CONTENT = "the app";
const OWN = { account: "444455556666", region: "eu-central-1" };

let door: FrontDoor;
/** Host and path of requests to a presigned URL. */
let signed: (readonly [host: string, path: string | undefined])[];
let sim: ReturnType<typeof createAwsSim>;

beforeEach(async () => {
  sim = createAwsSim({ clock: systemClock });
  sim.s3.createBucket({ ...OWN, name: "own-bucket" });
  signed = [];
  const plain = answerS3(sim);
  const s3: typeof plain = async (request) => {
    if (!request.path.includes("X-Amz-Signature=")) return plain(request);
    signed.push([String(request.headers["host"]), request.path.split("?")[0]]);
    return { status: 200, headers: { "content-length": String(CONTENT.length) }, body: Buffer.from(CONTENT) };
  };
  door = await openFrontDoor({ services: { s3 }, others: "http://127.0.0.1:1" });
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await door.stop();
});

function open(endpoint: string) {
  const { accessKeyId, secretAccessKey } = sim.iam.addUser({ account: OWN.account, name: "copy" });
  const environment = {
    AWS_ENDPOINT_URL: endpoint,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    CONSUMER_ACCOUNT_ID: OWN.account,
    CONSUMER_REGION: OWN.region,
    TRANSFER: "presigned",
    ARTIFACTS_BUCKET: "own-bucket",
    DISTRIBUTOR_BUCKET: "dist-bucket",
    DISTRIBUTION_TOPIC: "arn:aws:sns:eu-west-1:111122223333:topic",
  };
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  return createCopyApp({ ...createProcessParts(environment), logger: silentLogger });
}

function aMessage(host: string, path: string): string {
  const at = new Date().toISOString().replace(/[-:]|\.\d+/g, "");
  const query = new URLSearchParams({
    "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
    "X-Amz-Date": at,
    "X-Amz-Expires": "3600",
    "X-Amz-Credential": `AKIAEXAMPLE/${at.slice(0, 8)}/eu-west-1/s3/aws4_request`,
    "X-Amz-SignedHeaders": "host",
    "X-Amz-Signature": "0".repeat(64),
  });
  const sha256 = createHash("sha256").update(CONTENT).digest("hex");
  return JSON.stringify({
    v: 2,
    ArtifactKey: KEY,
    ArtifactUrl: `https://${host}${path}?${query}`,
    sequence: 1,
    artifact: { name: "billing-api", version: "1.4.2", size: CONTENT.length, sha256 },
    source: { bucket: "dist-bucket" },
  });
}

describe("a consumer whose environment names an emulator", () => {
  it.each([
    ["dist-bucket.s3.eu-west-1.amazonaws.com", `/${KEY}`],
    ["s3.eu-west-1.amazonaws.com", `/dist-bucket/${KEY}`],
  ])("fetches URLs of %s there, and writes into its bucket there", async (host, path) => {
    const app = open(door.url.replace("127.0.0.1", "localhost"));

    const answer = await app.handler({ Records: [{ messageId: "m-1", body: aMessage(host, path) }] });

    expect(answer).toEqual({ batchItemFailures: [] });
    expect(signed).toEqual([[host, path]]);
    expect(sim.s3.findObject("own-bucket", KEY)?.body.toString()).toBe(CONTENT);
  });

  it("rejects URLs with the emulator's own host name", async () => {
    const { host } = new URL(door.url);
    const app = open(door.url);

    await app.handler({ Records: [{ messageId: "m-1", body: aMessage(host, `/dist-bucket/${KEY}`) }] });

    expect(signed).toEqual([]);
    expect(sim.s3.findObject("own-bucket", KEY)).toBeUndefined();
  });
});
