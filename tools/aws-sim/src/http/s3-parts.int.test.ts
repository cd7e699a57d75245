import { createHash } from "node:crypto";
import { request } from "node:http";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectsCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketPolicyCommand,
  GetObjectCommand,
  GetPublicAccessBlockCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketPolicyCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BUCKET, createWorld } from "../testing/a-world.ts";
import { type FrontDoor, openFrontDoor } from "./front-door.ts";
import { answerS3 } from "./s3-door.ts";

const { sim, clock, credentials, client } = createWorld();
const MIB = 1_024 ** 2;
let door: FrontDoor;
let s3: S3Client;

beforeAll(async () => {
  door = await openFrontDoor({ services: { s3: answerS3(sim) }, others: "http://127.0.0.1:1" });
  s3 = new S3Client({ endpoint: door.url, region: "eu-west-1", credentials, maxAttempts: 1, forcePathStyle: true });
});
afterAll(async () => {
  s3.destroy();
  await door.stop();
});

describe("multipart uploads over HTTP", () => {
  it("are begun and completed", async () => {
    const at = { Bucket: BUCKET, Key: "parts/a b.bin" };
    const begun = await s3.send(new CreateMultipartUploadCommand({ ...at, Metadata: { by: "me" } }));
    const upload = { ...at, UploadId: String(begun.UploadId) };
    const bodies = [Buffer.alloc(5 * MIB, "a"), Buffer.from("end")];
    const Parts = [];
    for (const [index, Body] of bodies.entries()) {
      const PartNumber = index + 1;
      const { ETag } = await s3.send(new UploadPartCommand({ ...upload, PartNumber, Body }));
      Parts.push({ PartNumber, ETag });
    }

    const done = await s3.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } }));

    expect(done).toMatchObject({ ETag: expect.stringMatching(/-2"$/), Key: at.Key });
    const head = await s3.send(new HeadObjectCommand(at));
    expect(head).toMatchObject({ ContentLength: 5 * MIB + 3, Metadata: { by: "me" } });
    const again = new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } });
    await expect(s3.send(again)).rejects.toMatchObject({ name: "NoSuchUpload" });
  });
});

describe("checksums over HTTP", () => {
  it("are those that the client computes, also behind a stream", async () => {
    const sha256 = (text: string) => createHash("sha256").update(text).digest("base64");
    const put = (Key: string, Body: string | Readable, more: object = {}) =>
      s3.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body, ChecksumAlgorithm: "SHA256", ...more }));

    await put("text", "one");
    await put("stream", Readable.from([Buffer.from("two")]), { ContentLength: 3 });

    expect(sim.s3.findObject(BUCKET, "text")?.checksumSha256).toBe(sha256("one"));
    expect(sim.s3.findObject(BUCKET, "stream")?.checksumSha256).toBe(sha256("two"));
    await expect(put("wrong", "one", { ChecksumSHA256: sha256("two") })).rejects.toMatchObject({ name: "BadDigest" });
  });
});

describe("buckets over HTTP", () => {
  it("are created and configured, and return their settings", async () => {
    const Bucket = "made-over-http";
    const Rules = [
      {
        ID: "a<b",
        Status: "Enabled" as const,
        Filter: { Prefix: "" },
        AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 },
      },
    ];
    await s3.send(new CreateBucketCommand({ Bucket, CreateBucketConfiguration: { LocationConstraint: "eu-west-1" } }));
    await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: "Enabled" } }));
    await s3.send(new PutBucketPolicyCommand({ Bucket, Policy: '{"Statement":[]}' }));
    await s3.send(new PutBucketLifecycleConfigurationCommand({ Bucket, LifecycleConfiguration: { Rules } }));
    const { VersionId } = await s3.send(new PutObjectCommand({ Bucket, Key: "a", Body: "x" }));

    const { Versions } = await s3.send(new ListObjectVersionsCommand({ Bucket }));
    const deletion = { Objects: [{ Key: "a", VersionId }] };
    const { Deleted } = await s3.send(new DeleteObjectsCommand({ Bucket, Delete: deletion }));

    expect((await s3.send(new GetBucketPolicyCommand({ Bucket }))).Policy).toBe('{"Statement":[]}');
    expect((await s3.send(new GetBucketLifecycleConfigurationCommand({ Bucket }))).Rules).toEqual(Rules);
    const { PublicAccessBlockConfiguration: block } = await s3.send(new GetPublicAccessBlockCommand({ Bucket }));
    expect(block?.RestrictPublicBuckets).toBe(true);
    expect([Versions?.[0]?.VersionId, Deleted?.[0]?.VersionId]).toEqual([VersionId, VersionId]);
    expect(sim.s3.texts(Bucket)).toEqual({});
  });
});

