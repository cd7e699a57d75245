import { StackyardError } from "@stackyard/core";
import { describe, expect, it } from "vitest";
import { createClaimChecks, noClaimChecks } from "./claim-check.ts";
import { readEvent, readTask } from "./read-deliveries.ts";
import { anIncoming } from "./testing/builders.ts";
import { toStackyardError } from "./to-stackyard-error.ts";

const NOW = Date.UTC(2026, 0, 2);
const pointerTo = (s3BucketName: string, s3Key = "stackyard/messages/a") =>
  JSON.stringify(["software.amazon.payloadoffloading.PayloadS3Pointer", { s3BucketName, s3Key }]);

/** Reads a message with a pointer, whose body S3 does not give. */
function readBoth(error: unknown) {
  const claimChecks = { redeem: () => Promise.reject(error) };
  const incoming = anIncoming(pointerTo("bodies"));
  return [
    readEvent(incoming, { claimChecks, resultKey: undefined, now: NOW }),
    readTask(incoming, { claimChecks, now: NOW }),
  ] as const;
}

const s3Error = (name: string) =>
  toStackyardError(Object.assign(new Error("No."), { name, $metadata: { httpStatusCode: 403 } }), "Fetching");

describe("reading a message whose body lies elsewhere", () => {
  it.each(["AccessDenied", "KmsAccessDenied", "ExpiredToken", "NoSuchBucket", "SlowDown"])(
    "leaves it in its queue where S3 answers %s: somebody may mend that",
    async (name) => {
      for (const reading of readBoth(s3Error(name))) await expect(reading).rejects.toThrow(name);
    },
  );

  it("leaves it in its queue where no bucket is configured", async () => {
    const reading = readEvent(anIncoming(pointerTo("bodies")), {
      claimChecks: noClaimChecks,
      resultKey: undefined,
      now: NOW,
    });

    await expect(reading).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    await expect(readTask(anIncoming(pointerTo("bodies")), { claimChecks: noClaimChecks, now: NOW })).rejects.toThrow(
      "claimChecks",
    );
  });

  it.each([
    ["the object is gone", s3Error("NoSuchKey")],
    ["the object is too large", new StackyardError("PAYLOAD_TOO_LARGE", "It has 9 bytes.")],
  ])("takes the message for none where %s", async (_, error) => {
    const [event, task] = readBoth(error);

    expect((await event).event.message["unreadable"]).toBe(error.message);
    expect(await task).toEqual({ kind: "invalid", reason: error.message });
  });

  it("takes the message for none where it leads elsewhere", async () => {
    const { S3Client } = await import("@aws-sdk/client-s3");
    const claimChecks = createClaimChecks({ s3: new S3Client({ region: "eu-west-1" }), bucket: "bodies" });

    const { event } = await readEvent(anIncoming(pointerTo("secrets")), {
      claimChecks,
      resultKey: undefined,
      now: NOW,
    });

    expect(event.message["unreadable"]).toContain("s3://secrets/");
  });
});
