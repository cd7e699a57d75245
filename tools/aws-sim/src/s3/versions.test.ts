import { createHash } from "node:crypto";
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { describe, expect, it } from "vitest";
import { ACCOUNT, BUCKET, createWorld } from "../testing/a-world.ts";

const KEPT = "kept";

function createS3() {
  const world = createWorld();
  world.sim.s3.createBucket({ name: KEPT, account: ACCOUNT, region: "eu-west-1", versioned: true });
  const s3 = world.client(S3Client);
  const put = (Body: string, Bucket = KEPT, more: object = {}) =>
    s3.send(new PutObjectCommand({ Bucket, Key: "a", Body, ...more }));
  const read = async (VersionId?: string, Bucket = KEPT) => {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key: "a", ...(VersionId && { VersionId }) }));
    return Body?.transformToString();
  };
  const keep = (Status: "Enabled" | "Suspended") =>
    s3.send(new PutBucketVersioningCommand({ Bucket: BUCKET, VersioningConfiguration: { Status } }));
  const remove = (VersionId?: string) => s3.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: "a", VersionId }));
  /** Ids of all versions, the newest first; a marker of a deletion is told. */
  const list = async () => {
    const { Versions = [], DeleteMarkers = [] } = await s3.send(new ListObjectVersionsCommand({ Bucket: BUCKET }));
    const ids = Versions.map(({ VersionId, IsLatest }) => `${VersionId}${IsLatest ? " latest" : ""}`);
    return [
      ...ids,
      ...DeleteMarkers.map(({ VersionId, IsLatest }) => `marker ${VersionId}${IsLatest ? " latest" : ""}`),
    ];
  };
  return { ...world, s3, put, read, keep, remove, list };
}

describe("a bucket with versions", () => {
  it("keeps what was written over, each under its id", async () => {
    const { put, read, s3 } = createS3();
    const first = await put("one");
    const second = await put("two");

    expect(first.VersionId).not.toBe(second.VersionId);
    expect([await read(), await read(first.VersionId)]).toEqual(["two", "one"]);
    const head = await s3.send(new HeadObjectCommand({ Bucket: KEPT, Key: "a" }));
    expect(head.VersionId).toBe(second.VersionId);
  });

  it("keeps what was deleted", async () => {
    const { put, read, s3 } = createS3();
    const { VersionId } = await put("one");

    const { DeleteMarker } = await s3.send(new DeleteObjectCommand({ Bucket: KEPT, Key: "a" }));

    expect(DeleteMarker).toBe(true);
    await expect(read()).rejects.toMatchObject({ name: "NoSuchKey" });
    expect(await read(VersionId)).toBe("one");
  });

  it("knows no version of another key", async () => {
    const { put, s3 } = createS3();
    const { VersionId } = await put("one");

    await expect(s3.send(new GetObjectCommand({ Bucket: KEPT, Key: "b", VersionId }))).rejects.toMatchObject({
      name: "NoSuchVersion",
      $metadata: { httpStatusCode: 404 },
    });
  });

  it("is another than one without, which gives no ids", async () => {
    const { put } = createS3();

    expect((await put("one", BUCKET)).VersionId).toBeUndefined();
  });
});

describe("a bucket whose versioning is switched on late", () => {
  it("still has what was written before, as the version null", async () => {
    const { put, read, keep, list, s3 } = createS3();
    await put("before", BUCKET);
    await keep("Enabled");

    expect(await list()).toEqual(["null latest"]);
    const head = await s3.send(new HeadObjectCommand({ Bucket: BUCKET, Key: "a" }));
    expect(head.VersionId).toBe("null");

    const { VersionId } = await put("after", BUCKET);

    expect(await list()).toEqual([`${VersionId} latest`, "null"]);
    expect([await read(undefined, BUCKET), await read("null", BUCKET)]).toEqual(["after", "before"]);
  });

  it("lets that version be deleted, or be hidden by a marker", async () => {
    const { put, read, keep, remove, list } = createS3();
    await put("before", BUCKET);
    await keep("Enabled");

    const { VersionId } = await remove();
    expect(await list()).toEqual(["null", `marker ${VersionId} latest`]);
    expect(await remove(VersionId)).toMatchObject({ DeleteMarker: true, VersionId });
    expect(await read(undefined, BUCKET)).toBe("before");
    await remove("null");

    expect(await list()).toEqual([]);
  });

  it("writes over the version null again when it is suspended", async () => {
    const { put, keep, remove, list } = createS3();
    await put("before", BUCKET);
    await keep("Enabled");
    const { VersionId } = await put("after", BUCKET);
    await keep("Suspended");
    await put("last", BUCKET);

    expect(await list()).toEqual(["null latest", VersionId]);
    expect((await remove()).VersionId).toBe("null");
    expect(await list()).toEqual([VersionId, "marker null latest"]);
  });
});

describe("a bucket without versions", () => {
  it("has each object as the version null", async () => {
    const { put, read, remove, list, s3 } = createS3();
    await put("one", BUCKET);
    await put("two", BUCKET);

    expect(await list()).toEqual(["null latest"]);
    expect(await read("null", BUCKET)).toBe("two");
    expect((await s3.send(new HeadObjectCommand({ Bucket: BUCKET, Key: "a" }))).VersionId).toBeUndefined();
    await remove("null");
    expect(await list()).toEqual([]);
    await put("three", BUCKET);
    expect(await remove()).not.toHaveProperty("DeleteMarker", true);
    expect(await list()).toEqual([]);
  });
});

describe("a checksum", () => {
  const ChecksumSHA256 = createHash("sha256").update("one").digest("base64");

  it("is kept, and told to who asks for it", async () => {
    const { put, s3 } = createS3();
    await put("one", BUCKET, { ChecksumSHA256 });
    const at = { Bucket: BUCKET, Key: "a" };

    const plain = await s3.send(new HeadObjectCommand(at));
    const asked = await s3.send(new HeadObjectCommand({ ...at, ChecksumMode: "ENABLED" }));

    expect([plain.ChecksumSHA256, asked.ChecksumSHA256, asked.ChecksumType]).toEqual([
      ...[undefined, ChecksumSHA256, "FULL_OBJECT"],
    ]);
  });

  it("of another content is refused", async () => {
    const { put, sim } = createS3();

    await expect(put("two", BUCKET, { ChecksumSHA256 })).rejects.toMatchObject({ name: "BadDigest" });
    expect(sim.s3.texts(BUCKET)).toEqual({});
  });
});
