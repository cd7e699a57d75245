import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ConsumerConfig, decideMessage, type KnownArtifact, type MessageRecord } from "./decide-message.ts";
import { isAllowedKey } from "./index.ts";
import { aBody, aRecord, aUrl, CONSUMER, KEY, NOW, SHA256 } from "./testing/a-message.ts";

const V1 = { ArtifactKey: KEY, ArtifactUrl: aUrl() };
const artifact = (over: object) => ({ ...Object(aBody()["artifact"]), ...over });
const source = (over: object) => ({ ...Object(aBody()["source"]), ...over });

function decide(record: MessageRecord, config: Partial<ConsumerConfig> = {}, known?: KnownArtifact, now = NOW) {
  return decideMessage(record, { ...CONSUMER, ...config }, now, (key) => (key === KEY ? known : undefined));
}

function code(...given: Parameters<typeof decide>) {
  const decision = decide(...given);
  return "code" in decision ? `${decision.kind} ${decision.code}` : decision.kind;
}

const envelope = (over: object = {}) => ({
  Type: "Notification",
  TopicArn: CONSUMER.topicArn,
  Message: JSON.stringify(aBody()),
  MessageAttributes: { account: { Type: "String", Value: "ALL" }, region: { Type: "String", Value: "eu-central-1" } },
  ...over,
});

