import { createHash } from "node:crypto";
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
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
  const read = async (VersionId?: string) => {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: KEPT, Key: "a", ...(VersionId && { VersionId }) }));
    return Body?.transformToString();
  };
  return { ...world, s3, put, read };
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
      ...{ name: "NoSuchVersion", $metadata: { httpStatusCode: 404 } },
    });
  });

  it("is another than one without, which gives no ids", async () => {
    const { put } = createS3();

    expect((await put("one", BUCKET)).VersionId).toBeUndefined();
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
