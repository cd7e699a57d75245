import type { RequestListener } from "node:http";
import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { createS3Records } from "@stackyard/aws/s3";
import { type AwsSim, answerS3, createAwsSim, openFrontDoor } from "@stackyard/aws-sim";
import { createFakeClock } from "@stackyard/core/testing";
import { afterEach, describe, expect, it } from "vitest";
import { anAnnouncement, anOldAnnouncement, digest, someBytes, TARGET } from "../testing/a-copier.ts";
import { KEY, NOW } from "../testing/a-message.ts";
import { openSource } from "../testing/a-source.ts";
import { createCopier } from "./copier.ts";
import { createCopyMemory } from "./copy-memory.ts";
import { createSourceFetch } from "./source-fetch.ts";

const MIB = 1_024 ** 2;
const SOURCE = { account: "111122223333", region: "eu-west-1", bucket: "dist-bucket" };
const BYTES = someBytes(11 * MIB);
const PARTS = [0, 5 * MIB, 10 * MIB].map((from) => BYTES.subarray(from, from + 5 * MIB));
const MANIFEST_KEY = "billing-api/1.4.2/manifest.json";
const MANIFEST = JSON.stringify({
  files: [
    {
      key: KEY,
      size: BYTES.length,
      sha256: digest(BYTES),
      parts: PARTS.map((bytes) => ({ size: bytes.length, sha256: digest(bytes) })),
    },
  ],
});

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** Distributor and consumer over HTTP; `elsewhere`: what answers in the place of the source bucket. */
async function createWorld(elsewhere?: RequestListener) {
  const clock = createFakeClock(NOW);
  const sim = createAwsSim({ clock });
  sim.s3.createBucket({ name: TARGET.bucket, account: TARGET.account, region: TARGET.region });
  sim.s3.createBucket({ name: SOURCE.bucket, account: SOURCE.account, region: SOURCE.region });
  sim.s3.write(SOURCE.bucket, KEY, BYTES);
  sim.s3.write(SOURCE.bucket, MANIFEST_KEY, MANIFEST);
  const door = await openFrontDoor({ services: { s3: answerS3(sim) }, others: "http://127.0.0.1:1" });
  ends.push(door.stop);
  const credentials = sim.iam.addUser({ account: TARGET.account, name: "consumer" });
  const client = new S3Client({ endpoint: door.url, region: TARGET.region, credentials, maxAttempts: 1 });
  ends.push(() => client.destroy());
  const other = elsewhere === undefined ? undefined : await openSource(elsewhere);
  if (other !== undefined) ends.push(other.close);
  const records = createS3Records({ client, bucket: TARGET.bucket, prefix: ".stackyard/", clock });
  const copier = createCopier({
    fetch: createSourceFetch({
      rules: SOURCE,
      origin: () => other?.origin ?? door.url,
      ...(other !== undefined && { idleTimeoutMs: 2_000 }),
    }),
    target: { ...TARGET, client },
    source: SOURCE,
    transfer: "presigned",
    clock,
    wholeBytes: 5 * MIB,
    memory: createCopyMemory(records, clock),
  });
  return { sim, clock, copier, sign: (key: string) => sign(sim, key) };
}

function sign(sim: AwsSim, Key: string): Promise<string> {
  const credentials = sim.iam.addUser({ account: SOURCE.account, name: `signer of ${Key}` });
  const client = new S3Client({ region: SOURCE.region, credentials });
  const options = { expiresIn: 3_600, signingDate: new Date(NOW) };
  return getSignedUrl(client, new GetObjectCommand({ Bucket: SOURCE.bucket, Key }), options);
}

async function aMessage(sign: (key: string) => Promise<string>) {
  const manifest = { key: MANIFEST_KEY, sha256: digest(Buffer.from(MANIFEST)), url: await sign(MANIFEST_KEY) };
  return { ...anAnnouncement(BYTES), ArtifactUrl: await sign(KEY), manifest };
}

