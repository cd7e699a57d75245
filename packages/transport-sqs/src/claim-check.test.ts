import { Readable } from "node:stream";
import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { mockClient } from "aws-sdk-client-mock";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { createClaimChecks } from "./claim-check.ts";
import { anIncoming } from "./testing/builders.ts";

const MEBIBYTE = 1_048_576;

const s3 = mockClient(S3Client);

afterAll(() => s3.restore());
beforeEach(() => s3.reset());

/** Fetches a body of so many bytes, as the SDK gives it. */
async function fetchOf(mebibytes: number, tells: { readonly ContentLength?: number }) {
  const body = Object.assign(Readable.from(Array.from({ length: mebibytes }, () => Buffer.alloc(MEBIBYTE, "x"))), {
    transformToString: () => Promise.reject(new Error("It is read as a whole.")),
  });
  s3.on(GetObjectCommand).callsFake(() => ({ ...tells, Body: body }));
  const pointer = { s3BucketName: "bodies", s3Key: "stackyard/messages/a" };
  const message = anIncoming(JSON.stringify(["software.amazon.payloadoffloading.PayloadS3Pointer", pointer]));
  const checks = createClaimChecks({ s3: new S3Client({ region: "eu-west-1" }), bucket: "bodies" });
  return { body, redeemed: checks.redeem(message) };
}

describe("fetching a body", () => {
  it.each([[{ ContentLength: 9 * MEBIBYTE }], [{}], [{ ContentLength: 1 }]])(
    "stops at eight mebibytes and frees the connection with a content length of %j",
    async (tells) => {
      const { body, redeemed } = await fetchOf(9, tells);

      await expect(redeemed).rejects.toMatchObject({ code: "PAYLOAD_TOO_LARGE" });
      expect(body.destroyed).toBe(true);
    },
  );

  it("reads up to eight mebibytes, whatever its content length", async () => {
    const { redeemed } = await fetchOf(8, {});

    expect((await redeemed).body).toHaveLength(8 * MEBIBYTE);
  });
});
