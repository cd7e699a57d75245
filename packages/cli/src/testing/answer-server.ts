import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

/** A request as the server of a test got it: such as `GET /v1/stacks/web-1`, and its body. */
export interface Asked {
  readonly call: string;
  readonly query: Readonly<Record<string, string>>;
  readonly body: string;
}

/** An answer: a JSON value, or text with headers. */
export type Answer =
  | { readonly json: unknown; readonly status?: number; readonly headers?: Readonly<Record<string, string>> }
  | { readonly text: string; readonly headers?: Readonly<Record<string, string>> };

/** Starts a server with the answers of a test, for what a command does with them. */
export async function startAnswerServer(answer: (asked: Asked) => Answer | undefined) {
  const calls: Asked[] = [];
  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://localhost");
    const body = await text(request);
    const asked = {
      call: `${request.method} ${decodeURIComponent(pathname)}`,
      query: Object.fromEntries(searchParams),
      body,
    };
    calls.push(asked);
    const found = answer(asked) ?? { json: { code: "NOT_FOUND", detail: "Not found." }, status: 404 };
    if ("text" in found)
      return void response.writeHead(200, { "content-type": "text/plain", ...found.headers }).end(found.text);
    const { json, status = 200, headers } = found;
    const type = status < 400 ? "application/json" : "application/problem+json";
    response.writeHead(status, { "content-type": type, ...headers }).end(JSON.stringify(json));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    calls,
    url: `http://127.0.0.1:${port}`,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
