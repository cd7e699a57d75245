import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ConsumerConfig, decideMessage, type KnownArtifact, type MessageRecord } from "./decide-message.ts";
import { aBody, aRecord, aUrl, CONSUMER, KEY, NOW, SHA256 } from "./testing/a-message.ts";

const HOST = "dist-bucket.s3.eu-west-1.amazonaws.com";

function decide(record: MessageRecord, config: Partial<ConsumerConfig> = {}, known?: KnownArtifact) {
  const decision = decideMessage(record, { ...CONSUMER, ...config }, NOW, () => known);
  return "code" in decision ? `${decision.kind} ${decision.code}` : decision.kind;
}

/** A message whose JSON says something in another way than JSON.stringify would. */
const written = (from: string, to: string, body: unknown = aBody()) => aRecord(JSON.stringify(body).replace(from, to));
const envelope = (over: object = {}) => aRecord({ Type: "Notification", TopicArn: CONSUMER.topicArn, ...over }, {});
const attribute = (Value: unknown, Type = "String") => ({ account: { Type, Value } });
const probe = (over: object = {}) => ({ v: 2, artifact: { name: "stackyard.probe" }, ...over });
const old = (parameters: string) => ({ ArtifactKey: KEY, ArtifactUrl: `https://${HOST}/${KEY}?${parameters}` });

describe("odd records", () => {
  it.each([
    ["a byte order mark", aRecord(`\ufeff${JSON.stringify(aBody())}`), "reject MESSAGE_INVALID"],
    ["white space around", aRecord(`\r\n\t ${JSON.stringify(aBody())} \n`), "copy"],
    ["two documents", aRecord("{}{}"), "reject MESSAGE_INVALID"],
    ["a version twice, the last counts", written('"v":2', '"v":1,"v":2'), "copy"],
    ["a version twice, the last is wrong", written('"v":2', '"v":2,"v":1'), "reject VERSION_UNSUPPORTED"],
    ["the version as 2.0", written('"v":2', '"v":2.0'), "copy"],
    ["a prototype in escapes", written('"v":2', '"v":2,"\\u005f_proto__":1'), "reject MESSAGE_INVALID"],
    ["a prototype in a list", written('"v":2', '"v":2,"x":[[{"__proto__":null}]]'), "reject MESSAGE_INVALID"],
    ["a prototype before a wrong version", written('"v":2', '"v":3,"__proto__":1'), "reject MESSAGE_INVALID"],
    ["a constructor", written('"v":2', '"v":2,"constructor":{"prototype":{}},"toString":1'), "copy"],
    ["a size without end", written('"size":1234', '"size":1e400'), "reject MESSAGE_INVALID"],
    ["a size of minus nothing", written('"size":1234', '"size":-0'), "copy"],
    ["a size with an exponent", written('"size":1234', '"size":1.234e3'), "copy"],
    ["a size that is rounded", written('"size":1234', '"size":9007199254740993'), "reject MESSAGE_INVALID"],
    ["the largest size", written('"size":1234', '"size":9007199254740991'), "reject TOO_LARGE"],
    ["a sequence and a half", written('"sequence":1042', '"sequence":1.5'), "reject MESSAGE_INVALID"],
    ["a nesting without end", written('"v":2', `"v":2,"x":${"[".repeat(3e4)}${"]".repeat(3e4)}`), "copy"],
    ["a time without a zone", aRecord(aBody({ urlExpiresAt: "2026-11-20T06:59:00" })), "reject MESSAGE_INVALID"],
    ["a time of another zone", aRecord(aBody({ urlExpiresAt: "2026-11-20T07:00:00+01:00" })), "refresh URL_EXPIRED"],
    ["a day without a time", aRecord(aBody({ issuedAt: "2026-11-20" })), "reject MESSAGE_INVALID"],
    ["the first instant that is over", aRecord(aBody({ urlExpiresAt: "2026-11-20T06:00:00Z" })), "refresh URL_EXPIRED"],
    ["the last that is not", aRecord(aBody({ urlExpiresAt: "2026-11-20T06:00:00.001Z" })), "copy"],
  ])("%s", (_what, record, expected) => {
    expect(decide(record)).toBe(expected);
  });

  it.each([
    ["an envelope", envelope({ Message: JSON.stringify(aBody()) }), "copy"],
    [
      "its attributes",
      envelope({ Message: JSON.stringify(aBody()), MessageAttributes: attribute("1") }),
      "WRONG_ACCOUNT",
    ],
    [
      "a list of accounts",
      envelope({ Message: JSON.stringify(aBody()), MessageAttributes: attribute('["ALL"]', "String.Array") }),
      "WRONG_ACCOUNT",
    ],
    [
      "a number",
      envelope({ Message: JSON.stringify(aBody()), MessageAttributes: attribute(444455556666, "Number") }),
      "WRONG_ACCOUNT",
    ],
    [
      "all in small letters",
      envelope({ Message: JSON.stringify(aBody()), MessageAttributes: attribute("all") }),
      "WRONG_ACCOUNT",
    ],
    ["no topic", envelope({ TopicArn: undefined, Message: "{" }), "WRONG_TOPIC"],
    ["a topic in other letters", envelope({ TopicArn: CONSUMER.topicArn.toUpperCase(), Message: "{}" }), "WRONG_TOPIC"],
    ["a prototype inside", envelope({ Message: '{"v":2,"__proto__":{}}' }), "MESSAGE_INVALID"],
    [
      "an envelope inside",
      envelope({ Message: JSON.stringify({ Type: "Notification", TopicArn: CONSUMER.topicArn, Message: "{}" }) }),
      "MESSAGE_INVALID",
    ],
    [
      "a confirmation",
      envelope({ Type: "SubscriptionConfirmation", Message: JSON.stringify(aBody()) }),
      "MESSAGE_INVALID",
    ],
    ["no text inside", envelope({ Message: aBody() }), "MESSAGE_INVALID"],
    ["a probe inside", envelope({ Message: JSON.stringify(probe()) }), "skip PROBE"],
    [
      "a probe for another",
      envelope({ Message: JSON.stringify(probe()), MessageAttributes: attribute("1") }),
      "WRONG_ACCOUNT",
    ],
  ])("of a topic: %s", (_what, record, expected) => {
    expect(decide(record)).toBe(expected.includes(" ") || expected === "copy" ? expected : `reject ${expected}`);
  });

  it.each([
    ["a probe of another source", aRecord(probe({ source: { bucket: "other" } })), "skip PROBE"],
    ["a probe of another region", aRecord(probe({ target: { region: "us-east-1" } })), "reject WRONG_REGION"],
    ["a probe of another account by attribute", aRecord(probe(), { account: "1" }), "reject WRONG_ACCOUNT"],
    ["a probe of the third version", aRecord(probe({ v: 3 })), "reject VERSION_UNSUPPORTED"],
    ["a probe with a wrong key", aRecord(probe({ ArtifactKey: "../x", ArtifactUrl: "ftp://x" })), "skip PROBE"],
    [
      "the probe's name in other letters",
      aRecord(probe({ artifact: { name: "Stackyard.probe" } })),
      "reject MESSAGE_INVALID",
    ],
  ])("%s", (_what, record, expected) => {
    expect(decide(record)).toBe(expected);
  });
});

