import { GetObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ClaimChecks, checkLarge, createClaimChecks, noClaimChecks } from "./claim-check.ts";
import type { OutgoingMessage } from "./messages.ts";
import { anIncoming } from "./testing/builders.ts";
import { type Emulator, startEmulator } from "./testing/start-emulator.ts";

const BUCKET = "bodies";

let emulator: Emulator;
let checks: ClaimChecks;
beforeAll(async () => {
  emulator = await startEmulator();
  await emulator.createBucket(BUCKET);
  checks = createClaimChecks({ s3: emulator.s3, bucket: BUCKET });
});
afterAll(() => emulator.stop());

const message: OutgoingMessage = { body: '{"ü":1}', attributes: { a: "1" }, groupId: "g", deduplicationId: "d" };
const pointerTo = (s3BucketName: string, s3Key: string) =>
  JSON.stringify(["software.amazon.payloadoffloading.PayloadS3Pointer", { s3BucketName, s3Key }]);

describe("createClaimChecks", () => {
  it("leaves a body in the bucket and points to it as Amazon's extended clients do", async () => {
    const checked = await checks.check(message);

    const [kind, pointer] = JSON.parse(checked.body);
    expect(kind).toBe("software.amazon.payloadoffloading.PayloadS3Pointer");
    expect(pointer).toEqual({
      s3BucketName: BUCKET,
      s3Key: expect.stringMatching(/^stackyard\/messages\/[0-9a-f]{64}$/),
    });
    expect(checked).toMatchObject({
      attributes: { a: "1", ExtendedPayloadSize: "8" },
      groupId: "g",
      deduplicationId: "d",
    });
    const { Body } = await emulator.s3.send(new GetObjectCommand({ Bucket: BUCKET, Key: pointer.s3Key }));
    expect(await Body?.transformToString()).toBe(message.body);
  });

  it("points to the same object for the same body", async () => {
    expect((await checks.check(message)).body).toBe((await checks.check(message)).body);
  });

  it("fetches a body", async () => {
    const { body, attributes } = await checks.check(message);

    expect(await checks.redeem(anIncoming(body, { attributes }))).toEqual(anIncoming(message.body, { attributes }));
  });

  it("fetches a body whose pointer came through a topic, with its attributes", async () => {
    const { body } = await checks.check(message);
    const MessageAttributes = { a: { Type: "String", Value: "1" } };
    const envelope = JSON.stringify({ Type: "Notification", MessageId: "n", Message: body, MessageAttributes });

    expect(await checks.redeem(anIncoming(envelope))).toEqual(anIncoming(message.body, { attributes: { a: "1" } }));
  });

  it("reads the pointers of older extended clients", async () => {
    await emulator.s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: "stackyard/messages/uuid", Body: "{}" }));
    const pointer = { s3BucketName: BUCKET, s3Key: "stackyard/messages/uuid" };

    const redeemed = await checks.redeem(
      anIncoming(JSON.stringify(["com.amazon.sqs.javamessaging.MessageS3Pointer", pointer])),
    );

    expect(redeemed.body).toBe("{}");
  });

  it.each([
    '{"stackId":"s"}',
    "[]",
    '["software.amazon.payloadoffloading.PayloadS3Pointer"]',
    '["software.amazon.payloadoffloading.PayloadS3Pointer",{}]',
  ])("leaves %s unchanged", async (body) => {
    expect(await checks.redeem(anIncoming(body))).toEqual(anIncoming(body));
  });

  it.each([
    ["elsewhere", "stackyard/messages/a"],
    [BUCKET, "secrets/a"],
  ])("does not read s3://%s/%s, because a message must not choose what is read", async (bucket, key) => {
    await expect(checks.redeem(anIncoming(pointerTo(bucket, key)))).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      retryable: false,
      message: expect.stringContaining(`s3://${bucket}/${key}`),
    });
  });

  it("says that a body is gone", async () => {
    await expect(checks.redeem(anIncoming(pointerTo(BUCKET, "stackyard/messages/gone")))).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining("NoSuchKey"),
    });
  });
});

describe("noClaimChecks", () => {
  it("refuses pointers and passes everything else", async () => {
    expect(await noClaimChecks.redeem(anIncoming("{}"))).toEqual(anIncoming("{}"));
    await expect(noClaimChecks.redeem(anIncoming(pointerTo(BUCKET, "a")))).rejects.toMatchObject({
      code: "CONFIG_INVALID",
    });
  });
});

describe("checkLarge", () => {
  it("leaves what fits, and checks what does not", async () => {
    const size = '{"ü":1}'.length + 1 + "aString1".length;

    expect(await checkLarge(message, { claimChecks: checks, maxBytes: size })).toBe(message);
    expect((await checkLarge(message, { claimChecks: checks, maxBytes: size - 1 })).body).toContain("PayloadS3Pointer");
  });

  it("says what to do about a message that does not fit and has nowhere to lie", async () => {
    await expect(checkLarge(message, { claimChecks: undefined, maxBytes: 3 })).rejects.toMatchObject({
      code: "PAYLOAD_TOO_LARGE",
      message: expect.stringContaining("set the option claimChecks"),
    });
  });
});
