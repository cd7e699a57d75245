import type { Context, Hono } from "hono";
import type { CallerFinder } from "../access/caller.ts";
import { CHANNEL_HEADER } from "../access/channels.ts";
import type { McpDoor } from "../server-options.ts";
import { answerBefore, refuseOthers } from "./common-route.ts";
import { HttpError } from "./problem.ts";
import { readJson } from "./read-body.ts";
import { unauthenticated } from "./route.ts";

/** The path at which assistants call the tools of a yard. */
export const MCP_PATH = "/mcp";

interface MountMcpDeps {
  readonly callers: Pick<CallerFinder, "authenticate">;
  readonly limits: { readonly bodyBytes: number; readonly requestMs: number };
}

/** Headers of the assistant's request with which its tools call the API: who it is, and where it comes from. */
const KEPT_HEADERS = ["authorization", "x-forwarded-for", "user-agent"] as const;

/**
 * Mounts the door for assistants. Its tools call the API of this server with the caller's own credential, so that the API's
 * permissions, limits and audit log apply to each.
 */
export function mountMcp(app: Hono, door: McpDoor, { callers, limits }: MountMcpDeps): void {
  app.post(MCP_PATH, (c) => {
    const limit = AbortSignal.timeout(limits.requestMs);
    const work = async () => {
      const request = c.req.raw;
      await checkCaller(request, callers);
      const body = await readJson(request, limits.bodyBytes);
      // Each message of a batch would start its own work at once. The protocol has none since version 2025-06-18.
      if (Array.isArray(body)) throw new HttpError(400, "USAGE", "Send one message in each request, not a batch.");
      const signal = AbortSignal.any([request.signal, limit]);
      return door(request, { body, url: new URL(request.url).origin, fetch: createInnerFetch(app, c, signal), signal });
    };
    return answerBefore(limit, work());
  });
  refuseOthers(app, MCP_PATH, [{ method: "POST" }]);
}

async function checkCaller(request: Request, callers: MountMcpDeps["callers"]): Promise<void> {
  const caller = await callers.authenticate(request);
  if (caller === undefined) throw unauthenticated((request.headers.get("authorization") ?? "") !== "");
  // The browser of a person sends it by itself, and an assistant must not act as the person.
  if (caller.via === "cookie") throw new HttpError(401, "UNAUTHENTICATED", "Assistants need a token, not a session.");
}

/** Returns a `fetch` that calls the API of this server over the channel of assistants. */
function createInnerFetch(app: Hono, c: Context, signal: AbortSignal): typeof fetch {
  const outer = c.req.raw.headers;
  return async (input, init) => {
    const inner = new Request(input, { ...init, signal: AbortSignal.any([signal, init?.signal ?? signal]) });
    for (const name of KEPT_HEADERS) {
      const value = outer.get(name);
      if (value !== null) inner.headers.set(name, value);
    }
    if (!inner.headers.has(CHANNEL_HEADER)) inner.headers.set(CHANNEL_HEADER, "mcp");
    return app.fetch(inner, c.env);
  };
}
