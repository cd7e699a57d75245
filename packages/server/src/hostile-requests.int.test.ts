import { get } from "node:http";
import { text } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { defined } from "@stackyard/core";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { anyCharacter } from "./testing/any-character.ts";
import { createTestYard, type TestYard } from "./testing/test-yard.ts";

let yard: TestYard;
beforeAll(() => {
  yard = createTestYard({ port: 0, limits: { bodyBytes: 10_000 } });
});
afterAll(() => yard.stop());

async function expectProblem(answer: Response, status: number, code: string) {
  expect(answer.headers.get("content-type")).toBe("application/problem+json");
  expect({ status: answer.status, ...((await answer.json()) as object) }).toMatchObject({
    status,
    code,
    type: "about:blank",
  });
}

describe("hostile requests", () => {
  it("requires a token everywhere except for health and the OpenAPI document", async () => {
    const headers = { authorization: "" };

    for (const path of ["/v1/stacks", "/v1/history", "/v1/watch", "/metrics", "/v1/yard", "/v1/machines"]) {
      await expectProblem(await yard.call(path, { headers }), 401, "UNAUTHENTICATED");
    }
    for (const path of ["/health/live", "/health/ready", "/openapi.json"]) {
      expect((await yard.call(path, { headers })).status).toBe(200);
    }
  });

  it("reads no body before it knows who sends it", async () => {
    const answer = await yard.call("/v1/events", { headers: { authorization: "Bearer wrong" }, body: "{".repeat(100) });

    await expectProblem(answer, 401, "UNAUTHENTICATED");
  });

  it("says whether a token is missing or not valid", async () => {
    const details = ["", "Bearer wrong"].map(async (authorization) => {
      const { detail } = await yard.json<{ detail: string }>("/v1/stacks", { headers: { authorization } });
      return detail;
    });

    expect(await Promise.all(details)).toEqual([
      expect.stringContaining("Send the token"),
      expect.stringContaining("The token is not valid"),
    ]);
  });

  it.each([
    ["text that is no JSON", "{", 400, "USAGE"],
    ["bytes that are no UTF-8", new Uint8Array([0x22, 0xff, 0x22]), 400, "USAGE"],
    ["a deep body", "[".repeat(40) + "]".repeat(40), 400, "USAGE"],
    ["a prototype", '{"stackId":"a","event":"X","metadata":{"__proto__":{"x":1}}}', 400, "USAGE"],
    ["a large body", JSON.stringify({ a: "x".repeat(10_001) }), 413, "PAYLOAD_TOO_LARGE"],
    ["no body", undefined, 400, "USAGE"],
    ["a number", "7", 400, "USAGE"],
  ])("rejects %s", async (_, body, status, code) => {
    const answer = await yard.call("/v1/events", { method: "POST", ...defined({ body }) });

    await expectProblem(answer, status, code);
  });

  // headroom#3284, oneuptime#3404, axonhub#1688, serving#4136: a limit in bytes before decompression
  it.each(["gzip", "deflate", "br", "zstd", "gzip, gzip", "GZIP"])(
    "expands no body with the encoding %s",
    async (encoding) => {
      const body = gzipSync(Buffer.alloc(1024 ** 2, "["));
      const answer = await yard.call("/v1/events", { method: "POST", body, headers: { "content-encoding": encoding } });

      await expectProblem(answer, 400, "USAGE");
    },
  );

  it("rejects a body that a form of another page could send", async () => {
    const answer = await yard.call("/v1/events", { body: "{}", headers: { "content-type": "text/plain" } });

    await expectProblem(answer, 415, "USAGE");
  });

  it.each([
    "/v1/stacks?limit=0",
    "/v1/stacks?limit=1001",
    "/v1/stacks?limit=1e2x",
    "/v1/stacks?limit=1&limit=2",
    "/v1/stacks?nothing=1",
    "/v1/stacks?condition=odd",
    "/v1/watch?since=-1",
    `/v1/stacks/${"a".repeat(256)}`,
  ])("rejects %s and says where it is wrong", async (path) => {
    await expectProblem(await yard.call(path), 400, "USAGE");
  });

  it.each([
    ["/v1/stacks/s1/bundle?as=exe", 'query/as: must be "json" or "page".'],
    ["/v1/stacks/s1/plans/p/stacks?does=rm", 'query/does: must be "move", "same", "create", "moving" or "fails".'],
    ["/v1/stacks?limit=ten", "query/limit: must be a whole number."],
    ["/v1/stacks?limit=0", "query/limit: must be >= 1."],
    ["/v1/stacks?a~b=1", "query/a~0b: unknown property."],
  ])("says of %s what it may have", async (path, what) => {
    const answer = await yard.call(path);

    expect((await answer.json()) as object).toMatchObject({ code: "USAGE", detail: expect.stringContaining(what) });
  });

  it("names a property that a body lacks", async () => {
    const answer = await yard.call("/v1/freezes", { body: { name: "winter" } });

    expect(await answer.json()).toMatchObject({ faults: [{ in: "body", pointer: "/reason", message: "is missing" }] });
  });

  it("reports the faults of a query by pointer", async () => {
    const answer = await yard.call("/v1/stacks?limit=0&condition=odd");

    const { faults } = (await answer.json()) as { faults: { in: string; pointer: string }[] };
    expect(faults).toEqual(expect.arrayContaining([expect.objectContaining({ in: "query", pointer: "/limit" })]));
  });

  it("knows no other paths and methods", async () => {
    await expectProblem(await yard.call("/v2/stacks"), 404, "NOT_FOUND");
    const answer = await yard.call("/v1/events", { method: "PUT" });
    expect(answer.headers.get("allow")).toBe("POST");
    await expectProblem(answer, 405, "USAGE");
  });

  it("answers every stack id with 404, never with anything else of the server", async () => {
    const ids = fc
      .oneof(
        fc.string({ unit: anyCharacter, minLength: 1, maxLength: 60 }),
        fc.constantFrom(
          "__proto__",
          "constructor",
          "../x",
          "a/b",
          "%2e%2e",
          "%",
          "?",
          "#",
          "a;b",
          "a\\b",
          "events",
          "\u0000",
        ),
      )
      .filter((id) => id.isWellFormed() && id !== "." && id !== ".." && id.length <= 255);
    await fc.assert(
      fc.asyncProperty(ids, async (id) => {
        const answer = await yard.call(`/v1/stacks/${encodeURIComponent(id)}`);
        expect(await answer.json()).toMatchObject({
          status: 404,
          code: "STACK_UNKNOWN",
          detail: `Stack "${id}" does not exist.`,
        });
      }),
    );
  });

  it("rejects a Host header that is not part of an address, and says so", async () => {
    const { url } = await yard.server.start();
    const send = (host: string) =>
      new Promise<Response>((resolve, reject) => {
        const request = get(`${url}/v1/me`, { headers: { host } }, async (response) => {
          const headers = { "content-type": response.headers["content-type"] ?? "" };
          resolve(new Response(await text(response), { status: response.statusCode ?? 0, headers }));
        });
        request.on("error", reject);
      });

    for (const host of ["127.0.0.1:7070@evil.test", "evil.test@127.0.0.1", "127.0.0.1/x", "lo\u00f6p", "a b", "[::1"]) {
      await expectProblem(await send(host), 400, "USAGE");
    }
  });

  it("never fails on a path or a cursor", async () => {
    const paths = fc.oneof(
      fc.webPath().map((path) => `/v1/stacks${path}`),
      fc.string({ maxLength: 40 }).map((cursor) => `/v1/history?cursor=${encodeURIComponent(cursor)}`),
      fc.string({ maxLength: 40 }).map((cursor) => `/v1/dead-letters?cursor=${encodeURIComponent(cursor)}`),
      fc.string({ maxLength: 40 }).map((key) => `/terraform/state/${encodeURIComponent(key)}`),
    );
    await fc.assert(
      fc.asyncProperty(paths, async (path) => {
        expect((await yard.call(path)).status).toBeLessThan(500);
      }),
    );
  });

  it("never fails on a body", async () => {
    const routes = fc.constantFrom(
      "/v1/events",
      "/v1/simulate",
      "/v1/dead-letters/redrive",
      "/v1/stacks/a/retry",
      "/v1/stacks/a/simulate",
    );
    const events = fc.record(
      { stackId: fc.anything(), event: fc.anything(), metadata: fc.anything() },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(routes, fc.oneof(fc.jsonValue(), events), async (path, value) => {
        const body = JSON.stringify(value, (_, each) => (typeof each === "bigint" ? String(each) : each));
        expect((await yard.call(path, { method: "POST", body: body ?? "null" })).status).toBeLessThan(500);
      }),
    );
  });
});
