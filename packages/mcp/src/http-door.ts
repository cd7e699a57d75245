import { WebStandardStreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js";
import { StackyardError } from "@stackyard/core";
import { createMcpServer, type McpServerOptions } from "./create-mcp-server.ts";

/** The input that a server passes to the door. `McpInput` of `@stackyard/server` fits. */
export interface DoorInput {
  /** The message, parsed. */
  readonly body: unknown;
  /** The address of the server's API. */
  readonly url: string;
  /** Calls the API as the caller. */
  readonly fetch: typeof fetch;
  /** Aborted when the client is gone or its time is over. */
  readonly signal: AbortSignal;
}

/**
 * Creates the door for assistants that call a yard's server over HTTP. Each message is answered by itself, without a session: any
 * server of a yard can answer it, nothing is left when a client disappears, and clients cannot disturb each other.
 */
export function createMcpDoor(
  options: Pick<McpServerOptions, "version" | "allowWrites">,
): (request: Request, input: DoorInput) => Promise<Response> {
  return async (request, { body, url, fetch, signal }) => {
    const server = createMcpServer({ ...options, findYard: () => ({ url, fetch }) });
    const transport = new WebStandardStreamableHTTPServerTransport({ enableJsonResponse: true });
    try {
      await server.connect(transport);
      return await unlessAborted(signal, transport.handleRequest(toAccepting(request), { parsedBody: body }));
    } finally {
      await server.close();
    }
  };
}

/** Returns the request with the only `Accept` that the transport takes. The answer is JSON, whatever the client prefers. */
function toAccepting({ url, method, headers: given }: Request): Request {
  const headers = new Headers(given);
  headers.set("accept", "application/json, text/event-stream");
  return new Request(url, { method, headers });
}

function unlessAborted(signal: AbortSignal, answer: Promise<Response>): Promise<Response> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(new StackyardError("INTERRUPTED", "The client is gone, or its time is over."));
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
    answer.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}
