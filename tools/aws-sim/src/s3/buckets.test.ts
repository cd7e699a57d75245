import { createHash } from "node:crypto";
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketEncryptionCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketPolicyCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  GetPublicAccessBlockCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketPolicyCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { describe, expect, it } from "vitest";
import { ACCOUNT, BUCKET, createWorld, OTHER } from "../testing/a-world.ts";

const Bucket = "artifacts-111122223333-eu-west-1";
const CreateBucketConfiguration = { LocationConstraint: "eu-west-1" } as const;

function createS3() {
  const world = createWorld();
  const s3 = world.client(S3Client);
  const stranger = world.client(S3Client, world.sim.iam.addUser({ account: OTHER, name: "them" }));
  const create = (as = s3, more: object = {}) =>
    as.send(new CreateBucketCommand({ Bucket, CreateBucketConfiguration, ...more }));
  return { ...world, s3, stranger, create };
}

describe("CreateBucket", () => {
  it("takes a free name once, in all accounts", async () => {
    const { s3, stranger, create } = createS3();
    const taken = { $metadata: { httpStatusCode: 409 } };

    await create();

    await expect(create()).rejects.toMatchObject({ name: "BucketAlreadyOwnedByYou", ...taken });
    await expect(create(stranger)).rejects.toMatchObject({ name: "BucketAlreadyExists", ...taken });
    expect((await s3.send(new HeadBucketCommand({ Bucket }))).BucketRegion).toBe("eu-west-1");
  });

  it("wants the location of the endpoint and a name that can be one", async () => {
    const { create, client } = createS3();
    const home = client(S3Client, undefined, "us-east-1");

    // The client itself fills a location in that is left out.
    const elsewhere = { CreateBucketConfiguration: { LocationConstraint: "eu-central-1" } };
    await expect(create(undefined, elsewhere)).rejects.toMatchObject({
      name: "IllegalLocationConstraintException",
    });
    await expect(create(undefined, { Bucket: "A" })).rejects.toMatchObject({ name: "InvalidBucketName" });
    await home.send(new CreateBucketCommand({ Bucket: "first" }));
    await home.send(new CreateBucketCommand({ Bucket: "first" }));
  });

  it("is undone only when nothing is there", async () => {
    const { s3, create } = createS3();
    await create();
    await s3.send(new PutObjectCommand({ Bucket, Key: "a", Body: "x" }));

    await expect(s3.send(new DeleteBucketCommand({ Bucket }))).rejects.toMatchObject({ name: "BucketNotEmpty" });
    await s3.send(new DeleteObjectCommand({ Bucket, Key: "a" }));
    await s3.send(new DeleteBucketCommand({ Bucket }));

    const gone = { name: "NotFound", $metadata: { httpStatusCode: 404 } };
    await expect(s3.send(new HeadBucketCommand({ Bucket }))).rejects.toMatchObject(gone);
  });
});

describe("HeadBucket", () => {
  it("is forbidden for a bucket of another account, whatever the expected owner", async () => {
    const { s3, stranger } = createS3();

    await expect(stranger.send(new HeadBucketCommand({ Bucket: BUCKET }))).rejects.toMatchObject({
      $metadata: { httpStatusCode: 403 },
    });
    const ExpectedBucketOwner = OTHER;
    await expect(s3.send(new HeadBucketCommand({ Bucket: BUCKET, ExpectedBucketOwner }))).rejects.toMatchObject({
      $metadata: { httpStatusCode: 403 },
    });
  });
});

