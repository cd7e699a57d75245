import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type PutObjectCommandInput,
  S3Client,
} from "@aws-sdk/client-s3";
import { describe, expect, it } from "vitest";
import { BUCKET, createWorld, OTHER } from "../testing/a-world.ts";

function createS3() {
  const world = createWorld();
  const client = world.client(S3Client);
  const put = (input: Partial<PutObjectCommandInput> = {}) =>
    client.send(new PutObjectCommand({ Bucket: BUCKET, Key: "a", Body: "x", ...input }));
  return { ...world, s3: client, put };
}

describe("a conditional write", () => {
  it("lets one of many win that write where nothing stands", async () => {
    const { put } = createS3();

    const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => put({ IfNoneMatch: "*" })));

    const lost = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason] : []));
    expect(lost).toHaveLength(19);
    for (const reason of lost) {
      expect(reason).toMatchObject({ name: "PreconditionFailed", $metadata: { httpStatusCode: 412 } });
    }
  });

  it("lets one of many win that write over the same ETag", async () => {
    const { put } = createS3();
    const { ETag } = await put();

    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, (_, n) => put({ IfMatch: ETag, Body: `body ${n}` })),
    );

    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  });

  it("is answered 404 over an ETag where nothing stands", async () => {
    const { put } = createS3();

    await expect(put({ IfMatch: '"e"' })).rejects.toMatchObject({
      name: "NoSuchKey",
      $metadata: { httpStatusCode: 404 },
    });
  });

  it("knows no other If-None-Match than the asterisk", async () => {
    const { put } = createS3();

    await expect(put({ IfNoneMatch: '"e"' })).rejects.toMatchObject({ name: "NotImplemented" });
    await expect(put({ IfNoneMatch: "*", IfMatch: '"e"' })).rejects.toMatchObject({ name: "NotImplemented" });
  });
});

describe("a conditional read or delete", () => {
  it("goes by the ETag", async () => {
    const { s3, put } = createS3();
    const { ETag } = await put();
    const at = { Bucket: BUCKET, Key: "a" };

    await expect(s3.send(new GetObjectCommand({ ...at, IfMatch: '"e"' }))).rejects.toMatchObject({
      name: "PreconditionFailed",
    });
    await expect(s3.send(new HeadObjectCommand({ ...at, IfNoneMatch: ETag }))).rejects.toMatchObject({
      $metadata: { httpStatusCode: 304 },
    });
    await expect(s3.send(new DeleteObjectCommand({ ...at, IfMatch: '"e"' }))).rejects.toMatchObject({
      name: "PreconditionFailed",
    });
    await s3.send(new DeleteObjectCommand({ ...at, IfMatch: ETag }));
    await expect(s3.send(new DeleteObjectCommand({ ...at, IfMatch: ETag }))).rejects.toMatchObject({
      name: "NoSuchKey",
    });
  });
});

describe("a bucket", () => {
  it("takes keys of 1,024 bytes and no byte more", async () => {
    const { put } = createS3();

    await put({ Key: "é".repeat(512) });

    await expect(put({ Key: `${"é".repeat(512)}a` })).rejects.toMatchObject({ name: "KeyTooLongError" });
  });

  it("is closed to other accounts, unless its policy lets them in", async () => {
    const { client, sim } = createWorld();
    const other = client(S3Client, sim.iam.addUser({ account: OTHER, name: "app" }));
    sim.s3.createBucket({ name: "open", account: "111122223333", region: "eu-west-1", sharedWith: [OTHER] });

    await expect(other.send(new ListObjectsV2Command({ Bucket: BUCKET }))).rejects.toMatchObject({
      name: "AccessDenied",
      $metadata: { httpStatusCode: 403 },
    });
    expect(await other.send(new ListObjectsV2Command({ Bucket: "open" }))).toMatchObject({ KeyCount: 0 });
  });

  it("is only served in its own region", async () => {
    const { client } = createWorld();

    await expect(
      client(S3Client, undefined, "us-east-1").send(new ListObjectsV2Command({ Bucket: BUCKET })),
    ).rejects.toMatchObject({
      name: "PermanentRedirect",
      $metadata: { httpStatusCode: 301 },
    });
  });

  it("hides which keys are missing from who may not list it", async () => {
    const { client, sim } = createWorld();
    const blind = client(
      S3Client,
      sim.iam.addUser({ account: "111122223333", name: "blind", allow: ["s3:GetObject"] }),
    );

    await expect(blind.send(new GetObjectCommand({ Bucket: BUCKET, Key: "a" }))).rejects.toMatchObject({
      name: "AccessDenied",
    });
    await expect(blind.send(new HeadObjectCommand({ Bucket: BUCKET, Key: "a" }))).rejects.toMatchObject({
      name: "AccessDenied",
    });
  });

  it("lists in the order of UTF-8 bytes, which the emulator does not", async () => {
    const { s3, put } = createS3();
    for (const key of ["b/1", "a", "é", "B", "b_", "\u{1f600}", "\uffee"]) await put({ Key: key });

    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: BUCKET }));

    expect(Contents.map(({ Key }) => Key)).toEqual(["B", "a", "b/1", "b_", "é", "\uffee", "\u{1f600}"]);
  });

  it("rejects a token of another listing", async () => {
    const { s3 } = createS3();

    await expect(s3.send(new ListObjectsV2Command({ Bucket: BUCKET, ContinuationToken: "x" }))).rejects.toMatchObject({
      name: "InvalidArgument",
    });
  });

  it("throttles with SlowDown, 503", async () => {
    const { put, sim, clock } = createS3();
    sim.limit("S3.PutObject", { perSecond: 2 });
    await put();
    await put();

    await expect(put()).rejects.toMatchObject({ name: "SlowDown", $metadata: { httpStatusCode: 503 } });
    await clock.advance(500);
    await put();
  });
});