describe("decideMessage", () => {
  it("copies what is announced", () => {
    expect(decide(aRecord())).toEqual({ kind: "copy", message: aBody() });
  });

  it("copies the predecessor's messages, which name no digest, again and again", () => {
    const known = { sourceSha256: SHA256 };

    expect(decide(aRecord(V1), {}, known)).toEqual({ kind: "copy", message: { v: 1, ...V1 } });
  });

  it("reads nothing of the second version in a message of the first", () => {
    const { v: _, artifact: __, source: ___, ...body } = aBody({ retire: true, urlExpiresAt: "2026-11-20T05:00:00Z" });

    expect(code(aRecord(body), { retire: true })).toBe("copy");
  });

  it("copies by identity without a URL", () => {
    expect(code(aRecord(aBody({ ArtifactUrl: undefined })))).toBe("copy");
    expect(code(aRecord(aBody({ ArtifactUrl: undefined, source: source({ versionId: undefined }) })))).toBe(
      "reject MESSAGE_INVALID",
    );
  });

  it.each(["copy", "skip", "retire", "reject"])("decides itself, also on a message that says %j", (kind) => {
    const body = aBody({ kind, code: "PROBE", receipt: "present", message: V1, probe: {} });

    expect(decide(aRecord(body))).toEqual({ kind: "copy", message: body });
    expect(code(aRecord({ ...body, source: source({ bucket: "other-bucket" }) }))).toBe("reject WRONG_SOURCE");
    expect(code(aRecord({ ...body, ArtifactUrl: "https://169.254.169.254/" }))).toBe("reject URL_HOST");
  });

  it("leaves messages for others to them where its subscription has no filter policy, whatever they contain", () => {
    const attributes = (account: string, region: string) => ({
      account: { stringValue: account, dataType: "String" },
      region: { stringValue: region, dataType: "String" },
    });
    const to = (account: string, region: string, body: object = aBody()) =>
      code({ ...aRecord(body), messageAttributes: attributes(account, region) }, { topicFilter: false });

    expect(to("777788889999", "eu-central-1")).toBe("skip FOR_OTHERS");
    expect(to(CONSUMER.account, "sa-east-1")).toBe("skip FOR_OTHERS");
    expect(to("777788889999", "eu-central-1", { v: 99 })).toBe("skip FOR_OTHERS");
    expect(to("ALL", "ALL")).toBe("copy");
    expect(to(CONSUMER.account, CONSUMER.region)).toBe("copy");
    expect(to("ALL", "ALL", { v: 99 })).toBe("reject VERSION_UNSUPPORTED");
  });

  it("takes a message of exactly 64 KiB and none above", () => {
    const size = Buffer.byteLength(JSON.stringify(aBody({ filler: "" })));
    const of = (bytes: number) => aRecord(aBody({ filler: "x".repeat(bytes - size) }));

    expect([code(of(65_536)), code(of(65_537))]).toEqual(["copy", "reject MESSAGE_TOO_LARGE"]);
  });

  it.each([
    ["no JSON", "{"],
    ["a list", "[]"],
    ["a text", '"text"'],
    ["nothing", "null"],
    ["a prototype", `{"__proto__":{},"ArtifactKey":"a","ArtifactUrl":"b"}`],
    ["a prototype deep inside", JSON.stringify(aBody()).replace('"v":2', '"v":2,"x":[{"y":{"__proto__":1}}]')],
    ["brackets without end", "[".repeat(60_000)],
  ])("rejects %s", (_what, body) => {
    expect(code(aRecord(body))).toBe("reject MESSAGE_INVALID");
  });

  it("opens the envelope of its topic, with the attributes in it", () => {
    expect(code(aRecord(envelope(), {}))).toBe("copy");
    expect(code(aRecord(envelope({ TopicArn: "arn:aws:sns:eu-west-1:111122223333:others" }), {}))).toBe(
      "reject WRONG_TOPIC",
    );
    expect(code(aRecord(envelope({ TopicArn: undefined }), {}))).toBe("reject WRONG_TOPIC");
    expect(code(aRecord(envelope({ Message: "no JSON" }), {}))).toBe("reject MESSAGE_INVALID");
    expect(code(aRecord(envelope({ MessageAttributes: { account: { Type: "String", Value: "1" } } }), {}))).toBe(
      "reject WRONG_ACCOUNT",
    );
  });

  it.each([1, 3, "2", null, {}])("rejects the version %j", (v) => {
    expect(code(aRecord(aBody({ v })))).toBe("reject VERSION_UNSUPPORTED");
  });

  it.each([
    ["no key", aBody({ ArtifactKey: undefined })],
    ["an empty key", aBody({ ArtifactKey: "" })],
    ["a key of another type", aBody({ ArtifactKey: 7 })],
    ["an empty URL", aBody({ ArtifactUrl: "" })],
    ["a URL of another type", aBody({ ArtifactUrl: null })],
    ["no URL in the first version", { ArtifactKey: KEY }],
    ["the first name of the key", { Key: KEY, ArtifactUrl: aUrl() }],
    ["a digest in capitals", aBody({ artifact: artifact({ sha256: SHA256.toUpperCase() }) })],
    ["a short digest", aBody({ artifact: artifact({ sha256: "ab" }) })],
    ["a size below nothing", aBody({ artifact: artifact({ size: -1 }) })],
    ["half a byte", aBody({ artifact: artifact({ size: 1.5 }) })],
    ["a size that is not safe", aBody({ artifact: artifact({ size: 2 ** 53 }) })],
    ["a size as text", aBody({ artifact: artifact({ size: "1" }) })],
    ["a name with dots for a segment", aBody({ artifact: artifact({ name: "a/../b" }) })],
    ["a name with an empty segment", aBody({ artifact: artifact({ name: "a//b" }) })],
    ["a name in capitals", aBody({ artifact: artifact({ name: "Api" }) })],
    ["a version with a space", aBody({ artifact: artifact({ version: "1 2" }) })],
    ["no artifact", aBody({ artifact: undefined })],
    ["no source", aBody({ source: undefined })],
    ["an end that is not a date", aBody({ urlExpiresAt: "soon" })],
    ["an end on a day that never was", aBody({ urlExpiresAt: "2026-02-30T00:00:00Z" })],
    ["an end in a month that never was", aBody({ urlExpiresAt: "2026-13-01T00:00:00Z" })],
    ["a beginning at an hour that never was", aBody({ issuedAt: "2026-11-20T25:00:00Z" })],
    ["a sequence of another type", aBody({ sequence: "1" })],
    ["an address in the place of the id", aBody({ distributionId: "https://b.example/k?Signature=s" })],
    ["an id with a blank", aBody({ distributionId: "d 1" })],
  ])("rejects %s", (_what, body) => {
    expect(code(aRecord(body))).toBe("reject MESSAGE_INVALID");
  });

  it("says where a message is wrong, and shows no values", () => {
    const body = aBody({ artifact: artifact({ sha256: "secret" }), sequence: -1 });

    expect(decide(aRecord(body))).toEqual({
      kind: "reject",
      code: "MESSAGE_INVALID",
      reason: "The message is invalid at /sequence, /artifact/sha256.",
    });
  });

  it("rejects the first version where it is not taken", () => {
    expect(code(aRecord(V1), { acceptV1: false })).toBe("reject MESSAGE_INVALID");
    expect(code(aRecord(), { acceptV1: false })).toBe("copy");
  });

  it("takes nothing that is not signed where it must be", () => {
    expect(code(aRecord(), { requireSignature: true })).toBe("reject SIGNATURE_INVALID");
    expect(code(aRecord(V1), { requireSignature: true })).toBe("reject SIGNATURE_INVALID");
  });

  it.each([
    [{ account: "444455556666", region: "eu-central-1" }, "copy"],
    [{}, "copy"],
    [{ account: "111122223333", region: "ALL" }, "reject WRONG_ACCOUNT"],
    [{ account: "all", region: "ALL" }, "reject WRONG_ACCOUNT"],
    [{ account: "ALL", region: "eu-west-1" }, "reject WRONG_REGION"],
    [{ account: "", region: "ALL" }, "reject WRONG_ACCOUNT"],
  ])("with attributes %j: %s", (attributes, expected) => {
    expect(code(aRecord(aBody(), attributes))).toBe(expected);
  });

  it("treats attributes without a text as those of another consumer", () => {
    const messageAttributes = JSON.parse('{"account":null,"region":{"binaryValue":"QUxM"}}');

    expect(code({ ...aRecord(), messageAttributes })).toBe("reject WRONG_ACCOUNT");
  });

  it("also checks the target in the message", () => {
    expect(code(aRecord(aBody({ target: { account: "1", region: "2" } })))).toBe("reject WRONG_ACCOUNT");
    expect(code(aRecord(aBody({ target: { region: "2" } })))).toBe("reject WRONG_REGION");
    expect(code(aRecord(aBody({ target: undefined })))).toBe("copy");
  });

  it.each([{ bucket: "other" }, { account: "999900001111" }, { region: "us-east-1" }])(
    "refuses the source %j",
    (other) => {
      expect(code(aRecord(aBody({ source: source(other) })))).toBe("reject WRONG_SOURCE");
    },
  );

  it("answers a probe, which has neither key nor URL nor source", () => {
    const probe = { v: 2, artifact: { name: "stackyard.probe" }, target: { account: "444455556666" } };

    expect(decide(aRecord(probe))).toEqual({ kind: "skip", code: "PROBE", receipt: "present", probe });
    expect(code(aRecord({ ...probe, target: { account: "1" } }))).toBe("reject WRONG_ACCOUNT");
    expect(code(aRecord(probe), { requireSignature: true })).toBe("reject SIGNATURE_INVALID");
    expect(code(aRecord({ ...probe, v: undefined }))).toBe("reject MESSAGE_INVALID");
  });

  it("rejects invalid keys before it checks the URL", () => {
    const body = aBody({ ArtifactKey: "a/../b", ArtifactUrl: "http://127.0.0.1/" });

    expect(code(aRecord(body))).toBe("reject KEY_INVALID");
    expect(code(aRecord(aBody({ ArtifactKey: "k".repeat(1_025) })))).toBe("reject KEY_INVALID");
  });

  it("rejects URLs for their own reasons", () => {
    expect(code(aRecord(aBody({ ArtifactUrl: "http://x/" })))).toBe("reject URL_INVALID");
    expect(code(aRecord({ ...V1, ArtifactUrl: "https://169.254.169.254/latest" }))).toBe("reject URL_HOST");
  });

  it("rejects what is too large before it looks whether it has it", () => {
    expect(code(aRecord(), { maxBytes: 1_233 }, { sourceSha256: SHA256 })).toBe("reject TOO_LARGE");
    expect(code(aRecord(), { maxBytes: 1_234 })).toBe("copy");
  });

  it("has what it has, also when the URL has expired", () => {
    const later = NOW + 86_400_000;

    expect(decide(aRecord(), {}, { sourceSha256: SHA256 }, later)).toEqual({
      kind: "skip",
      code: "ALREADY_PRESENT",
      receipt: "present",
      message: aBody(),
    });
  });

  it("rejects another digest for a version that it knows", () => {
    const known = { sourceSha256: "00".repeat(32), name: "billing-api", version: "1.4.2", sequence: 2_000 };

    expect(code(aRecord(), {}, known)).toBe("reject VERSION_CONFLICT");
  });

  it("skips what is older than the stored version", () => {
    const known = { sourceSha256: "00".repeat(32), name: "billing-api", version: "1.4.3", sequence: 1_043 };

    expect(decide(aRecord(), {}, known)).toMatchObject({ kind: "skip", code: "SUPERSEDED", receipt: null });
    expect(code(aRecord(), {}, { ...known, sequence: 1_042 })).toBe("copy");
  });

  it("requests a new URL at the moment when the old one expires", () => {
    const end = NOW - 60_000 + 3_600_000;

    expect(code(aRecord(), {}, undefined, end - 1)).toBe("copy");
    expect(code(aRecord(), {}, undefined, end)).toBe("refresh URL_EXPIRED");
    expect(code(aRecord(), { refresh: false }, undefined, end)).toBe("reject URL_EXPIRED");
    expect(code(aRecord(V1), {}, undefined, end)).toBe("reject URL_EXPIRED");
  });

  it("believes the distributor that a URL ends earlier, and not that it ends later", () => {
    expect(code(aRecord(aBody({ urlExpiresAt: "2026-11-20T06:00:00Z" })))).toBe("refresh URL_EXPIRED");
    expect(code(aRecord(aBody({ urlExpiresAt: "2026-12-31T00:00:00Z" })), {}, undefined, NOW + 3_540_000)).toBe(
      "refresh URL_EXPIRED",
    );
  });

  it("deletes where that is switched on, whatever the URL, and never from elsewhere", () => {
    const { ArtifactUrl, ...body } = aBody({ retire: true });

    expect(decide(aRecord(body), { retire: true })).toMatchObject({ kind: "retire", message: { ArtifactKey: KEY } });
    expect(code(aRecord(body))).toBe("reject RETIRE_OFF");
    expect(code(aRecord({ ...body, source: source({ bucket: "other" }) }), { retire: true })).toBe(
      "reject WRONG_SOURCE",
    );
    expect(code(aRecord({ ...body, ArtifactKey: "../x" }), { retire: true })).toBe("reject KEY_INVALID");
  });

  it("takes a wrong word of retirement for an announcement", () => {
    expect(code(aRecord(aBody({ retire: "true" })), { retire: true })).toBe("copy");
  });

  it("judges every text", () => {
    const fields = fc.constantFrom("v", "ArtifactKey", "ArtifactUrl", "artifact", "source", "target", "sequence");
    const changed = fc.tuple(fields, fc.jsonValue()).map(([name, value]) => JSON.stringify(aBody({ [name]: value })));

    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json(), changed), (body) => {
        expect(["copy", "skip", "refresh", "retire", "reject"]).toContain(decide(aRecord(body)).kind);
      }),
    );
  });
});

