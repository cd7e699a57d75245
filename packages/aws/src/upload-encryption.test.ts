import {
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { createAwsSim, createSimPlugin } from "@stackyard/aws-sim";
import { createFakeClock } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { createAwsAccess } from "./aws-access.ts";
import { findUploadEncryption } from "./upload-encryption.ts";

const PLACE = { account: "111122223333", region: "eu-west-1" };
const AT = { Bucket: "theirs", Key: "a" };
const KEY = "arn:aws:kms:eu-west-1:111122223333:key/1";

/** S3 of a process with this setting, and a bucket that denies uploads without the header. */
function createProcess(setting: string | undefined, kind?: string) {
  const clock = createFakeClock();
  const sim = createAwsSim({ clock });
  sim.s3.createBucket({ ...PLACE, name: "theirs" });
  sim.s3.demandEncryption("theirs", kind);
  const access = createAwsAccess({
    clock,
    region: PLACE.region,
    credentials: sim.iam.addUser({ account: PLACE.account, name: "app" }),
    session: { name: "app" },
    retriesDenials: false,
    plugins: [createSimPlugin(sim)],
    uploads: findUploadEncryption({ STACKYARD_S3_ENCRYPTION: setting }),
  });
  return access.client(S3Client, undefined);
}

// aws/copilot-cli#3852, aws-ia/terraform-aws-control_tower_account_factory#567, gomods/athens#2165
describe("an upload where policies demand the header", () => {
  it.each([
    ["AES256", "AES256", undefined],
    ["aws:kms", "aws:kms", "alias/aws/s3"],
    [KEY, "aws:kms", KEY],
  ])("is taken with the setting %s", async (setting, kind, key) => {
    const s3 = createProcess(setting, kind);

    await s3.send(new PutObjectCommand({ ...AT, Body: "x" }));

    const head = await s3.send(new HeadObjectCommand(AT));
    expect([head.ServerSideEncryption, head.SSEKMSKeyId]).toEqual([kind, key]);
    await expect(s3.send(new CreateMultipartUploadCommand(AT))).resolves.toMatchObject({ ServerSideEncryption: kind });
    await expect(s3.send(new GetObjectCommand(AT))).resolves.toMatchObject({ ContentLength: 1 });
  });

  it.each([undefined, ""])("is denied with the setting %s, and the error names the setting", async (setting) => {
    const upload = createProcess(setting).send(new PutObjectCommand({ ...AT, Body: "x" }));

    await expect(upload).rejects.toThrow(/explicit deny.*set STACKYARD_S3_ENCRYPTION\.$/s);
  });

  it("is not sent to the setting when it named its encryption", async () => {
    const upload = createProcess("AES256", "aws:kms:dsse").send(new PutObjectCommand({ ...AT, Body: "x" }));

    await expect(upload).rejects.toThrow(/The role may lack s3:PutObject on theirs\.$/);
  });

  it("keeps what it says of itself", async () => {
    const s3 = createProcess("AES256");
    await s3.send(new PutObjectCommand({ ...AT, Body: "x", ServerSideEncryption: "aws:kms", SSEKMSKeyId: KEY }));
    expect(await s3.send(new HeadObjectCommand(AT))).toMatchObject({ SSEKMSKeyId: KEY });
    const other = createProcess(KEY);
    await other.send(new PutObjectCommand({ ...AT, Body: "x", ServerSideEncryption: "AES256" }));
    expect((await other.send(new HeadObjectCommand(AT))).SSEKMSKeyId).toBeUndefined();
  });

  it.each(["aes256", "aws:kms:dsse", "alias/mine", "arn:aws:iam::1:role/x"])("has no setting %s", (text) => {
    expect(() => findUploadEncryption({ STACKYARD_S3_ENCRYPTION: text })).toThrow(
      "STACKYARD_S3_ENCRYPTION must be AES256, aws:kms or the ARN of a key",
    );
  });
});
