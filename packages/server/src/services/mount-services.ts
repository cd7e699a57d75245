import type { PluginService, ServiceRoute } from "@stackyard/core";
import type { ServiceRunner } from "@stackyard/core/services";
import type { Context, Hono } from "hono";
import type { RequestFacts } from "../access/caller.ts";
import { createRateLimit, type RateLimit } from "../access/rate-limits.ts";
import { type ByteRoom, createByteRoom } from "../http/byte-room.ts";
import { answerBefore, refuseOthers } from "../http/common-route.ts";

/** The limits and checks for the routes of services. */
interface MountServicesDeps {
  readonly runner: ServiceRunner;
  readonly findFacts: (c: Context) => RequestFacts;
  readonly requestMs: number;
}

/** Limit for bodies that are read at the same time: their senders are not authenticated yet. */
const MOST_BYTES = 134_217_728;
/** A code host's addresses have many senders, so this is far above what one wrong secret causes. */
const REFUSED_A_MINUTE = 300;

/** Mounts the routes of services. Their callers authenticate to the service, so the API's access rules do not apply. */
export function mountServices(app: Hono, services: readonly PluginService[], deps: MountServicesDeps): void {
  const room = createByteRoom(MOST_BYTES);
  const limit = createRateLimit("refused requests to services", REFUSED_A_MINUTE);
  const all = services.flatMap(({ name, routes = [] }) => routes.map((route) => ({ name, route })));
  for (const [path, sharing] of Map.groupBy(all, ({ route }) => route.path)) {
    for (const { name, route } of sharing) {
      app.on(route.method, path, (c) => answer(c, { ...deps, name, route, room, limit }));
    }
    refuseOthers(
      app,
      path,
      sharing.map(({ route }) => route),
    );
  }
}

interface AnswerInput extends MountServicesDeps {
  readonly name: string;
  readonly route: ServiceRoute;
  readonly room: ByteRoom;
  readonly limit: RateLimit;
}

async function answer(c: Context, input: AnswerInput): Promise<Response> {
  const { runner, name, route, room, limit, requestMs } = input;
  const request = c.req.raw;
  const { address, requestId } = input.findFacts(c);
  await limit.check(address);
  const work = async (body: Uint8Array) => {
    const { headers } = request;
    return route.answer({ url: new URL(request.url), headers, body, address, requestId }, runner.deps);
  };
  const { maxBytes } = route;
  const signal = AbortSignal.timeout(requestMs);
  const answered = route.method === "GET" ? work(new Uint8Array()) : room.read(request, { maxBytes, signal }, work);
  const response = await answerBefore(signal, answered);
  if (response.status === 401) await limit.count(address);
  if (response.ok) runner.wake(name);
  return response;
}