describe("unknown fields", () => {
  it("change no decision, whatever their names and values", () => {
    const own = new Set([...Object.keys(aBody()), "retire", "Type", "Message", "__proto__"]);
    const name = fc.constantFrom("kind", "code", "reason", "receipt", "message", "probe", "places", "then", "toJSON");
    const names = fc.oneof(name, fc.string()).filter((text) => !own.has(text));
    const bodies = [
      aBody(),
      aBody({ ArtifactUrl: "https://169.254.169.254/" }),
      aBody({ ArtifactKey: "../x" }),
      probe(),
    ];

    fc.assert(
      fc.property(fc.dictionary(names, fc.jsonValue()), fc.constantFrom(...bodies), (more, body) => {
        fc.pre(!JSON.stringify(more).includes("__proto__"));
        expect(decide(aRecord({ ...more, ...body }))).toBe(decide(aRecord(body)));
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("odd URLs", () => {
  const at = (host: string, path = `/${KEY}`, over = {}) => aRecord(aBody({ ArtifactUrl: aUrl(over, path, host) }));

  it.each([
    ["the port by name", at(`${HOST}:443`), "copy"],
    ["an empty port", at(`${HOST}:`), "copy"],
    ["the port of HTTP", at(`${HOST}:80`), "reject URL_INVALID"],
    ["no port", at(`${HOST}:99999`), "reject URL_INVALID"],
    ["capitals", at(HOST.toUpperCase()), "copy"],
    ["letters of full width", at(HOST.replace("s3", "ｓ３")), "copy"],
    ["a dot of another script", at(HOST.replace(".com", "。com")), "copy"],
    ["a look-alike of another script", at(HOST.replace("amazonaws", "аmazonaws")), "reject URL_HOST"],
    ["a trailing dot of another script", at(`${HOST}。`), "reject URL_HOST"],
    ["a slash of full width", at(`${HOST}／x`), "reject URL_INVALID"],
    ["an encoded host", at(HOST.replace("d", "%64")), "copy"],
    ["an encoded user", at(`user%40${HOST}`), "reject URL_INVALID"],
    ["China's host", at(`${HOST}.cn`), "reject URL_HOST"],
    ["the host of IPv6 and IPv4", at("dist-bucket.s3.dualstack.eu-west-1.amazonaws.com"), "copy"],
    ["an encoded slash", at(HOST, `/${KEY.replaceAll("/", "%2F")}`), "copy"],
    ["encoded letters", at(HOST, `/${KEY.replace("a", "%61")}`), "copy"],
    ["encoded dots", at(HOST, `/x/%2e%2e/${KEY}`), "reject URL_KEY_MISMATCH"],
    ["dots", at(HOST, `/x/../${KEY}`), "reject URL_KEY_MISMATCH"],
    ["a dot", at(HOST, `/./${KEY}`), "reject URL_KEY_MISMATCH"],
    ["an encoded bucket", at("s3.eu-west-1.amazonaws.com", `/dist%2Dbucket/${KEY}`), "reject URL_HOST"],
    ["dots before the bucket", at("s3.amazonaws.com", `/other/../dist-bucket/${KEY}`), "reject URL_HOST"],
    ["the bucket in other letters", at("s3.amazonaws.com", `/Dist-Bucket/${KEY}`), "reject URL_HOST"],
    ["a date in small letters", at(HOST, undefined, { "X-Amz-Date": "20261120t055900z" }), "reject URL_INVALID"],
    ["a signature without a value", at(HOST, undefined, { "X-Amz-Signature": "" }), "reject URL_NOT_SIGNED"],
  ])("%s", (_what, record, expected) => {
    expect(decide(record)).toBe(expected);
  });

  it.each([
    ["names that are encoded", (url: string) => url.replace("X-Amz-Date", "X%2DAmz-Date"), "copy"],
    ["names in small letters", (url: string) => url.replaceAll("X-Amz", "x-amz"), "reject URL_NOT_SIGNED"],
    ["a name twice, once encoded", (url: string) => `${url}&X%2DAmz-Date=1`, "reject URL_INVALID"],
    ["a name twice in other letters", (url: string) => `${url}&x-amz-date=1`, "reject URL_INVALID"],
    ["another name twice", (url: string) => `${url}&a=1&a=1`, "reject URL_INVALID"],
    ["further names", (url: string) => `${url}&response-content-disposition=a+b&x-id=GetObject&&`, "copy"],
    ["nothing but a question mark", (url: string) => url.replace(/\?.*/, "?"), "reject URL_NOT_SIGNED"],
  ])("%s", (_what, change, expected) => {
    expect(decide(aRecord(aBody({ ArtifactUrl: change(aUrl()) })))).toBe(expected);
  });

  it.each([
    ["with further names", "AWSAccessKeyId=A&Signature=a+b/c=&Expires=9999999999&response-content-type=a", "copy"],
    ["over", "AWSAccessKeyId=A&Signature=s&Expires=1", "reject URL_EXPIRED"],
    ["without a number", "AWSAccessKeyId=A&Signature=s&Expires=-1", "reject URL_INVALID"],
    ["in small letters", "awsaccesskeyid=A&signature=s&expires=9999999999", "reject URL_NOT_SIGNED"],
  ])("of the old style, %s", (_what, parameters, expected) => {
    expect(decide(aRecord(old(parameters)))).toBe(expected);
  });

  it("may be of a bucket with dots", () => {
    const bucket = "dist.bucket.example";
    const of = (host: string, path: string) =>
      aRecord(aBody({ source: { bucket }, ArtifactUrl: aUrl({}, path, host) }));
    const config = { sourceBucket: bucket };

    expect(decide(of(`${bucket}.s3.eu-west-1.amazonaws.com`, `/${KEY}`), config)).toBe("copy");
    expect(decide(of("s3.eu-west-1.amazonaws.com", `/${bucket}/${KEY}`), config)).toBe("copy");
    expect(decide(of("bucket.example.s3.eu-west-1.amazonaws.com", `/${KEY}`), config)).toBe("reject URL_HOST");
  });
});

describe("what is known of a key", () => {
  const other = { sourceSha256: "00".repeat(32), name: "billing-api", version: "1.4.2", sequence: 9_999 };

  it.each([
    [
      "the same digest of another version and a later sequence",
      { ...other, sourceSha256: SHA256 },
      "skip ALREADY_PRESENT",
    ],
    ["another digest of the same version comes before a later sequence", other, "reject VERSION_CONFLICT"],
    ["another name", { ...other, name: "console" }, "skip SUPERSEDED"],
    ["the same sequence", { ...other, version: "1.4.1", sequence: 1_042 }, "copy"],
    ["no digest", { name: "billing-api", version: "1.4.2" }, "copy"],
    ["a sequence alone", { sequence: 1_043 }, "skip SUPERSEDED"],
    ["nothing", {}, "copy"],
  ])("%s", (_what, known, expected) => {
    expect(decide(aRecord(), {}, known)).toBe(expected);
  });

  it("counts only when place, key, URL and size are right", () => {
    const known = { sourceSha256: SHA256 };
    const wrong = (over: Readonly<Record<string, unknown>>) => decide(aRecord(aBody(over)), { maxBytes: 1 }, known);

    expect(wrong({ source: { bucket: "other" }, ArtifactKey: "/", ArtifactUrl: "x" })).toBe("reject WRONG_SOURCE");
    expect(wrong({ ArtifactKey: "/", ArtifactUrl: "x" })).toBe("reject KEY_INVALID");
    expect(wrong({ ArtifactUrl: "x" })).toBe("reject URL_INVALID");
    expect(wrong({})).toBe("reject TOO_LARGE");
  });
});
