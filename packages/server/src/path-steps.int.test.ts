import { request } from "node:http";
import { json } from "node:stream/consumers";
import { PATH_PART } from "@stackyard/core";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestYard, type TestYard, TOKEN } from "./testing/test-yard.ts";

interface Parameter {
  readonly in: string;
  readonly name: string;
  readonly schema: { readonly pattern?: string };
}

interface Operation {
  readonly method: string;
  readonly path: string;
  readonly parameters: readonly Parameter[];
}

let yard: TestYard;
let operations: readonly Operation[];
beforeAll(async () => {
  yard = createTestYard({ port: 0 });
  const { paths } = await yard.json<{
    readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly parameters?: readonly Parameter[] }>>>>;
  }>("/openapi.json");
  operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { parameters = [] }]) => ({
      method: method.toUpperCase(),
      path,
      parameters: parameters.filter((each) => each.in === "path"),
    })),
  );
});
afterAll(() => yard.stop());

/** Sends a path as it is: `fetch` would resolve it. */
async function send(method: string, path: string): Promise<{ readonly status: number; readonly code: unknown }> {
  const { url } = await yard.server.start();
  return new Promise((resolve, reject) => {
    const { hostname: host, port } = new URL(url);
    const headers = { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" };
    const sent = request({ host, port, method, path, headers }, async (response) => {
      const { code }: { code?: unknown } = Object(await json(response).catch(() => undefined));
      resolve({ status: response.statusCode ?? 0, code });
    });
    sent.on("error", reject).end(method === "GET" ? undefined : "{}");
  });
}

describe("an identifier that addresses resolve as a step", () => {
  it("is refused in each part of each operation's path, also encoded", async () => {
    const named = operations.flatMap((operation) => operation.parameters.map(({ name }) => ({ ...operation, name })));
    expect(named.length).toBeGreaterThan(60);
    const steps = [".", "..", "%2e", "%2E%2E", ".%2e"];
    for (const [index, { method, path, name }] of named.entries()) {
      const step = steps[index % steps.length] ?? ".";
      const target = path.replace(`{${name}}`, step).replaceAll(/\{[^}]+\}/g, "x");

      expect({ target, ...(await send(method, target)) }).toEqual({ target, status: 400, code: "USAGE" });
    }
  });

  it("fits the schema of no part of a path", () => {
    for (const { path, parameters } of operations) {
      for (const { name, schema } of parameters) {
        const pattern = new RegExp(schema.pattern ?? "", "u");
        const fitting = [".", ".."].filter((step) => pattern.test(step));
        expect({ path, name, fitting }).toEqual({ path, name, fitting: [] });
      }
    }
  });

  it("is all that the pattern refuses", () => {
    const pattern = new RegExp(PATH_PART, "u");
    const text = fc.string({ unit: fc.constantFrom(".", "a", "/", "\n", "é", "😀"), minLength: 1, maxLength: 5 });

    fc.assert(fc.property(text, (id) => pattern.test(id) === (id !== "." && id !== "..")));
  });

  it.each(["stackId", "id", "machine"])("is refused as %s of an event", async (key) => {
    for (const step of [".", ".."]) {
      const body = { id: "e-1", event: "LAUNCH", stackId: "pr-1", machine: "review-app", [key]: step };
      const answer = await yard.call("/v1/events", { body: JSON.stringify(body) });

      expect([answer.status, await answer.json()]).toMatchObject([400, { code: "EVENT_INVALID" }]);
    }
  });

  it("leaves other dots and encoded slashes alone", async () => {
    for (const id of ["...", ".a", "a..b", "..%2Fa", "%2e%2e%2e"])
      expect(await send("GET", `/v1/stacks/${id}`)).toEqual({ status: 404, code: "STACK_UNKNOWN" });
  });
});
