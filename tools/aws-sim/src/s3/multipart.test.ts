import { createHash } from "node:crypto";
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  type CreateMultipartUploadCommandInput,
  GetObjectCommand,
  HeadObjectCommand,
  S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { describe, expect, it } from "vitest";
import { ACCOUNT, BUCKET, createWorld, OTHER } from "../testing/a-world.ts";

const MIB = 1_024 ** 2;
const PART = Buffer.alloc(5 * MIB, "a");
const REST = Buffer.from("rest");

function createS3() {
  const world = createWorld();
  const s3 = world.client(S3Client);
  const at = { Bucket: BUCKET, Key: "big" };
  const begin = async (more: Partial<CreateMultipartUploadCommandInput> = {}) => {
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ ...at, ...more }));
    return { ...at, ...more, UploadId: String(UploadId) };
  };
  type Upload = Awaited<ReturnType<typeof begin>>;
  const put = async ({ Bucket, Key, UploadId }: Upload, PartNumber: number, Body: Buffer, more: object = {}) => {
    const part = await s3.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body, ...more }));
    return { PartNumber, ETag: part.ETag, ChecksumSHA256: part.ChecksumSHA256 };
  };
  const complete = ({ Bucket, Key, UploadId }: Upload, Parts: object[], more: object = {}) =>
    s3.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts }, ...more }));
  return { ...world, s3, at, begin, put, complete };
}

describe("a multipart upload", () => {
  it("becomes one object when it is completed, and nothing before", async () => {
    const { s3, at, begin, put, complete, sim } = createS3();
    const upload = await begin({ ContentType: "application/zip", Metadata: { by: "me" } });
    const parts = [await put(upload, 1, PART), await put(upload, 2, REST)];
    expect(sim.s3.texts(BUCKET)).toEqual({});

    const { ETag } = await complete(upload, parts);

    const md5 = (body: Buffer) => createHash("md5").update(body).digest();
    const digest = createHash("md5").update(Buffer.concat([md5(PART), md5(REST)]));
    expect(ETag).toBe(`"${digest.digest("hex")}-2"`);
    const head = await s3.send(new HeadObjectCommand(at));
    expect(head).toMatchObject({ ETag, ContentLength: 5 * MIB + 4, ContentType: "application/zip" });
    expect(head.Metadata).toEqual({ by: "me" });
    const end = await s3.send(new GetObjectCommand({ ...at, Range: `bytes=${5 * MIB - 1}-` }));
    expect(await end.Body?.transformToString()).toBe("arest");
    expect(sim.s3.uploads(BUCKET)).toEqual([]);
  });

  it("is over when it was completed or aborted", async () => {
    const { s3, begin, put, complete } = createS3();
    const [done, aborted] = [await begin(), await begin()];
    await complete(done, [await put(done, 1, REST)]);
    await s3.send(new AbortMultipartUploadCommand(aborted));

    for (const upload of [done, aborted]) {
      const gone = { name: "NoSuchUpload", $metadata: { httpStatusCode: 404 } };
      await expect(put(upload, 2, REST)).rejects.toMatchObject(gone);
      await expect(complete(upload, [{ PartNumber: 1, ETag: "x" }])).rejects.toMatchObject(gone);
      await expect(s3.send(new AbortMultipartUploadCommand(upload))).rejects.toMatchObject(gone);
    }
  });

  it("refuses parts that are too small, in another order, missing or others", async () => {
    const { begin, put, complete, sim } = createS3();
    const upload = await begin();
    const [first, second] = [await put(upload, 1, REST), await put(upload, 2, PART)];
    const refuses = async (parts: object[], name: string) =>
      expect(complete(upload, parts)).rejects.toMatchObject({ name, $metadata: { httpStatusCode: 400 } });

    await refuses([first, second], "EntityTooSmall");
    await refuses([second, first], "InvalidPartOrder");
    await refuses([second, second], "InvalidPartOrder");
    await refuses([first, { PartNumber: 3, ETag: first.ETag }], "InvalidPart");
    await refuses([{ PartNumber: 1, ETag: second.ETag }], "InvalidPart");
    await refuses([], "MalformedXML");
    await expect(put(upload, 10_001, REST)).rejects.toMatchObject({ name: "InvalidArgument" });

    expect(sim.s3.texts(BUCKET)).toEqual({});
  });

  it("does not overwrite an existing object if the condition forbids it, and can still be aborted", async () => {
    const { s3, begin, put, complete, sim } = createS3();
    const upload = await begin();
    const parts = [await put(upload, 1, REST)];
    sim.s3.write(BUCKET, "big", "was first");

    await expect(complete(upload, parts, { IfNoneMatch: "*" })).rejects.toMatchObject({
      name: "PreconditionFailed",
      $metadata: { httpStatusCode: 412 },
    });

    expect(sim.s3.texts(BUCKET)).toEqual({ big: "was first" });
    await s3.send(new AbortMultipartUploadCommand(upload));
  });

  it("writes a part over that comes again", async () => {
    const { begin, put, complete, sim } = createS3();
    const upload = await begin();
    await put(upload, 1, PART);

    await complete(upload, [await put(upload, 1, REST)]);

    expect(sim.s3.texts(BUCKET)).toEqual({ big: "rest" });
  });

  it("checks digests of parts, and has a digest of them", async () => {
    const { s3, at, begin, put, complete } = createS3();
    const upload = await begin({ ChecksumAlgorithm: "SHA256" });
    const sha256 = (body: Buffer) => createHash("sha256").update(body).digest("base64");
    await expect(put(upload, 1, REST, { ChecksumSHA256: sha256(PART) })).rejects.toMatchObject({ name: "BadDigest" });
    const part = await put(upload, 1, REST, { ChecksumSHA256: sha256(REST) });
    const { PartNumber, ETag } = part;

    await expect(complete(upload, [{ PartNumber, ETag }])).rejects.toMatchObject({ name: "InvalidRequest" });
    await expect(complete(upload, [{ ...part, ChecksumSHA256: sha256(PART) }])).rejects.toMatchObject({
      name: "InvalidPart",
    });
    await complete(upload, [part]);

    const head = await s3.send(new HeadObjectCommand({ ...at, ChecksumMode: "ENABLED" }));
    expect([head.ChecksumSHA256, head.ChecksumType]).toEqual([expect.stringMatching(/^.{44}-1$/), "COMPOSITE"]);
  });
});

