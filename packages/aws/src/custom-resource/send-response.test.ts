import { createFakeClock, findSlowStep, settlePromises } from "@stackyard/core/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  cutReason,
  isAnswerUrl,
  isCloudFormationEvent,
  isResponseUrl,
  isWithinLimit,
  parseRequest,
  sendResponse,
  toReason,
} from "./send-response.ts";

const URL_TEXT = "https://bucket.s3.amazonaws.com/x?Signature=top-secret";
const RESPONSE = { Status: "SUCCESS", StackId: "s", RequestId: "r-1", LogicalResourceId: "Migration", Reason: "done" };

function createRecordingLogger() {
  const lines: unknown[] = [];
  const add = (...line: readonly unknown[]) => void lines.push(line);
  return { lines, debug: add, info: add, warn: add, error: add };
}

/** An endpoint that returns these responses in order, and then repeats the last one. */
function createEndpoint(...answers: readonly (number | Error)[]) {
  const calls: { url: string; init: RequestInit | undefined }[] = [];
  const fetch: typeof globalThis.fetch = async (url, init) => {
    calls.push({ url: String(url), init });
    const answer = answers[Math.min(calls.length, answers.length) - 1] ?? 200;
    if (answer instanceof Error) throw answer;
    return new Response(null, { status: answer });
  };
  return { fetch, calls, clock: createFakeClock(), logger: createRecordingLogger() };
}

describe("sendResponse", () => {
  it("puts the JSON with an empty content type and follows nothing", async () => {
    const endpoint = createEndpoint(200);

    await sendResponse(endpoint, URL_TEXT, RESPONSE);

    expect(endpoint.calls).toMatchObject([
      { url: URL_TEXT, init: { method: "PUT", headers: { "content-type": "" }, redirect: "manual" } },
    ]);
    expect(JSON.parse(String(endpoint.calls[0]?.init?.body))).toEqual(RESPONSE);
  });

  it("tries again with growing pauses", async () => {
    const endpoint = createEndpoint(503, new TypeError("fetch failed"), 500, 503, 503, 200);
    const { clock } = endpoint;
    const start = clock.now();
    const pauses: number[] = [];

    const sent = sendResponse(endpoint, URL_TEXT, RESPONSE);
    for (let at = 0; at < 5; at += 1) {
      await settlePromises();
      pauses.push((clock.nextWakeAt() ?? 0) - clock.now());
      await clock.advance(pauses.at(-1) ?? 0);
    }
    await sent;

    expect(pauses).toEqual([500, 1_000, 2_000, 4_000, 8_000]);
    expect(clock.now() - start).toBe(15_500);
    expect(endpoint.calls).toHaveLength(6);
  });

  it("stops after five retries, and treats a redirect as a failure", async () => {
    const endpoint = createEndpoint(307);

    const sent = sendResponse(endpoint, URL_TEXT, RESPONSE).catch((error: unknown) => error);
    await endpoint.clock.advance(60_000);

    expect(await sent).toMatchObject({
      code: "UNREACHABLE",
      message: "CloudFormation did not accept the response: status 307.",
    });
    expect(endpoint.calls).toHaveLength(6);
  });

  // custom-resource-helper#34, qnabot-on-aws#523: the stack waits for an hour.
  it.each([
    [Object.assign(new Error("getaddrinfo ENOTFOUND bucket"), { code: "ENOTFOUND" }), "ENOTFOUND"],
    [Object.assign(new AggregateError([], ""), { code: "ECONNREFUSED" }), "ECONNREFUSED"],
    [Object.assign(new Error("expired"), { code: "CERT_HAS_EXPIRED" }), "CERT_HAS_EXPIRED"],
    [new RangeError("wrong"), "TypeError, RangeError"],
    [undefined, "TypeError"],
  ])("names what is wrong with the network: %s", async (cause, reason) => {
    const endpoint = createEndpoint(new TypeError("fetch failed", { cause }));

    const sent = sendResponse(endpoint, URL_TEXT, RESPONSE).catch((error: unknown) => error);
    await endpoint.clock.advance(60_000);

    const advice = "The function must reach S3, by a NAT or an endpoint of its VPC";
    const message = `CloudFormation did not accept the response: ${reason}. ${advice}.`;
    expect(await sent).toMatchObject({ code: "UNREACHABLE", message });
    expect(endpoint.logger.lines.at(-1)).toEqual([message, { requestId: "r-1", fault: `${reason}. ${advice}` }]);
  });

  it.each([
    ["nodejs/node#45481", 6000],
    ["afdocs#97", 1719],
    ["harness-engineering#287", 10080],
  ])("has a code for a port that fetch does not connect to (%s)", async (_, port) => {
    const clock = { now: Date.now, sleep: async () => undefined };
    const endpoint = { ...createEndpoint(), fetch: globalThis.fetch, clock };
    const url = `http://127.0.0.1:${port}/a?Signature=top-secret`;

    const sent = await sendResponse(endpoint, url, RESPONSE).catch((error: unknown) => error);

    expect(sent).toMatchObject({ message: expect.stringContaining("response: BAD_PORT. The function") });
    expect(JSON.stringify(endpoint.logger.lines)).not.toContain("top-secret");
  });

  it("never reveals the address", async () => {
    const endpoint = createEndpoint(new TypeError(`Failed to fetch ${URL_TEXT}`));

    const sent = sendResponse(endpoint, URL_TEXT, RESPONSE).catch((error: unknown) => error);
    await endpoint.clock.advance(60_000);

    const told = [String(await sent), JSON.stringify(endpoint.logger.lines)].join();
    expect(told).not.toContain("top-secret");
    expect(endpoint.logger.lines.length).toBe(6);
  });
});

