import { createFakeClock } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { createAnswerEndpoint } from "./answer-endpoint.ts";

const IDS = { StackId: "arn:aws:cloudformation:eu-west-1:1:stack/a/1", RequestId: "r-1", LogicalResourceId: "Task" };
const GOOD = { ...IDS, Status: "SUCCESS", PhysicalResourceId: "p" };

function openEndpoint() {
  const clock = createFakeClock();
  const endpoint = createAnswerEndpoint(clock.now);
  const url = endpoint.open(IDS, "eu-west-1");
  const put = (body: unknown, headers: Record<string, string> = { "content-type": "" }, to = url) =>
    endpoint.fetch(to, { method: "PUT", headers, body: typeof body === "string" ? body : JSON.stringify(body) });
  return { clock, endpoint, url, put };
}

describe("the answer endpoint", () => {
  it("keeps an answer that is uploaded with an empty content type", async () => {
    const { endpoint, put, url } = openEndpoint();

    const { status } = await put(GOOD);

    expect(new URL(url).host).toBe("cloudformation-custom-resource-response-euwest1.s3.eu-west-1.amazonaws.com");
    expect(status).toBe(200);
    expect(endpoint.findAnswer("r-1")).toMatchObject({ answer: GOOD });
    expect(await endpoint.waitForAnswer("r-1")).toMatchObject({ answer: GOOD });
  });

  it.each([
    ["a content type", { "content-type": "application/json" }],
    ["the content type that fetch gives to a text", {}],
  ])("refuses %s, as it is not what was signed", async (_what, headers) => {
    const { endpoint, put } = openEndpoint();

    const answer = await put(GOOD, headers as Record<string, string>);

    expect(answer.status).toBe(403);
    expect(await answer.text()).toContain("SignatureDoesNotMatch");
    expect(endpoint.findAnswer("r-1")).toBeUndefined();
  });

  it("refuses other paths, and its own after two hours; other hosts are not there", async () => {
    const { clock, put, url } = openEndpoint();

    expect((await put(GOOD, undefined, `${url}x`)).status).toBe(403);
    await expect(put(GOOD, undefined, "https://example.com/x")).rejects.toThrow("fetch failed");
    await clock.advance(2 * 3_600_000 + 1);
    expect(await (await put(GOOD)).text()).toContain("AccessDenied");
  });

  it.each([
    ["is over 4,096 bytes", { ...GOOD, Reason: "x".repeat(4_096) }, "Response object is too long."],
    ["is no JSON", "x", "Invalid response object: it is no JSON object."],
    ["has another RequestId", { ...GOOD, RequestId: "r-2" }, /RequestId must match/],
    ["has no physical id", { ...GOOD, PhysicalResourceId: "" }, "Invalid PhysicalResourceId"],
    ["has a physical id over 1 KB", { ...GOOD, PhysicalResourceId: "x".repeat(1_025) }, /too long/],
    ["fails without a reason", { ...GOOD, Status: "FAILED" }, /Reason is required/],
    ["has another status", { ...GOOD, Status: "OK" }, /Status/],
    ["has data that is no object", { ...GOOD, Data: "x" }, /Data/],
  ])("stores, but does not understand, an answer that %s", async (_what, body, problem) => {
    const { endpoint, put } = openEndpoint();

    expect((await put(body)).status).toBe(200);

    const { answer, problem: told } = endpoint.findAnswer("r-1") ?? {};
    expect(answer).toBeUndefined();
    expect(told).toMatch(problem);
  });

  it("lets the first answer count", async () => {
    const { endpoint, put } = openEndpoint();
    await put(GOOD);
    await put({ ...GOOD, PhysicalResourceId: "other" });

    expect(endpoint.findAnswer("r-1")?.answer?.PhysicalResourceId).toBe("p");
    expect(endpoint.uploads).toHaveLength(2);
  });

  it("fails as it is told to: with a status, or a connection that breaks before or after the upload", async () => {
    const { endpoint, put } = openEndpoint();
    endpoint.failNext(503);
    endpoint.failNext("reset");
    endpoint.failNext("reset-after");

    expect((await put(GOOD)).status).toBe(503);
    await expect(put(GOOD)).rejects.toThrow("fetch failed");
    expect(endpoint.findAnswer("r-1")).toBeUndefined();
    await expect(put(GOOD)).rejects.toThrow("fetch failed");
    expect(endpoint.findAnswer("r-1")).toMatchObject({ answer: GOOD });
  });
});