describe("lists", () => {});

describe("a bucket that discards", () => {
  it("knows size and digest of what is not there any more", async () => {
    const { s3, begin, put, complete, sim } = createS3();
    sim.s3.createBucket({ name: "sink", account: ACCOUNT, region: "eu-west-1", discards: true });
    const upload = await begin({ Bucket: "sink" });

    const { ETag } = await complete(upload, [await put(upload, 1, PART), await put(upload, 2, REST)]);

    expect(sim.s3.findObject("sink", "big")).toMatchObject({ size: 5 * MIB + 4, etag: ETag, body: Buffer.alloc(0) });
    const head = await s3.send(new HeadObjectCommand({ Bucket: "sink", Key: "big" }));
    expect(head.ContentLength).toBe(5 * MIB + 4);
  });
});

describe("the owner of a bucket", () => {
  it("is checked if it is sent", async () => {
    const { s3, at, sim } = createS3();
    sim.s3.write(BUCKET, "big", "x");

    await s3.send(new HeadObjectCommand({ ...at, ExpectedBucketOwner: ACCOUNT }));
    await expect(s3.send(new GetObjectCommand({ ...at, ExpectedBucketOwner: OTHER }))).rejects.toMatchObject({
      name: "AccessDenied",
      $metadata: { httpStatusCode: 403 },
    });
  });
});

describe("content that is generated", () => {
  it("is read by ranges, and takes no room", async () => {
    const { s3, at, sim } = createS3();
    const size = 10 * 1_024 ** 3;
    const read = (from: number, end: number) => [Buffer.from(`${from}..`), Buffer.from(String(end))];
    sim.s3.writeGenerated(BUCKET, "big", { size, read });

    const part = await s3.send(new GetObjectCommand({ ...at, Range: `bytes=${size - 20}-` }));

    expect(part).toMatchObject({ ContentLength: 20, ContentRange: `bytes ${size - 20}-${size - 1}/${size}` });
    expect(await part.Body?.transformToString()).toBe(`${size - 20}..${size}`);
  });
});