describe("a copy over HTTP", () => {
  it("brings a large file over in parts, by presigned URLs", { tags: "adapter" }, async () => {
    const { sim, copier, sign } = await createWorld();

    const outcome = await copier.copy({ message: await aMessage(sign) });

    expect(outcome).toMatchObject({ kind: "stored", verified: true, sourceSha256: digest(BYTES) });
    const stored = sim.s3.findObject(TARGET.bucket, KEY);
    expect([stored?.body.equals(BYTES), stored?.etag.endsWith('-3"')]).toEqual([true, true]);
  });

  it("brings a file over of which nothing is known", async () => {
    const { sim, copier, sign } = await createWorld();

    const outcome = await copier.copy({ message: { ...anOldAnnouncement(), ArtifactUrl: await sign(KEY) } });

    expect(outcome).toMatchObject({ kind: "stored", verified: false, sourceSha256: digest(BYTES) });
    expect(sim.s3.findObject(TARGET.bucket, KEY)?.body.equals(BYTES)).toBe(true);
  });

  it("puts a small file", async () => {
    const { sim, copier, sign } = await createWorld();
    const small = Buffer.from("the artifact");
    sim.s3.write(SOURCE.bucket, KEY, small);
    const message = { ...anAnnouncement(small), ArtifactUrl: await sign(KEY) };

    const kinds = [(await copier.copy({ message })).kind, (await copier.copy({ message })).kind];

    expect([kinds, sim.s3.texts(TARGET.bucket)[KEY]]).toEqual([["stored", "present"], "the artifact"]);
  });

  it("requests another URL when this one has expired", async () => {
    const { copier, clock, sign } = await createWorld();
    const message = await aMessage(sign);
    await clock.advance(3_600_000);

    expect(await copier.copy({ message })).toMatchObject({ kind: "refresh", code: "URL_EXPIRED" });
  });

  it("sends an upload that loses its source no further, and leaves nothing", async () => {
    const { sim, copier, sign } = await createWorld((_request, response) => {
      response.writeHead(200, { "Content-Length": BYTES.length });
      response.write(BYTES.subarray(0, 7 * MIB), () => response.destroy());
    });
    const { manifest: _none, ...message } = await aMessage(sign);

    expect(await copier.copy({ message })).toMatchObject({ kind: "retry", code: "SOURCE_UNAVAILABLE" });
    expect([sim.s3.findObject(TARGET.bucket, KEY), sim.s3.uploads(TARGET.bucket)]).toEqual([undefined, []]);
  });

  it("stops sending a part that loses its source, and continues with it later", async () => {
    let calls = 0;
    const { sim, copier, sign } = await createWorld(({ url = "", headers }, response) => {
      if (url.includes("manifest.json")) return response.end(MANIFEST);
      const [, from = 0, to = 0] = (/bytes=(\d+)-(\d+)/.exec(headers.range ?? "") ?? []).map(Number);
      const bytes = BYTES.subarray(from, to + 1);
      const range = `bytes ${from}-${to}/${BYTES.length}`;
      response.writeHead(206, { "Content-Length": bytes.length, "Content-Range": range });
      calls += 1;
      if (calls > 1) return response.end(bytes);
      return response.write(bytes.subarray(0, 3 * MIB), () => response.destroy());
    });
    const message = await aMessage(sign);

    const outcomes = [await copier.copy({ message }), await copier.copy({ message })];

    expect(outcomes).toMatchObject([
      { kind: "retry", code: "SOURCE_UNAVAILABLE" },
      { kind: "stored", verified: true },
    ]);
    expect(sim.s3.findObject(TARGET.bucket, KEY)?.body.equals(BYTES)).toBe(true);
  });

  it("says nothing of the URL, whatever happens", async () => {
    const said: string[] = [];
    for (const status of [200, 206, 301, 307, 400, 403, 404, 416, 500]) {
      const { copier, sign } = await createWorld((request, response) =>
        response.writeHead(status, { Location: `https://${request.headers.host}${request.url}` }).end(request.url),
      );
      const { manifest: _none, ...message } = await aMessage(sign);
      said.push(JSON.stringify(await copier.copy({ message })));
    }

    expect(said).toHaveLength(9);
    for (const text of said) expect(text).not.toMatch(/X-Amz|Signature|https:/);
  });
});
