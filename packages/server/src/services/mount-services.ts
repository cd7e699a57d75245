import { type PluginService, type ServiceRoute, StackyardError } from "@stackyard/core";
import type { ServiceRunner } from "@stackyard/core/services";
import type { Context, Hono } from "hono";
import type { RequestFacts } from "../access/caller.ts";
import { createRateLimit, type RateLimit } from "../access/rate-limits.ts";
import { answerBefore, refuseOthers } from "../http/common-route.ts";
import { readBytes } from "../http/read-body.ts";

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
  const seat = room.open();
  try {
    const work = async () => {
      const body = route.method === "GET" ? new Uint8Array() : await readBytes(request, route.maxBytes, seat.take);
      const { headers } = request;
      return route.answer({ url: new URL(request.url), headers, body, address, requestId }, runner.deps);
    };
    const response = await answerBefore(AbortSignal.timeout(requestMs), work());
    if (response.status === 401) await limit.count(address);
    if (response.ok) runner.wake(name);
    return response;
  } finally {
    seat.close();
  }
}

/** Limits the bytes in memory: only bytes that have arrived count, so that slow senders do not block others. */
interface ByteRoom {
  open(): {
    /** Throws `RATE_LIMITED` when too many are taken. */
    take(bytes: number): void;
    /** Releases the bytes; no more can be claimed. */
    close(): void;
  };
}

function createByteRoom(most: number): ByteRoom {
  let taken = 0;
  return {
    open() {
      let own = 0;
      let closed = false;
      return {
        take(bytes) {
          if (closed || taken + bytes > most) {
            throw new StackyardError("RATE_LIMITED", "Too many large requests at once. Try again.");
          }
          own += bytes;
          taken += bytes;
        },
        close() {
          closed = true;
          taken -= own;
        },
      };
    },
  };
}
