import { GetObjectCommand, HeadObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { describe, expect, it } from "vitest";
import { BUCKET, createWorld } from "../testing/a-world.ts";

const AT = { Bucket: BUCKET, Key: "a" };
const KMS = { ServerSideEncryption: "aws:kms", SSEKMSKeyId: "alias/aws/s3" } as const;

function createS3() {
  const world = createWorld();
  const s3 = world.client(S3Client);
  const put = (input: object = {}) => s3.send(new PutObjectCommand({ ...AT, Body: "x", ...input }));
  return { ...world, s3, put };
}

describe("the encryption of an object", () => {
  it("is kept and returned as requested", async () => {
    const { s3, put } = createS3();

    const answers = [await put(KMS), await s3.send(new HeadObjectCommand(AT)), await s3.send(new GetObjectCommand(AT))];

    for (const answer of answers) expect(answer).toMatchObject(KMS);
  });

  it("is S3's own by default", async () => {
    const { s3, put } = createS3();
    await put();

    const head = await s3.send(new HeadObjectCommand(AT));

    expect([head.ServerSideEncryption, head.SSEKMSKeyId]).toEqual(["AES256", undefined]);
  });

  it("makes the ETag something else than the MD5 of the content", async () => {
    const { put } = createS3();

    const [plain, own, secret] = [await put(), await put({ ServerSideEncryption: "AES256" }), await put(KMS)];

    expect([own.ETag === plain.ETag, secret.ETag === plain.ETag]).toEqual([true, false]);
  });

  it.each([
    { ServerSideEncryption: "rot13" },
    { SSEKMSKeyId: "k" },
    { ServerSideEncryption: "AES256", SSEKMSKeyId: "k" },
  ])("is refused with %j", async (input) => {
    const { put } = createS3();

    await expect(put(input)).rejects.toMatchObject({ name: "InvalidArgument" });
  });
});

describe("an object that another account writes", () => {
  it("is dated by the clock", async () => {
    const { sim, s3, clock } = createS3();
    await clock.advance(7_000);

    sim.s3.write(BUCKET, "a", "stop");

    expect((await s3.send(new HeadObjectCommand(AT))).LastModified).toEqual(new Date(clock.now()));
  });
});