describe("settings", () => {
  it("are what was put, and are distinguished from missing ones", async () => {
    const { s3, create } = createS3();
    await create();
    const Rules = [{ ID: "uploads", Status: "Enabled" as const, Filter: {}, Expiration: { Days: 7 } }];

    await expect(s3.send(new GetBucketPolicyCommand({ Bucket }))).rejects.toMatchObject({ name: "NoSuchBucketPolicy" });
    await expect(s3.send(new GetBucketLifecycleConfigurationCommand({ Bucket }))).rejects.toMatchObject({
      name: "NoSuchLifecycleConfiguration",
      $metadata: { httpStatusCode: 404 },
    });
    await s3.send(new PutBucketPolicyCommand({ Bucket, Policy: '{"Statement":[]}' }));
    await s3.send(new PutBucketLifecycleConfigurationCommand({ Bucket, LifecycleConfiguration: { Rules } }));

    expect((await s3.send(new GetBucketPolicyCommand({ Bucket }))).Policy).toBe('{"Statement":[]}');
    expect((await s3.send(new GetBucketLifecycleConfigurationCommand({ Bucket }))).Rules).toEqual(Rules);
    const { PublicAccessBlockConfiguration: block } = await s3.send(new GetPublicAccessBlockCommand({ Bucket }));
    expect(block?.BlockPublicAcls).toBe(true);
    const { ServerSideEncryptionConfiguration: sse } = await s3.send(new GetBucketEncryptionCommand({ Bucket }));
    expect(sse?.Rules?.[0]?.ApplyServerSideEncryptionByDefault).toEqual({ SSEAlgorithm: "AES256" });
  });

  it("are the owner's matter", async () => {
    const { sim, stranger } = createS3();
    sim.s3.createBucket({ name: "shared", account: ACCOUNT, region: "eu-west-1", sharedWith: [OTHER] });

    const put = new PutBucketPolicyCommand({ Bucket: "shared", Policy: "{}" });

    await expect(stranger.send(put)).rejects.toMatchObject({ name: "AccessDenied" });
  });

  it("switch versions on from then on", async () => {
    const { s3 } = createS3();
    expect((await s3.send(new GetBucketVersioningCommand({ Bucket: BUCKET }))).Status).toBeUndefined();

    const on = { Bucket: BUCKET, VersioningConfiguration: { Status: "Enabled" as const } };
    await s3.send(new PutBucketVersioningCommand(on));

    const { VersionId } = await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: "a", Body: "x" }));
    expect(VersionId).toMatch(/^\w{32}$/);
    expect((await s3.send(new GetBucketVersioningCommand({ Bucket: BUCKET }))).Status).toBe("Enabled");
  });

  it("let EventBridge know what is created", async () => {
    const { s3, sim } = createS3();
    sim.s3.createBucket({ name: "loud", account: ACCOUNT, region: "eu-west-1", notifies: true });
    const put = (Bucket: string) => s3.send(new PutObjectCommand({ Bucket, Key: "a/b c.json", Body: "hello" }));
    await put(BUCKET);

    const { ETag } = await put("loud");

    expect(sim.eventBridge.waiting).toEqual([
      expect.objectContaining({
        source: "aws.s3",
        "detail-type": "Object Created",
        account: ACCOUNT,
        region: "eu-west-1",
        resources: ["arn:aws:s3:::loud"],
        detail: expect.objectContaining({
          bucket: { name: "loud" },
          reason: "PutObject",
          requester: ACCOUNT,
          object: { key: "a/b c.json", size: 5, etag: ETag?.replaceAll('"', ""), sequencer: expect.any(String) },
        }),
      }),
    ]);
  });
});

