import { Readable } from "node:stream";
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { afterAll, beforeAll, expect, it } from "vitest";
import { s3Overlap } from "../s3/s3-overlap.ts";
import { ACCOUNT, BUCKET, createWorld } from "../testing/a-world.ts";
import { type FrontDoor, openFrontDoor } from "./front-door.ts";
import { answerS3 } from "./s3-door.ts";

const { sim, clock, credentials } = createWorld();
let door: FrontDoor;
let s3: S3Client;

beforeAll(async () => {
  door = await openFrontDoor({ services: { s3: answerS3(sim) }, others: "http://127.0.0.1:1" });
  s3 = new S3Client({ endpoint: door.url, region: "eu-west-1", credentials, maxAttempts: 1 });
});
afterAll(async () => {
  s3.destroy();
  await door.stop();
});

for (const [index, each] of s3Overlap.entries()) {
  it(each.name, async () => {
    const bucket = `overlap-${index}`;
    sim.s3.createBucket({ name: bucket, account: ACCOUNT, region: "eu-west-1" });

    await each.run(async () => ({ client: s3, bucket }));
  });
}

it("lets one of many win that write where nothing stands", async () => {
  const write = (n: number) =>
    s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: "lock", Body: `owner ${n}`, IfNoneMatch: "*" }));

  const outcomes = await Promise.allSettled(Array.from({ length: 10 }, (_, n) => write(n)));

  const lost = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason] : []));
  expect(lost).toHaveLength(9);
  for (const reason of lost) {
    expect(reason).toMatchObject({ name: "PreconditionFailed", $metadata: { httpStatusCode: 412 } });
  }
});

it("writes over and deletes what is still the same only", async () => {
  const at = { Bucket: BUCKET, Key: "renewed" };
  const { ETag } = await s3.send(new PutObjectCommand({ ...at, Body: "1" }));
  await s3.send(new PutObjectCommand({ ...at, Body: "2", IfMatch: ETag }));

  for (const command of [
    new PutObjectCommand({ ...at, Body: "3", IfMatch: ETag }),
    new DeleteObjectCommand({ ...at, IfMatch: ETag }),
  ]) {
    await expect(s3.send(command as PutObjectCommand)).rejects.toMatchObject({ name: "PreconditionFailed" });
  }
  await expect(s3.send(new GetObjectCommand({ ...at, IfNoneMatch: '"other"' }))).resolves.toHaveProperty("ETag");
});

it("dates objects by the clock and keeps how they are encrypted", async () => {
  const at = { Bucket: BUCKET, Key: "userdata" };
  await clock.advance(60_000);
  const kms = { ServerSideEncryption: "aws:kms", SSEKMSKeyId: "alias/aws/s3" } as const;
  await s3.send(new PutObjectCommand({ ...at, Body: "#!/bin/sh", ...kms, Metadata: { by: "me" } }));

  const head = await s3.send(new HeadObjectCommand(at));

  expect(head).toMatchObject({ ...kms, LastModified: new Date(clock.now()), Metadata: { by: "me" } });
});

it("takes streams, in chunks", async () => {
  const Body = Readable.from([Buffer.alloc(70_000, "a"), Buffer.alloc(10, "b")]);
  await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: "stream", Body, ContentLength: 70_010 }));

  const { Body: read } = await s3.send(new GetObjectCommand({ Bucket: BUCKET, Key: "stream" }));

  expect(await read?.transformToString()).toBe(`${"a".repeat(70_000)}${"b".repeat(10)}`);
});

it("refuses strangers, other accounts and what it does not know", async () => {
  const stranger = new S3Client({
    endpoint: door.url,
    region: "eu-west-1",
    maxAttempts: 1,
    credentials: { accessKeyId: "AKIANOBODY", secretAccessKey: "x" },
  });
  sim.s3.createBucket({ name: "closed", account: "999988887777", region: "eu-west-1" });

  await expect(stranger.send(new ListObjectsV2Command({ Bucket: BUCKET }))).rejects.toMatchObject({
    name: "InvalidAccessKeyId",
  });
  await expect(s3.send(new ListObjectsV2Command({ Bucket: "closed" }))).rejects.toMatchObject({ name: "AccessDenied" });
  await expect(s3.send(new ListBucketsCommand({}))).rejects.toMatchObject({ name: "NotImplemented" });
  stranger.destroy();
});
