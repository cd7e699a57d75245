import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { aBody, aRecord, CONSUMER } from "../testing/a-message.ts";
import { toParkedText } from "./record-context.ts";

const { account, region, topicArn } = CONSUMER;
const PLACE = { account, region, topicArn, bucket: "own-bucket", at: "2026-11-20T06:00:00.000Z" };
const WHY = { code: "KEY_INVALID", reason: "The key of the message is not allowed." };
/** Amazon SQS API reference, "SendMessage", `MessageBody`: other characters are refused. */
const TAKEN = /^[\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]*$/u;

const park = (body: unknown) => toParkedText({ ...aRecord(body), messageId: "m-1" }, WHY, PLACE);

describe("a parked message", () => {
  it("has no character that a queue refuses, and loses none", () => {
    const ArtifactKey = "a\u0000\u001f\u007f\ud800\ufffd\ufffe\uffff😀";

    const text = park(aBody({ ArtifactKey }));

    expect(text).toMatch(TAKEN);
    expect(JSON.parse(text)).toMatchObject({ v: 1, ...WHY, message: { ArtifactKey } });
  });

  it("is taken by a queue whatever the message was", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (ArtifactKey, body) => {
        expect(park(aBody({ ArtifactKey }))).toMatch(TAKEN);
        expect(park(body)).toMatch(TAKEN);
      }),
    );
  });
});
