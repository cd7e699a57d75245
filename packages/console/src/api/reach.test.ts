import { describe, expect, it } from "vitest";
import { createReach } from "./reach.ts";

const problem = { "content-type": "application/problem+json" };

async function reachAfter(...answers: readonly (Response | Error)[]) {
  const queue = [...answers];
  const reach = createReach(
    async () => {
      const next = queue.shift();
      if (next instanceof Response) return next;
      throw next;
    },
    () => 7,
  );
  for (const _ of answers) await reach.fetch("/v1/me").catch(() => {});
  return reach.failedSince();
}

describe("createReach", () => {
  it.each([
    ["no answer", new TypeError("Failed to fetch")],
    ["a proxy without the server", new Response("<html>", { status: 502 })],
    ["a balancer without the server", new Response("", { status: 503 })],
  ])("says since when requests fail: %s", async (_, failure) => {
    expect(await reachAfter(new Response("{}"), failure)).toBe(7);
  });

  it.each([
    ["an answer", new Response("{}")],
    ["a refusal", new Response("{}", { status: 403, headers: problem })],
    ["a server whose store is down", new Response("{}", { status: 503, headers: problem })],
  ])("is reached with %s", async (_, answer) => {
    expect(await reachAfter(new TypeError("Failed to fetch"), answer)).toBeUndefined();
  });

  it("learns nothing from a request that the page has ended", async () => {
    const aborted = new DOMException("", "AbortError");

    expect(await reachAfter(aborted)).toBeUndefined();
    expect(await reachAfter(new TypeError("Failed to fetch"), aborted)).toBe(7);
  });
});