describe("large objects over HTTP", () => {
  it("are streamed from where they are made", async () => {
    const size = 40 * MIB;
    let made = 0;
    function* read(from: number, end: number): Iterable<Uint8Array> {
      for (let at = from; at < end; at += MIB) {
        made += 1;
        yield Buffer.alloc(Math.min(MIB, end - at), at / MIB);
      }
    }
    sim.s3.writeGenerated(BUCKET, "large", { size, read });

    const { Body, ContentLength } = await s3.send(new GetObjectCommand({ Bucket: BUCKET, Key: "large" }));
    const iterator = (Body as AsyncIterable<Buffer> | undefined)?.[Symbol.asyncIterator]();
    const first = await iterator?.next();
    const madeAtFirst = made;
    await iterator?.return?.();

    expect([ContentLength, first?.value?.[0]]).toEqual([size, 0]);
    // What is not read is not made, but for what lies in buffers on the way.
    expect(madeAtFirst).toBeLessThan(40);
  });
});

describe("presigned URLs over HTTP", () => {
  async function sign(key: string, expiresIn = 900): Promise<URL> {
    const signingDate = new Date(clock.now());
    const command = new GetObjectCommand({ Bucket: BUCKET, Key: key });
    return new URL(await getSignedUrl(client(S3Client), command, { expiresIn, signingDate }));
  }

  function get({ host, pathname, search }: URL, headers: Readonly<Record<string, string>> = {}) {
    return new Promise<{ status: number | undefined; length: string | undefined; text: string }>((resolve, reject) => {
      const sent = request(`${door.url}${pathname}${search}`, { headers: { host, ...headers } }, (answer) => {
        const { statusCode: status, headers: answered } = answer;
        const end = (body: Buffer) => resolve({ status, length: answered["content-length"], text: body.toString() });
        buffer(answer).then(end, reject);
      });
      sent.on("error", reject).end();
    });
  }

  it("return what their holder requests, at the host that they were signed for", async () => {
    sim.s3.write(BUCKET, "a/b c.zip", "0123456789");
    const url = await sign("a/b c.zip");

    expect(url.host).toBe(`${BUCKET}.s3.eu-west-1.amazonaws.com`);
    expect(await get(url)).toEqual({ status: 200, length: "10", text: "0123456789" });
    expect(await get(url, { range: "bytes=2-3" })).toEqual({ status: 206, length: "2", text: "23" });
    expect((await get(url, { range: "bytes=10-" })).status).toBe(416);
    expect(await get(url, { host: `other.s3.eu-west-1.amazonaws.com` })).toMatchObject({
      status: 403,
      text: expect.stringContaining("<Code>SignatureDoesNotMatch</Code>"),
    });
  });

  it("are over at their end, and with a changed end", async () => {
    sim.s3.write(BUCKET, "late", "x");
    const url = await sign("late", 60);
    await clock.advance(60_000);

    const late = await get(url);
    url.searchParams.set("X-Amz-Expires", "600");
    const forged = await get(url);

    expect([late.status, late.text]).toEqual([403, expect.stringContaining("<Message>Request has expired</Message>")]);
    expect([forged.status, forged.text]).toEqual([403, expect.stringContaining("SignatureDoesNotMatch")]);
  });
});