describe("isAllowedKey", () => {
  it.each([
    "tts-cloud/build-artifact-consumer/dev/40/packaged.yaml",
    "a",
    "a b/c+d/ü.zip",
    "a/100%/b",
    "a/%zz/b",
    "a/...",
    "a/.hidden",
    ".stackyard-tools/a",
    "x/.stackyard/a",
    "k".repeat(1_024),
    "a/%2541",
  ])("takes %j", (key) => {
    expect(isAllowedKey(key)).toBe(true);
  });

  it.each([
    ["nothing", ""],
    ["too long", "k".repeat(1_025)],
    ["too long in bytes", "ü".repeat(513)],
    ["a slash at the beginning", "/a"],
    ["a slash at the end", "a/"],
    ["an empty segment", "a//b"],
    ["a dot", "a/./b"],
    ["two dots", "a/../b"],
    ["two dots alone", ".."],
    ["a backslash", "a\\b"],
    ["a control character", "a\u0001b"],
    ["a deletion", "a\u007fb"],
    ["half a character", "a\ud800"],
    ["two dots, encoded", "a/%2e%2E/b"],
    ["two dots, encoded twice", "a/%252e%252e/b"],
    ["a slash at the end, encoded", "a%2f"],
    ["an empty segment by encoding", "a/%2fb"],
    ["a backslash, encoded", "a%5cb"],
    ["a control character, encoded twice", "a%2500b"],
    ["what the consumer keeps for itself", ".stackyard/registry"],
    ["that, encoded", "%2estackyard/registry"],
    ["that alone", ".stackyard"],
  ])("rejects %s", (_what, key) => {
    expect(isAllowedKey(key)).toBe(false);
  });

  it("takes no key that leaves its place, however it was encoded", () => {
    const dots = fc.constantFrom("..", "%2e.", ".%2E", "%2e%2e", "%252e%2e");
    const part = fc.stringMatching(/^[a-z]{0,5}$/);

    fc.assert(
      fc.property(part, dots, part, (before, up, after) => {
        expect(isAllowedKey(`${before}/${up}/${after}`)).toBe(false);
      }),
    );
  });

  it("crashes on no text", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), (key) => typeof isAllowedKey(key) === "boolean"));
  });
});