const withReason = (Reason: string) => ({ StackId: "s".repeat(200), Reason });

describe("a reason", () => {
  it("of a success is one line without control characters", () => {
    expect(toReason(" one\n two\u0007three ", "SUCCESS")).toBe("one two three");
    expect(toReason("one\n two", "FAILED")).toBe("one\n two");
    expect(toReason("one \n\n  \n\ttwo\nthree\n", "SUCCESS")).toBe("one two three");
  });

  it.each([" ", "\n", "\t\n"])("puts a run of %j into one line in linear time", async (blank) => {
    const toText = (chars: number) => `a${blank.repeat(chars / blank.length)}b`;

    expect(await findSlowStep(toText, (text) => toReason(text, "SUCCESS"))).toBeUndefined();
  });

  it("that fits is left alone", () => {
    expect(cutReason(withReason("short"), 1)).toEqual(withReason("short"));
  });

  it("is cut as little as the limit wants, and parts no character", () => {
    const cut = cutReason(withReason("😀".repeat(3_000)), 1);

    expect(cut.Reason).toMatch(/^(?:😀)+…$/u);
    expect(isWithinLimit(cut)).toBe(true);
    expect(isWithinLimit({ ...cut, Reason: `${cut.Reason}😀` })).toBe(false);
  });

  it("keeps so many characters where nothing helps", () => {
    const cut = cutReason({ Data: "d".repeat(5_000), Reason: "r".repeat(500) }, 200);

    expect([cut.Reason.length, isWithinLimit(cut)]).toEqual([200, false]);
  });

  it("never makes an answer too long, whatever it says", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 6_000 }), (text) => {
        expect(isWithinLimit(cutReason(withReason(toReason(text, "FAILED")), 1))).toBe(true);
      }),
      { numRuns: 200 },
    );
  });
});

