import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { evaluateUrl, redactUrl } from "./evaluate-url.ts";
import { aUrl, KEY, NOW } from "./testing/a-message.ts";

const RULES = { bucket: "dist-bucket", region: "eu-west-1" };
const evaluate = (url: string, rules = {}) => evaluateUrl(url, KEY, { ...RULES, ...rules });
const fault = (url: string, rules = {}) => {
  const verdict = evaluate(url, rules);
  return verdict.kind === "refused" ? verdict.code : verdict;
};
const END = { kind: "good", expiresAt: NOW - 60_000 + 3_600_000 };

describe("evaluateUrl", () => {
  it.each([
    "dist-bucket.s3.eu-west-1.amazonaws.com",
    "dist-bucket.s3.amazonaws.com",
    "dist-bucket.s3-eu-west-1.amazonaws.com",
    "dist-bucket.s3.dualstack.eu-west-1.amazonaws.com",
    "DIST-bucket.S3.amazonaws.com",
    "dist-bucket.s3.amazonaws.com:443",
  ])("takes the bucket's host %s", (host) => {
    expect(evaluate(aUrl({}, `/${KEY}`, host))).toEqual(END);
  });

  it.each([
    "s3.eu-west-1.amazonaws.com",
    "s3.amazonaws.com",
    "s3-eu-west-1.amazonaws.com",
    "s3.dualstack.eu-west-1.amazonaws.com",
  ])("takes the bucket in the path of %s", (host) => {
    expect(evaluate(aUrl({}, `/dist-bucket/${KEY}`, host))).toEqual(END);
    expect(fault(aUrl({}, `/other-bucket/${KEY}`, host))).toBe("URL_HOST");
    expect(fault(aUrl({}, `/dist-bucket-2/${KEY}`, host))).toBe("URL_HOST");
    expect(fault(aUrl({}, "/dist-bucket", host))).toBe("URL_KEY_MISMATCH");
  });

  it.each([
    "127.0.0.1",
    "localhost",
    "169.254.169.254",
    "[::1]",
    "0x7f.1",
    "dist-bucket.s3.eu-west-1.amazonaws.com.evil.example",
    "dist-bucket.s3.eu-west-1.amazonaws.com.",
    "other-bucket.s3.eu-west-1.amazonaws.com",
    "dist-bucket.s3.us-east-1.amazonaws.com",
    "evil.dist-bucket.s3.amazonaws.com",
    "dist-bucket.s3.eu-west-1.amazonaws.com.cn",
  ])("rejects the host %s", (host) => {
    expect(fault(aUrl({}, `/${KEY}`, host))).toBe("URL_HOST");
  });

  it("takes the hosts of China in China alone", () => {
    const url = aUrl({}, `/${KEY}`, "dist-bucket.s3.eu-west-1.amazonaws.com.cn");

    expect(evaluate(url, { partition: "aws-cn" })).toEqual(END);
    expect(fault(aUrl(), { partition: "aws-cn" })).toBe("URL_HOST");
  });

  it("takes the hosts of the European Sovereign Cloud there alone", () => {
    const url = aUrl({}, `/${KEY}`, "dist-bucket.s3.eu-west-1.amazonaws.eu");

    expect(evaluate(url, { partition: "aws-eusc" })).toEqual(END);
    expect(fault(url)).toBe("URL_HOST");
    expect(fault(aUrl(), { partition: "aws-eusc" })).toBe("URL_HOST");
  });

  it.each([
    ["aws-iso", "us-iso-east-1", "c2s.ic.gov"],
    ["aws-iso-b", "us-isob-east-1", "sc2s.sgov.gov"],
    ["aws-iso-e", "eu-isoe-west-1", "cloud.adc-e.uk"],
    ["aws-iso-f", "us-isof-south-1", "csp.hci.ic.gov"],
  ])("takes the hosts of the partition %s there alone", (partition, region, domain) => {
    const scope = { "X-Amz-Credential": `AKIAEXAMPLE/20261120/${region}/s3/aws4_request` };
    const url = aUrl(scope, `/${KEY}`, `dist-bucket.s3.${region}.${domain}`);

    expect(evaluate(url, { partition, region })).toEqual(END);
    expect(fault(url, { region })).toBe("URL_HOST");
    expect(fault(aUrl(scope, `/${KEY}`, `dist-bucket.s3.${region}.amazonaws.com`), { partition, region })).toBe(
      "URL_HOST",
    );
  });

  it.each([
    ["aws-sdk-ios#2151", "us-east-2", "dist-bucket.s3-fips.us-east-2.amazonaws.com", `/${KEY}`],
    ["fog-aws#729", "us-gov-west-1", "dist-bucket.s3-fips.us-gov-west-1.amazonaws.com", `/${KEY}`],
    ["fog-aws#729", "us-gov-west-1", "dist-bucket.s3-fips.dualstack.us-gov-west-1.amazonaws.com", `/${KEY}`],
    ["botocore#2798", "us-gov-west-1", "s3-fips.us-gov-west-1.amazonaws.com", `/dist-bucket/${KEY}`],
  ])("takes the FIPS endpoint [%s] of %s: %s", (_report, region, host, path) => {
    const scope = { "X-Amz-Credential": `AKIAEXAMPLE/20261120/${region}/s3/aws4_request` };
    const url = aUrl(scope, path, host);

    expect(evaluate(url, { region })).toEqual(END);
    expect(fault(url, { region: "eu-west-1" })).toBe("URL_HOST");
  });

  it("takes further hosts by their exact names, with the bucket in the path or without", () => {
    const rules = { extraHosts: ["bucket.vpce-1.s3.eu-west-1.vpce.amazonaws.com"] };
    const at = (path: string) => aUrl({}, path, "bucket.vpce-1.s3.eu-west-1.vpce.amazonaws.com");

    expect(evaluate(at(`/${KEY}`), rules)).toEqual(END);
    expect(evaluate(at(`/dist-bucket/${KEY}`), rules)).toEqual(END);
    expect(fault(at("/other"), rules)).toBe("URL_KEY_MISMATCH");
    expect(fault(at(`/${KEY}`))).toBe("URL_HOST");
  });

  it.each([
    ["another scheme", aUrl().replace("https", "http")],
    ["no scheme", aUrl().slice("https:".length)],
    ["one slash", aUrl().replace("https://", "https:/")],
    ["a user", aUrl().replace("https://", "https://user@")],
    ["an empty user", aUrl().replace("https://", "https://@")],
    ["a password", aUrl().replace("https://", "https://user:secret@")],
    ["another port", aUrl({}, `/${KEY}`, "dist-bucket.s3.amazonaws.com:8443")],
    ["a fragment", `${aUrl()}#part`],
    ["an empty fragment", `${aUrl()}#`],
    ["white space before", ` ${aUrl()}`],
    ["a new line inside", aUrl().replace("amazonaws", "amazon\naws")],
    ["a tab inside", aUrl().replace("/app", "/a\tpp")],
    ["a backslash", aUrl().replace("/app", "\\app")],
    ["more than 8 KiB", `${aUrl()}&x=${"a".repeat(8_192)}`],
    ["nothing", ""],
    ["a parameter twice", `${aUrl()}&X-Amz-Expires=60`],
    ["a length of nothing", aUrl({ "X-Amz-Expires": "0" })],
    ["a length above seven days", aUrl({ "X-Amz-Expires": "604801" })],
    ["a length with something behind it", aUrl({ "X-Amz-Expires": "60s" })],
    ["a length that is not a number", aUrl({ "X-Amz-Expires": "1e3" })],
    ["an invalid date", aUrl({ "X-Amz-Date": "20260231T000000Z" })],
    ["a date with something before it", aUrl({ "X-Amz-Date": "020261120T055900Z" })],
    ["a date with something behind it", aUrl({ "X-Amz-Date": "20261120T055900Z0" })],
    ["a date of another form", aUrl({ "X-Amz-Date": "2026-11-20T06:00:00Z" })],
    ["another region's signature", aUrl({ "X-Amz-Credential": "A/20261120/us-east-1/s3/aws4_request" })],
    ["another service's signature", aUrl({ "X-Amz-Credential": "A/20261120/eu-west-1/sqs/aws4_request" })],
    ["a credential of no day", aUrl({ "X-Amz-Credential": "A/today/eu-west-1/s3/aws4_request" })],
    ["a credential of a day that never was", aUrl({ "X-Amz-Credential": "A/20260231/eu-west-1/s3/aws4_request" })],
    ["a credential without an access key", aUrl({ "X-Amz-Credential": "/20261120/eu-west-1/s3/aws4_request" })],
    ["a credential of another end", aUrl({ "X-Amz-Credential": "A/20261120/eu-west-1/s3/aws5_request" })],
    ["a credential of another form", aUrl({ "X-Amz-Credential": "A/eu-west-1/s3" })],
    ["a parameter that cannot be decoded", `${aUrl()}&x=%zz`],
    ["a parameter's name that cannot be decoded", `${aUrl()}&%zz=x`],
    ["two parameters without a name", `${aUrl()}&=a&=b`],
    ["two parameters without a value", `${aUrl()}&acl&acl`],
  ])("rejects %s", (_what, url) => {
    expect(fault(url)).toBe("URL_INVALID");
  });

  it.each([
    ["another key", "/billing-api/1.4.2/other.zip"],
    ["dots that a parser would resolve", "/billing-api/x/../1.4.2/app.zip"],
    ["the key, encoded twice", "/billing-api%252F1.4.2/app.zip"],
    ["an encoding that is broken", "/billing-api/1.4.2/app%zz.zip"],
    ["a slash more", `//${KEY}`],
    ["no path", ""],
  ])("rejects %s", (_what, path) => {
    expect(fault(aUrl({}, path))).toBe("URL_KEY_MISMATCH");
  });

  it("decodes the key once, and a plus stays a plus", () => {
    const rules = { bucket: "dist-bucket", region: "eu-west-1" };

    expect(evaluateUrl(aUrl({}, "/a%20b/c+d/%C3%BC.zip"), "a b/c+d/ü.zip", rules)).toEqual(END);
    expect(evaluateUrl(aUrl({}, "/a+b"), "a b", rules)).toMatchObject({ code: "URL_KEY_MISMATCH" });
  });

  it.each([
    ["without a signature", `https://dist-bucket.s3.amazonaws.com/${KEY}`],
    ["of another algorithm", aUrl({ "X-Amz-Algorithm": "AWS4-ECDSA-P256-SHA256" })],
    ["without its credential", aUrl({ "X-Amz-Credential": undefined })],
    ["without its date", aUrl({ "X-Amz-Date": undefined })],
    ["without its length", aUrl({ "X-Amz-Expires": undefined })],
    ["without its headers", aUrl({ "X-Amz-SignedHeaders": undefined })],
    ["without its value", aUrl({ "X-Amz-Signature": undefined })],
    ["with an empty signature", aUrl({ "X-Amz-Signature": "" })],
    ["of the old style without an end", `https://dist-bucket.s3.amazonaws.com/${KEY}?AWSAccessKeyId=A&Signature=s`],
  ])("rejects one %s", (_what, url) => {
    expect(fault(url)).toBe("URL_NOT_SIGNED");
  });

  it("takes a signature of seven days, of a key with slashes, and parameters without a name or a value", () => {
    const credential = "A/B/20261120/eu-west-1/s3/aws4_request";

    expect(evaluate(aUrl({ "X-Amz-Expires": "604800" }))).toEqual({
      kind: "good",
      expiresAt: NOW - 60_000 + 604_800_000,
    });
    expect(evaluate(aUrl({ "X-Amz-Credential": credential }))).toEqual(END);
    expect(evaluate(`${aUrl()}&=a&acl&&b=`)).toEqual(END);
  });

  it("takes a URL of exactly 8 KiB", () => {
    const url = `${aUrl()}&x=`;
    const of = (bytes: number) => url + "a".repeat(bytes - url.length);

    expect([evaluate(of(8_192)), fault(of(8_193))]).toEqual([END, "URL_INVALID"]);
  });

  it("shows no more of a host than hosts can have", () => {
    const verdict = evaluate(aUrl({}, `/${KEY}`, `${"a.".repeat(500)}example`));

    expect(verdict).toMatchObject({
      code: "URL_HOST",
      reason: `The host ${"a.".repeat(126)}a is not the source bucket's.`,
    });
  });

  it("accepts signatures of the old style, which contain their expiry", () => {
    const old = (end: string) =>
      `https://dist-bucket.s3.amazonaws.com/${KEY}?AWSAccessKeyId=ASIA&Signature=a%2Bb%3D&x-amz-security-token=t&Expires=${end}`;

    expect(evaluate(old("1763618400"))).toEqual({ kind: "good", expiresAt: 1_763_618_400_000 });
    expect(fault(old("tomorrow"))).toBe("URL_INVALID");
    expect(fault(old("1763618400x"))).toBe("URL_INVALID");
    expect(fault(old("1763618400000"))).toBe("URL_INVALID");
  });

  it("lets nothing but the bucket's hosts pass, whatever the text", () => {
    const pieces = fc.constantFrom(
      "dist-bucket",
      ".s3",
      ".eu-west-1",
      ".amazonaws.com",
      "@",
      ":",
      "/",
      "\\",
      "evil",
      "#",
      "?",
      "%2e",
      " ",
    );
    const hosts = /^https:\/\/(dist-bucket\.)?s3[.-](eu-west-1\.|dualstack\.eu-west-1\.)?amazonaws\.com[/:]/;

    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 8 }), (parts) => {
        const url = aUrl({}, `/${KEY}`, parts.join(""));
        if (evaluate(url).kind === "good") expect(url).toMatch(hosts);
      }),
    );
  });

  it("crashes on no text", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => ["good", "refused"].includes(evaluate(text).kind)));
  });
});

it("keeps scheme, host and key, and nothing of the signature", () => {
  expect(redactUrl(aUrl())).toBe("https://dist-bucket.s3.eu-west-1.amazonaws.com/billing-api/1.4.2/app.zip");
});

it("takes an at sign in the key for a part of it", () => {
  expect(redactUrl("https://host/icons/a@2x.png?X-Amz-Signature=1")).toBe("https://host/icons/a@2x.png");
});

it("needs neither a path nor a query", () => {
  expect(["https://host?X-Amz-Signature=1", "https://host/a", "https://host"].map(redactUrl)).toEqual([
    "https://host",
    "https://host/a",
    "https://host",
  ]);
});

it.each(["see https://host/a?x", "https://user:secret@host/a?x", "no address ?X-Amz-Signature=1", ""])(
  "shows nothing of %j",
  (text) => {
    expect(redactUrl(text)).toBe("[address]");
  },
);
