// @module-tag adapter
import { request as httpRequest } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type McpYard, startMcpYard, TOKEN } from "./testing/mcp-yard.ts";

let place: McpYard;
beforeAll(async () => {
  place = await startMcpYard();
  await place.open("pr-1");
});
afterAll(() => place.stop());

const ACCEPT = { accept: "application/json, text/event-stream" };
const message = (method: string, params: object = {}, id = 1) => ({ jsonrpc: "2.0", id, method, params });
const callTool = (name: string, args: object = {}) => message("tools/call", { name, arguments: args });

async function post(body: unknown, headers: Readonly<Record<string, string>> = {}) {
  const response = await place.call("/mcp", { body, headers: { ...ACCEPT, ...headers } });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === "" ? undefined : JSON.parse(text) };
}

describe("the path /mcp", () => {
  it("answers each message by itself, on any server, without a session (mcp-gateway-registry#960)", async () => {
    // No `initialize` before, as after a balancer has chosen another server.
    const answer = await post(callTool("list_machines"));

    expect([answer.status, answer.headers.get("mcp-session-id")]).toEqual([200, null]);
    expect(answer.body.result.structuredContent.untrustedData).toMatchObject([{ name: "app" }]);
  });

  it("takes no other method, so that no stream and no session remains (python-sdk#3300)", async () => {
    for (const method of ["GET", "DELETE", "PUT"]) {
      const response = await fetch(`${place.url}/mcp`, {
        method,
        headers: { authorization: `Bearer ${TOKEN}`, ...ACCEPT },
      });
      expect([method, response.status, response.headers.get("allow")]).toEqual([method, 405, "POST"]);
    }
  });

  it.each([
    ["without a token", { authorization: "" }, 401],
    ["with a wrong token", { authorization: "Bearer wrong-wrong-wrong-wrong" }, 401],
    ["of a page of another origin", { origin: "https://evil.example" }, 403],
    ["of a page without an origin", { origin: "null" }, 403],
    ["that is not JSON by its type", { "content-type": "text/plain" }, 415],
    ["of an unknown version of the protocol", { "mcp-protocol-version": "1999-01-01" }, 400],
    ["over an unknown channel", { "stackyard-channel": "other" }, 400],
  ])("refuses a message %s (action_mcp#208, mongodb-mcp-server#1254)", async (_, headers, status) => {
    expect((await post(message("tools/list"), headers)).status).toBe(status);
  });

  // honojs/middleware PR 1799, open-liberty#35727, mcptools#69: clients that accept one kind, any, or name none.
  it.each(["application/json", "*/*", "text/event-stream", "application/*;q=0.9", "text/html", ""])(
    "answers JSON to a client that accepts %o",
    async (accept) => {
      const response = await place.call("/mcp", {
        body: message("tools/list"),
        headers: accept === "" ? {} : { accept },
      });

      expect([response.status, response.headers.get("content-type")]).toEqual([200, "application/json"]);
    },
  );

  it("refuses a name that resolves to this machine (DNS rebinding, mongodb-mcp-server#1254)", async () => {
    const { port } = new URL(place.url);
    const status = await new Promise((resolve) => {
      const headers = {
        host: `evil.example:${port}`,
        authorization: `Bearer ${TOKEN}`,
        "content-type": "application/json",
      };
      httpRequest({ host: "127.0.0.1", port, path: "/mcp", method: "POST", headers }, (response) => {
        response.resume();
        resolve(response.statusCode);
      }).end(JSON.stringify(message("tools/list")));
    });

    expect(status).toBe(421);
  });

  it.each([
    ["what is not JSON", "{", 400],
    ["an empty body", "", 400],
    ["a batch, which would start any number of calls", [callTool("list_stacks"), callTool("list_stacks")], 400],
    ["what is not a message", { hello: 1 }, 400],
    ["a body of two megabytes", callTool("list_stacks", { text: "x".repeat(2_000_000) }), 413],
    ["what nests too deep", JSON.parse(`${"[".repeat(40)}${"]".repeat(40)}`), 400],
  ])("refuses %s", async (_, body, status) => {
    expect((await post(body)).status).toBe(status);
  });

  it.each([
    ["an unknown method", message("tools/explode"), -32_601],
    ["an unknown tool", callTool("approve_task"), -32_602],
    ["a tool without a name", message("tools/call"), -32_603],
    ["resources, which it has none of", message("resources/list"), -32_601],
  ])("answers %s with an error of the protocol", async (_, body, code) => {
    expect((await post(body)).body.error.code).toBe(code);
  });

  it.each([
    ["a missing argument", "explain_stack", {}],
    ["an unknown argument", "explain_stack", { stack: "pr-1", force: true }],
    ["an argument of the wrong type", "list_stacks", { limit: "many" }],
    ["a limit above the most", "list_stacks", { limit: 51 }],
    ["a path as an id", "explain_stack", { stack: ".." }],
  ])("answers %s with a result that the model can repair", async (_, name, args) => {
    const { status, body } = await post(callTool(name, args));

    expect([status, body.result.isError]).toEqual([200, true]);
    expect(body.result.content[0].text).toContain('"code":"USAGE"');
  });

  it("does not exist on a server without it", async () => {
    const { createServer } = await import("@stackyard/server");
    const { createMemoryStore, createStaticLocator, createUlids, systemClock } = await import("@stackyard/core/engine");
    const { silentLogger } = await import("@stackyard/core");
    const parts = {
      store: createMemoryStore(),
      locator: createStaticLocator([]),
      executors: new Map(),
      clock: systemClock,
    };
    const deps = { ...parts, ids: createUlids(), logger: silentLogger, version: "0" };
    const server = createServer(deps, { tokens: [{ name: "a", token: TOKEN }], console: false });
    const headers = { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" };

    const response = await server.app.fetch(
      new Request("http://127.0.0.1/mcp", { method: "POST", headers, body: "{}" }),
    );

    expect(response.status).toBe(404);
    await server.stop();
  });
});

describe("many assistants", () => {
  it("do not disturb each other, also with the same ids of messages (aula-mcp#79)", async () => {
    const ids = Array.from({ length: 8 }, (_, index) => `many-${index}`);
    for (const id of ids) await place.open(id);
    const clients = await Promise.all(ids.map(() => place.connect()));

    const results = await Promise.all(
      clients.flatMap((client, index) =>
        Array.from({ length: 5 }, () => client.callTool({ name: "explain_stack", arguments: { stack: ids[index] } })),
      ),
    );

    const found = results.map(({ structuredContent }) => structuredContent);
    expect(found).toMatchObject(ids.flatMap((id) => Array.from({ length: 5 }, () => ({ untrustedData: { id } }))));
  });

  it("that are gone end their calls, and the server stays (openai-agents-js#1530, opencode#24312)", async () => {
    const client = await place.connect();
    const calls = Array.from({ length: 20 }, () => {
      const stop = new AbortController();
      const call = client.callTool({ name: "list_stacks", arguments: {} }, undefined, { signal: stop.signal });
      queueMicrotask(() => stop.abort("the user has stopped it"));
      return call.then(
        () => "answered",
        () => "stopped",
      );
    });
    const aborted = Array.from({ length: 20 }, () => {
      const stop = new AbortController();
      setTimeout(() => stop.abort(), 1);
      const init = {
        method: "POST",
        headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json", ...ACCEPT },
      };
      const body = JSON.stringify(callTool("list_stacks"));
      return fetch(`${place.url}/mcp`, { ...init, body, signal: stop.signal }).then(
        () => "answered",
        () => "gone",
      );
    });

    expect(new Set(await Promise.all(calls))).toEqual(new Set(["stopped"]));
    await Promise.all(aborted);
    expect((await post(callTool("list_machines"))).status).toBe(200);
  });
});