describe("isResponseUrl", () => {
  it.each([
    "https://cloudformation-custom-resource-response-useast1.s3.amazonaws.com/arn%3Aaws/x?AWSAccessKeyId=a&Signature=b",
    "https://cloudformation-custom-resource-response-euwest1.s3-eu-west-1.amazonaws.com/x",
    "https://cloudformation-custom-resource-response-eucentral1.s3.eu-central-1.amazonaws.com/x",
    "https://cloudformation-custom-resource-response-usgovwest1.s3.us-gov-west-1.amazonaws.com/x",
    "https://cloudformation-custom-resource-response-cnnorth1.s3.cn-north-1.amazonaws.com.cn/x",
    "https://cloudformation-custom-resource-response-euscdeeast1.s3.eusc-de-east-1.amazonaws.eu/x",
    "https://s3.dualstack.ap-southeast-2.amazonaws.com/bucket/x",
    "https://s3.amazonaws.com/bucket/x",
    "https://bucket.s3-external-1.amazonaws.com/x",
    "https://b.s3.amazonaws.com/x",
    "https://b.s3-fips.us-gov-west-1.amazonaws.com/x",
    "https://b.s3-fips.dualstack.us-east-1.amazonaws.com/x",
    "https://b.s3.us-iso-east-1.c2s.ic.gov/x",
    "https://b.s3.us-isob-east-1.sc2s.sgov.gov/x",
    "https://b.s3.eu-isoe-west-1.cloud.adc-e.uk/x",
    "https://b.s3.us-isof-south-1.csp.hci.ic.gov/x",
  ])("takes %s", (url) => {
    expect(isResponseUrl(url)).toBe(true);
  });

  it.each([
    ...["", "x", "file:///etc/passwd", "http://bucket.s3.amazonaws.com/x", "https://example.com/x"],
    "https://bucket.s3.amazonaws.com.example.com/x",
    "https://example.com/bucket.s3.amazonaws.com",
    "https://bucket.s3.amazonaws.com:8443/x",
    "https://user:pass@bucket.s3.amazonaws.com/x",
    "https://user@bucket.s3.amazonaws.com/x",
    "https://evil-s3.amazonaws.com/x",
    "https://bucket.s3.eu-west-1.amazonaws.eu.example.com/x",
    "https://bucket.s3.eu-west-1.amazonaws.de/x",
    "https://notamazonaws.com/x",
    "https://bucket.s3.notamazonaws.com/x",
    "https://s3-1234567890.eu-west-1.elb.amazonaws.com/x",
    "https://x.execute-api.eu-west-1.amazonaws.com/s3",
    "https://bucket.s3-website-eu-west-1.amazonaws.com/x",
    "https://169.254.169.254/latest/meta-data",
    "https://bucket.s3.amazonaws.com@example.com/x",
    "https://bucket.s3.us-iso-east-1.ic.gov/x",
    "https://bucket.s3-fips.example.com/x",
    "https://bucket.s3-website.us-gov-west-1.amazonaws.com/x",
  ])("rejects %j", (url) => {
    expect(isResponseUrl(url)).toBe(false);
  });
});

const OF_S3 =
  "https://cloudformation-custom-resource-response-eucentral1.s3.eu-central-1.amazonaws.com/a?X-Amz-Signature=0";
const EMULATOR = "http://localhost:4566";

describe("the address of an answer", () => {
  it.each([
    [OF_S3, undefined],
    [OF_S3, EMULATOR],
    ["http://localhost:4566/answers/a?X-Amz-Signature=0", EMULATOR],
    ["http://localhost:9999/a", EMULATOR],
  ])("may be %s with the emulator %s", (url, emulator) => {
    expect(isAnswerUrl(url, emulator)).toBe(true);
  });

  it.each([
    ["http://localhost:4566/a", undefined],
    ["https://localhost:4566/a", EMULATOR],
    ["http://169.254.169.254/a", EMULATOR],
    ["http://localhost.example/a", EMULATOR],
    ["http://me@localhost:4566/a", EMULATOR],
    ["a", EMULATOR],
  ])("may not be %s with the emulator %s", (url, emulator) => {
    expect(isAnswerUrl(url, emulator)).toBe(false);
  });
});

const EVENT = {
  RequestType: "Update",
  ResponseURL: "https://example.s3.amazonaws.com/x?Signature=y",
  StackId: "arn:aws:cloudformation:eu-west-1:111122223333:stack/shop/1",
  RequestId: "r-1",
  ResourceType: "Custom::ECSTask",
  LogicalResourceId: "Migration",
  PhysicalResourceId: "p-1",
  ResourceProperties: { Cluster: "blue" },
  OldResourceProperties: { Cluster: "green" },
};

describe("parseRequest", () => {
  it("keeps what it needs", () => {
    const { ResourceType, ...kept } = EVENT;

    expect(parseRequest(EVENT)).toEqual(kept);
  });

  it("leaves wrong properties and a wrong type to be answered", () => {
    const { PhysicalResourceId, OldResourceProperties, ...create } = EVENT;

    expect(parseRequest({ ...create, RequestType: 7, ResourceProperties: null })).toMatchObject({
      RequestType: "",
      ResourceProperties: null,
      RequestId: "r-1",
    });
  });

  it.each(["RequestId", "StackId", "LogicalResourceId", "ResponseURL"])("needs %s in order to answer", (name) => {
    for (const value of [undefined, "", 7, null, {}, "x".repeat(9_000)]) {
      expect(parseRequest({ ...EVENT, [name]: value })).toBeUndefined();
    }
  });

  it.each([undefined, null, "text", 7, []])("rejects %j", (event) => {
    expect(parseRequest(event)).toBeUndefined();
    expect(isCloudFormationEvent(event)).toBe(false);
  });

  it("knows the events of CloudFormation", () => {
    expect(isCloudFormationEvent(EVENT)).toBe(true);
    expect(isCloudFormationEvent({ op: "step", requestId: "r-1" })).toBe(false);
  });
});
