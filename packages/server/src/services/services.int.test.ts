import { connect } from "node:net";
import type { PluginService, ServiceDeps, ServiceRequest } from "@stackyard/core";
import { afterEach, describe, expect, it } from "vitest";
import { eventually } from "../testing/eventually.ts";
import { createTestYard, type TestYard, type TestYardOptions } from "../testing/test-yard.ts";

const yards: TestYard[] = [];
afterEach(async () => {
  for (const yard of yards.splice(0)) await yard.stop();
});

type Answer = (request: ServiceRequest, deps: ServiceDeps) => Promise<Response>;

/** A yard with a service that answers at /hooks/echo. */
function createYard(
  answer: Answer,
  { tick, maxBytes = 1_000, ...options }: Partial<PluginService> & TestYardOptions & { maxBytes?: number } = {},
): TestYard {
  const route = { method: "POST", path: "/hooks/echo", maxBytes, answer } as const;
  const service: PluginService = { name: "echo", routes: [route], ...(tick === undefined ? {} : { tick }) };
  const yard = createTestYard({ ...options, deps: { services: [service], ...options.deps } });
  yards.push(yard);
  return yard;
}

const echo: Answer = async ({ body, headers, url }) =>
  Response.json({ body: Buffer.from(body).toString("hex"), type: headers.get("content-type"), path: url.pathname });

describe("a route of a service", () => {
  it("gets the request as it came, without a credential of the API", async () => {
    const yard = createYard(echo);
    const body = Uint8Array.from([0, 255, 123]);

    const response = await yard.server.app.fetch(
      new Request("http://127.0.0.1/hooks/echo", { method: "POST", body, headers: { "content-type": "text/odd" } }),
    );

    expect(await response.json()).toEqual({ body: "00ff7b", type: "text/odd", path: "/hooks/echo" });
  });

  it("refuses bodies that are too large, also where their length is not declared", async () => {
    const yard = createYard(echo);
    const { url } = await yard.server.start();
    const declared = await yard.call("/hooks/echo", { body: new Uint8Array(1_001) });
    const { hostname, port } = new URL(url);
    const chunk = "x".repeat(600);

    const text = await new Promise<string>((resolve) => {
      const socket = connect(Number(port), hostname, () => {
        socket.write("POST /hooks/echo HTTP/1.1\r\nhost: 127.0.0.1\r\ntransfer-encoding: chunked\r\n\r\n");
        for (let sent = 0; sent < 2; sent++) socket.write(`${chunk.length.toString(16)}\r\n${chunk}\r\n`);
      });
      socket.once("data", (data) => resolve(data.toString()));
      socket.once("data", () => socket.destroy());
    });

    expect(declared.status).toBe(413);
    expect(text).toContain("413");
  });

  describe("while large bodies arrive slowly", () => {
    const MIB = 1_048_576;
    const large = new Uint8Array(60 * MIB);

    /** Sends the pieces of a body and does not end it. */
    function sendSlowly(yard: TestYard, pieces: readonly Uint8Array[]): void {
      const body = ReadableStream.from(
        (async function* () {
          yield* pieces;
          await new Promise(() => undefined);
        })(),
      );
      const init = { method: "POST", body, duplex: "half" } as const;
      void yard.server.app.fetch(new Request("http://127.0.0.1/hooks/echo", init));
    }

    const statusOf = async (yard: TestYard, body: Uint8Array<ArrayBuffer>) =>
      (await yard.server.app.fetch(new Request("http://127.0.0.1/hooks/echo", { method: "POST", body }))).status;

    it("counts what has arrived, not what may come", async () => {
      const yard = createYard(async () => new Response(), { maxBytes: 64 * MIB });
      for (let sent = 0; sent < 3; sent += 1) sendSlowly(yard, [new Uint8Array(10)]);

      expect(await statusOf(yard, large)).toBe(200);
    });

    it("answers 429 when it is full", async () => {
      const yard = createYard(async () => new Response(), { maxBytes: 64 * MIB });
      for (let sent = 0; sent < 2; sent += 1) sendSlowly(yard, [large]);

      await expect.poll(() => statusOf(yard, large)).toBe(429);
      expect(await statusOf(yard, new Uint8Array(10))).toBe(200);
    });
  });

  it("refuses an address that is not known too often, and no other path of it", async () => {
    const yard = createYard(async () => new Response(null, { status: 401 }));
    const post = () => yard.server.app.fetch(new Request("http://127.0.0.1/hooks/echo", { method: "POST" }));
    const statuses = new Set<number>();
    for (let call = 0; call < 300; call++) statuses.add((await post()).status);

    const refused = await post();

    expect([...statuses]).toEqual([401]);
    expect(refused.status).toBe(429);
    expect((await yard.call("/v1/yard")).status).toBe(200);
  });

  it("says which method it has, and hides its errors", async () => {
    const yard = createYard(async () => {
      throw new Error("secret detail");
    });

    const [wrong, failed] = [await yard.call("/hooks/echo"), await yard.call("/hooks/echo", { body: {} })];

    expect([wrong.status, wrong.headers.get("allow")]).toEqual([405, "POST"]);
    expect(failed.status).toBe(500);
    expect(await failed.text()).not.toContain("secret detail");
  });

  it("shares its path with a route of another method", async () => {
    const routes = (["GET", "POST"] as const).map((method) => ({
      method,
      path: "/wake/*",
      maxBytes: 10,
      answer: async () => new Response(method),
    }));
    const yard = createTestYard({ deps: { services: [{ name: "wake", routes }] } });
    yards.push(yard);

    const [get, post, put] = await Promise.all(
      ["GET", "POST", "PUT"].map((method) =>
        yard.server.app.fetch(new Request("http://127.0.0.1/wake/pr-1?s=x", { method })),
      ),
    );

    expect([await get?.text(), await post?.text()]).toEqual(["GET", "POST"]);
    expect([put?.status, put?.headers.get("allow")]).toEqual([405, "GET, POST"]);
  });

  it("is not in the document of the API", async () => {
    const yard = createYard(echo);

    expect(JSON.stringify(await yard.json("/openapi.json"))).not.toContain("/hooks/");
  });
});

describe("the tick of a service", () => {
  it("is called after a request that it accepted, and publishes to the yard", async () => {
    const texts: string[] = [];
    const yard = createYard(
      async ({ body }) => {
        texts.push(Buffer.from(body).toString());
        return new Response(null, { status: 202 });
      },
      {
        async tick({ publish }) {
          for (const id of texts.splice(0)) {
            const event = { id, stackId: "pr-1", machine: "review-app", event: "LAUNCH", metadata: {} };
            await publish(event, { id: "github/7", name: "octocat" });
          }
          return undefined;
        },
      },
    );
    await yard.server.start();
    yard.run();

    await yard.call("/hooks/echo", { body: "delivery-1" });

    await eventually(async () => {
      expect((await yard.call("/v1/stacks/pr-1")).status).toBe(200);
    });
    const { items } = await yard.json<{ items: unknown[] }>("/v1/events/delivery-1/history");
    expect(items).toMatchObject([{ stackId: "pr-1", outcome: "applied", actor: "octocat" }]);
  });

  it("shows in the list of services why it failed", async () => {
    const yard = createYard(echo, {
      async tick() {
        throw new Error("The code host does not answer.");
      },
    });
    await yard.server.start();

    await eventually(async () => {
      expect(await yard.json("/v1/services")).toMatchObject({
        items: [{ name: "echo", failure: { message: "The code host does not answer." } }],
      });
    });
    expect((await yard.call("/v1/yard")).status).toBe(200);
  });
});
