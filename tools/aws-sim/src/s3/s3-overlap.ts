import assert from "node:assert/strict";
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  paginateListObjectsV2,
  type S3Client,
} from "@aws-sdk/client-s3";
import type { ConformanceCase } from "@stackyard/core/testing";

/** An empty bucket behind a client that tries once. */
export interface S3UnderTest {
  readonly client: S3Client;
  readonly bucket: string;
}

function s3Case(name: string, run: (port: S3UnderTest) => Promise<void>): ConformanceCase<S3UnderTest> {
  return { name, run: async (create) => run(await create()) };
}

async function put({ client, bucket: Bucket }: S3UnderTest, Key: string, Body: string | Uint8Array = "x") {
  return client.send(new PutObjectCommand({ Bucket, Key, Body }));
}

async function listKeys({ client, bucket: Bucket }: S3UnderTest, input: object = {}): Promise<readonly string[]> {
  const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket, ...input }));
  return Contents.map(({ Key = "" }) => Key);
}

/** What the fakes and the emulator over HTTP must both do as S3 does it. */
export const s3Overlap: readonly ConformanceCase<S3UnderTest>[] = [
  s3Case("gives an object back as it was put, with the MD5 as its ETag", async (port) => {
    const Metadata = { stand: "1" };
    const input = { Bucket: port.bucket, Key: "a/b c.txt", Body: "né ✓", ContentType: "text/plain", Metadata };

    const written = await port.client.send(new PutObjectCommand(input));

    const got = await port.client.send(new GetObjectCommand({ Bucket: port.bucket, Key: "a/b c.txt" }));
    assert.equal(await got.Body?.transformToString(), "né ✓");
    assert.equal(written.ETag, '"a42b2bb7ca32afb202a11ca2d2cea805"');
    assert.deepEqual([got.ETag, got.ContentLength, got.ContentType], [written.ETag, 7, "text/plain"]);
    assert.deepEqual(got.Metadata, Metadata);
  }),

  s3Case("keeps bytes and empty objects as they are", async (port) => {
    const bytes = Uint8Array.from({ length: 256 }, (_, n) => n);
    await put(port, "bytes", bytes);
    await put(port, "empty", "");

    const got = await port.client.send(new GetObjectCommand({ Bucket: port.bucket, Key: "bytes" }));
    assert.deepEqual(await got.Body?.transformToByteArray(), bytes);
    const empty = await port.client.send(new HeadObjectCommand({ Bucket: port.bucket, Key: "empty" }));
    assert.equal(empty.ContentLength, 0);
  }),

  s3Case("names what is missing", async ({ client, bucket: Bucket }) => {
    const missing = { Bucket, Key: "missing" };
    await assert.rejects(client.send(new GetObjectCommand(missing)), { name: "NoSuchKey" });
    await assert.rejects(client.send(new HeadObjectCommand(missing)), { name: "NotFound" });
    await assert.rejects(client.send(new GetObjectCommand({ Bucket: "no-such-bucket", Key: "a" })), {
      name: "NoSuchBucket",
    });
    await assert.rejects(client.send(new ListObjectsV2Command({ Bucket: "no-such-bucket" })), { name: "NoSuchBucket" });
  }),

  s3Case("deletes what is there and what is not", async (port) => {
    await put(port, "a");

    for (let times = 0; times < 2; times += 1) {
      await port.client.send(new DeleteObjectCommand({ Bucket: port.bucket, Key: "a" }));
    }

    assert.deepEqual(await listKeys(port), []);
  }),

  s3Case("gives a part of an object", async (port) => {
    await put(port, "a", "0123456789");
    const read = async (Range: string) => {
      const got = await port.client.send(new GetObjectCommand({ Bucket: port.bucket, Key: "a", Range }));
      return [await got.Body?.transformToString(), got.ContentRange];
    };

    assert.deepEqual(await read("bytes=2-4"), ["234", "bytes 2-4/10"]);
    assert.deepEqual(await read("bytes=7-"), ["789", "bytes 7-9/10"]);
    assert.deepEqual(await read("bytes=-2"), ["89", "bytes 8-9/10"]);
  }),

  s3Case("lists in order, under a prefix and after a key", async (port) => {
    for (const key of ["b/2", "a", "b/1", "c"]) await put(port, key);

    assert.deepEqual(await listKeys(port), ["a", "b/1", "b/2", "c"]);
    assert.deepEqual(await listKeys(port, { Prefix: "b/" }), ["b/1", "b/2"]);
    assert.deepEqual(await listKeys(port, { StartAfter: "b/1" }), ["b/2", "c"]);
  }),

  s3Case("rolls keys up at a delimiter", async (port) => {
    for (const key of ["m/a.yml", "m/x/1", "m/x/2", "m/y/1", "n"]) await put(port, key);

    const input = { Bucket: port.bucket, Prefix: "m/", Delimiter: "/" };
    const { Contents, CommonPrefixes, KeyCount } = await port.client.send(new ListObjectsV2Command(input));

    assert.deepEqual(
      Contents?.map(({ Key }) => Key),
      ["m/a.yml"],
    );
    assert.deepEqual(CommonPrefixes, [{ Prefix: "m/x/" }, { Prefix: "m/y/" }]);
    assert.equal(KeyCount, 3);
  }),

  s3Case("lists page by page, and a page after a listing that was cut is the next one", async (port) => {
    for (let n = 0; n < 7; n += 1) await put(port, `k${n}`);
    const pages: string[][] = [];
    const paging = { client: port.client, pageSize: 3 };

    for await (const { Contents = [] } of paginateListObjectsV2(paging, { Bucket: port.bucket })) {
      pages.push(Contents.map(({ Key = "" }) => Key));
    }

    assert.deepEqual(pages, [["k0", "k1", "k2"], ["k3", "k4", "k5"], ["k6"]]);
  }),

  s3Case("gives at most a thousand keys at a time", async (port) => {
    const keys = Array.from({ length: 1_001 }, (_, n) => String(n).padStart(4, "0"));
    // No more at a time than a client has connections.
    for (let n = 0; n < keys.length; n += 50) await Promise.all(keys.slice(n, n + 50).map((key) => put(port, key)));

    const first = await port.client.send(new ListObjectsV2Command({ Bucket: port.bucket, MaxKeys: 5_000 }));

    assert.deepEqual([first.Contents?.length, first.IsTruncated], [1_000, true]);
    const ContinuationToken = first.NextContinuationToken;
    assert.deepEqual(await listKeys(port, { ContinuationToken }), ["1000"]);
  }),
];
