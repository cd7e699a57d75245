import { createFakeClock, settlePromises } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { sendResponse } from "./send-response.ts";

const URL_TEXT = "https://bucket.s3.amazonaws.com/x?Signature=top-secret";
const RESPONSE = { Status: "SUCCESS", StackId: "s", RequestId: "r-1", LogicalResourceId: "Migration", Reason: "done" };

function createRecordingLogger() {
  const lines: unknown[] = [];
  const add = (...line: readonly unknown[]) => void lines.push(line);
  return { lines, debug: add, info: add, warn: add, error: add };
}

/** An endpoint that answers with these in turn, the last one for ever. */
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

  it("gives up after five repeats, and takes a redirect for a refusal", async () => {
    const endpoint = createEndpoint(307);

    const sent = sendResponse(endpoint, URL_TEXT, RESPONSE).catch((error: unknown) => error);
    await endpoint.clock.advance(60_000);

    expect(await sent).toMatchObject({
      code: "UNREACHABLE",
      message: "CloudFormation did not take the answer: status 307.",
    });
    expect(endpoint.calls).toHaveLength(6);
  });

  it("never tells the address", async () => {
    const endpoint = createEndpoint(new TypeError(`Failed to fetch ${URL_TEXT}`));

    const sent = sendResponse(endpoint, URL_TEXT, RESPONSE).catch((error: unknown) => error);
    await endpoint.clock.advance(60_000);

    const told = [String(await sent), JSON.stringify(endpoint.logger.lines)].join();
    expect(told).not.toContain("top-secret");
    expect(endpoint.logger.lines.length).toBe(6);
  });
});