describe("versions", () => {
  it("are listed by key, the newest first, with markers of what was deleted", async () => {
    const { s3, sim } = createS3();
    sim.s3.createBucket({ name: "kept", account: ACCOUNT, region: "eu-west-1", versioned: true });
    const put = (Key: string) => s3.send(new PutObjectCommand({ Bucket: "kept", Key, Body: "x" }));
    const [b, a1, a2] = [await put("b"), await put("a"), await put("a")];
    const marker = await s3.send(new DeleteObjectCommand({ Bucket: "kept", Key: "b" }));

    const all = await s3.send(new ListObjectVersionsCommand({ Bucket: "kept" }));

    expect(all.Versions?.map(({ VersionId, IsLatest }) => [VersionId, IsLatest])).toEqual([
      [a2.VersionId, true],
      [a1.VersionId, false],
      [b.VersionId, false],
    ]);
    expect(all.DeleteMarkers).toMatchObject([{ Key: "b", VersionId: marker.VersionId, IsLatest: true }]);
  });

  it("are deleted permanently by their ids, and the newest of the rest is current", async () => {
    const { s3, sim } = createS3();
    sim.s3.createBucket({ name: "kept", account: ACCOUNT, region: "eu-west-1", versioned: true });
    const put = (Body: string) => s3.send(new PutObjectCommand({ Bucket: "kept", Key: "a", Body }));
    const [first, second] = [await put("one"), await put("two")];
    const remove = (VersionId: string | undefined) =>
      s3.send(new DeleteObjectsCommand({ Bucket: "kept", Delete: { Objects: [{ Key: "a", VersionId }] } }));

    await remove(second.VersionId);
    expect(sim.s3.texts("kept")).toEqual({ a: "one" });
    const { Deleted } = await remove(undefined);
    expect([sim.s3.texts("kept"), Deleted?.[0]?.DeleteMarker]).toEqual([{}, true]);
    await remove(Deleted?.[0]?.DeleteMarkerVersionId);
    expect(sim.s3.texts("kept")).toEqual({ a: "one" });
    await remove(first.VersionId);

    expect(sim.s3.texts("kept")).toEqual({});
    await s3.send(new DeleteBucketCommand({ Bucket: "kept" }));
  });
});

const KEPT = "kept";

function createVersionedS3() {
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
  /** Ids of all versions, the newest first; delete markers are labeled. */
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
    const { put, read, s3 } = createVersionedS3();
    const first = await put("one");
    const second = await put("two");

    expect(first.VersionId).not.toBe(second.VersionId);
    expect([await read(), await read(first.VersionId)]).toEqual(["two", "one"]);
    const head = await s3.send(new HeadObjectCommand({ Bucket: KEPT, Key: "a" }));
    expect(head.VersionId).toBe(second.VersionId);
  });

  it("keeps what was deleted", async () => {
    const { put, read, s3 } = createVersionedS3();
    const { VersionId } = await put("one");

    const { DeleteMarker } = await s3.send(new DeleteObjectCommand({ Bucket: KEPT, Key: "a" }));

    expect(DeleteMarker).toBe(true);
    await expect(read()).rejects.toMatchObject({ name: "NoSuchKey" });
    expect(await read(VersionId)).toBe("one");
  });

  it("knows no version of another key", async () => {
    const { put, s3 } = createVersionedS3();
    const { VersionId } = await put("one");

    await expect(s3.send(new GetObjectCommand({ Bucket: KEPT, Key: "b", VersionId }))).rejects.toMatchObject({
      name: "NoSuchVersion",
      $metadata: { httpStatusCode: 404 },
    });
  });

  it("is another than one without, which gives no ids", async () => {
    const { put } = createVersionedS3();

    expect((await put("one", BUCKET)).VersionId).toBeUndefined();
  });
});

describe("a bucket whose versioning is switched on late", () => {
  it("still has what was written before, as the version null", async () => {
    const { put, read, keep, list, s3 } = createVersionedS3();
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
    const { put, read, keep, remove, list } = createVersionedS3();
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
    const { put, keep, remove, list } = createVersionedS3();
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
    const { put, read, remove, list, s3 } = createVersionedS3();
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

  it("is kept, and returned on request", async () => {
    const { put, s3 } = createVersionedS3();
    await put("one", BUCKET, { ChecksumSHA256 });
    const at = { Bucket: BUCKET, Key: "a" };

    const plain = await s3.send(new HeadObjectCommand(at));
    const asked = await s3.send(new HeadObjectCommand({ ...at, ChecksumMode: "ENABLED" }));

    expect([plain.ChecksumSHA256, asked.ChecksumSHA256, asked.ChecksumType]).toEqual([
      ...[undefined, ChecksumSHA256, "FULL_OBJECT"],
    ]);
  });

  it("of another content is refused", async () => {
    const { put, sim } = createVersionedS3();

    await expect(put("two", BUCKET, { ChecksumSHA256 })).rejects.toMatchObject({ name: "BadDigest" });
    expect(sim.s3.texts(BUCKET)).toEqual({});
  });
});