const EXPIRED = aUrl({ "X-Amz-Date": "20261119T055900Z" });
const url = (ArtifactUrl: string) => aRecord(aBody({ ArtifactUrl }));

const signed = (over: Readonly<Record<string, string | undefined>>) => url(aUrl(over));
const old = (end: string) =>
  url(`https://dist-bucket.s3.amazonaws.com/${KEY}?AWSAccessKeyId=A&Signature=s&Expires=${end}`);

/** Receipts, alarms and the parking queue show these to people. */
describe("why a message is rejected, in words", () => {
  const cases: readonly [string, MessageRecord, Partial<ConsumerConfig>?, KnownArtifact?][] = [
    ["The message is larger than 64 KiB.", aRecord("x".repeat(65_537))],
    ["The message is not a JSON object.", aRecord("[]")],
    ["The message is not a JSON object.", { body: JSON.parse("null") }],
    ["The message comes from another topic.", aRecord({ Type: "Notification", TopicArn: "x", Message: "{}" })],
    ["The message version is not supported.", aRecord(aBody({ v: 3 }))],
    [
      "Messages of version 1 are not accepted.",
      aRecord({ ArtifactKey: KEY, ArtifactUrl: aUrl() }),
      { acceptV1: false },
    ],
    ["The message is invalid at /sequence.", aRecord(aBody({ sequence: -1 }))],
    ["The message is invalid at /ArtifactUrl.", aRecord({ ArtifactKey: KEY })],
    ["The message is invalid at /artifact/version.", aRecord(aBody({ artifact: artifact({ version: undefined }) }))],
    ["The message is invalid at /urlExpiresAt.", aRecord(aBody({ urlExpiresAt: "2026-02-30T00:00:00Z" }))],
    ["The message is not signed.", aRecord(), { requireSignature: true }],
    ["The message is for another account.", aRecord(aBody(), { account: "1", region: "ALL" })],
    ["The message is for another region.", aRecord(aBody(), { account: "ALL", region: "x" })],
    [
      "The message names a source other than this consumer's distributor.",
      aRecord(aBody({ source: { bucket: "other", versionId: "v1" } })),
    ],
    ["The key of the message is not allowed.", aRecord(aBody({ ArtifactKey: "../a" }))],
    ["The message requests a deletion, which is not enabled for this consumer.", aRecord(aBody({ retire: true }))],
    ["The URL is not a plain https address.", url("http://a")],
    ["The host evil.example is not the source bucket's.", url("https://evil.example/a")],
    ["The URL names another bucket.", url(aUrl({}, `/other/${KEY}`, "s3.amazonaws.com"))],
    ["The URL names another key.", url(aUrl({}, "/other"))],
    ["The URL is not signed.", signed({ "X-Amz-Signature": undefined })],
    ["A parameter of the URL cannot be decoded.", url(`${aUrl()}&x=%zz`)],
    ["The URL has a parameter twice.", url(`${aUrl()}&x-amz-date=1`)],
    ["The credential of the signature is invalid.", signed({ "X-Amz-Credential": "A" })],
    ["The signature is not for S3 in eu-west-1.", signed({ "X-Amz-Credential": "A/20261120/x/s3/aws4_request" })],
    ["The date of the signature is invalid.", signed({ "X-Amz-Date": "today" })],
    ["The lifetime of the signature is not 1 to 604,800 seconds.", signed({ "X-Amz-Expires": "0" })],
    ["The expiry of the signature is invalid.", old("tomorrow")],
    ["The file has 1234 bytes; the limit is 1233.", aRecord(), { maxBytes: 1_233 }],
    [
      "billing-api 1.4.2 is already known with another digest.",
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
