import { describe, expect, it } from "vitest";
import { type ConsumerConfig, decideMessage, type KnownArtifact } from "./decide-message.ts";
import type { MessageRecord } from "./message-record.ts";
import { aBody, aRecord, aUrl, CONSUMER, KEY, NOW } from "./testing/a-message.ts";

const EXPIRED = aUrl({ "X-Amz-Date": "20261119T055900Z" });
const url = (ArtifactUrl: string) => aRecord(aBody({ ArtifactUrl }));
const artifact = (over: object) => ({ ...Object(aBody()["artifact"]), ...over });
const signed = (over: Readonly<Record<string, string | undefined>>) => url(aUrl(over));
const old = (end: string) =>
  url(`https://dist-bucket.s3.amazonaws.com/${KEY}?AWSAccessKeyId=A&Signature=s&Expires=${end}`);

/** Receipts, alarms and the parking queue show these to people. */
describe("why a message is refused, in words", () => {
  const cases: readonly [string, MessageRecord, Partial<ConsumerConfig>?, KnownArtifact?][] = [
    ["The message is larger than 64 KiB.", aRecord("x".repeat(65_537))],
    ["The message is no JSON object.", aRecord("[]")],
    ["The message is no JSON object.", { body: JSON.parse("null") }],
    ["The message is of another topic.", aRecord({ Type: "Notification", TopicArn: "x", Message: "{}" })],
    ["The message is of a version that this consumer does not read.", aRecord(aBody({ v: 3 }))],
    [
      "The message is of the first version, which this consumer does not take.",
      aRecord({ ArtifactKey: KEY, ArtifactUrl: aUrl() }),
      { acceptV1: false },
    ],
    ["The message is wrong at /sequence.", aRecord(aBody({ sequence: -1 }))],
    ["The message is wrong at /ArtifactUrl.", aRecord({ ArtifactKey: KEY })],
    ["The message is wrong at /artifact/version.", aRecord(aBody({ artifact: artifact({ version: undefined }) }))],
    ["The message is wrong at /urlExpiresAt.", aRecord(aBody({ urlExpiresAt: "2026-02-30T00:00:00Z" }))],
    ["The message is not signed.", aRecord(), { requireSignature: true }],
    ["The message is for another account.", aRecord(aBody(), { account: "1", region: "ALL" })],
    ["The message is for another region.", aRecord(aBody(), { account: "ALL", region: "x" })],
    [
      "The message names another source than this consumer's distributor.",
      aRecord(aBody({ source: { bucket: "other", versionId: "v1" } })),
    ],
    ["Nothing may be stored under the message's key.", aRecord(aBody({ ArtifactKey: "../a" }))],
    ["The message asks to delete a file, which this consumer is not set up to do.", aRecord(aBody({ retire: true }))],
    ["The URL is not a plain https address.", url("http://a")],
    ["The host evil.example is not the source bucket's.", url("https://evil.example/a")],
    ["The URL is of another bucket.", url(aUrl({}, `/other/${KEY}`, "s3.amazonaws.com"))],
    ["The URL is of another key.", url(aUrl({}, "/other"))],
    ["The URL is not signed.", signed({ "X-Amz-Signature": undefined })],
    ["A parameter of the URL cannot be decoded.", url(`${aUrl()}&x=%zz`)],
    ["A parameter stands in the URL twice.", url(`${aUrl()}&x-amz-date=1`)],
    ["The signature's credential cannot be read.", signed({ "X-Amz-Credential": "A" })],
    ["The signature is not for S3 in eu-west-1.", signed({ "X-Amz-Credential": "A/20261120/x/s3/aws4_request" })],
    ["The signature's date cannot be read.", signed({ "X-Amz-Date": "today" })],
    ["The signature's length is not 1 to 604,800 seconds.", signed({ "X-Amz-Expires": "0" })],
    ["The signature's end cannot be read.", old("tomorrow")],
    ["The file has 1234 bytes, more than the 1233 allowed.", aRecord(), { maxBytes: 1_233 }],
    [
      "billing-api 1.4.2 is known with another digest.",
      aRecord(),
      {},
      { sourceSha256: "cd".repeat(32), name: "billing-api", version: "1.4.2" },
    ],
    ["The URL has expired.", url(EXPIRED), { refresh: false }],
  ];

  it.each(cases)("%s", (reason, record, config = {}, known = undefined) => {
    const decision = decideMessage(record, { ...CONSUMER, ...config }, NOW, () => known);

    expect(decision).toMatchObject({ kind: "reject", reason });
  });
});
