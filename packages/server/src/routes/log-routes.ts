import * as operations from "@stackyard/core/api/operations";
import { findAttemptLog, type StoredLog } from "@stackyard/core/engine";
import { Type } from "typebox";
import { HttpError } from "../http/problem.ts";
import { defineRoute, type Route, streamTexts } from "../http/route.ts";
import { reply, serve } from "../http/serve.ts";
import { loadAttempt } from "./operation-routes.ts";
import type { RouteDeps } from "./route-deps.ts";
import { withTimestamps } from "./with-timestamps.ts";

/** Defines the routes for the full logs of attempts, and for the times of their lines. */
export function logRoutes(deps: RouteDeps): readonly Route[] {
  return [
    fullLogRoute(deps),
    serve(deps, operations.getAttemptLogTimes, async ({ params: { attemptId }, query }) => {
      const { from = 0, to = Number.MAX_SAFE_INTEGER } = query;
      const log = await loadFullLog(deps, attemptId);
      const end = Math.min(to, log.size, from + MOST_BYTES);
      const times = await log.times(from, end);
      return reply(200, { from, to: Math.max(from, end), times });
    }),
  ];
}

function fullLogRoute(deps: RouteDeps): Route {
  return defineRoute("GET", "/v1/attempts/:attemptId/full-log", {
    operationId: "getFullAttemptLog",
    permission: "read",
    subject: "attempt",
    tag: "attempts",
    summary:
      "Get the whole log of an attempt, up to 16 MiB, also while it runs. `Range: bytes=1000-` returns the bytes after the first 1,000. Logs are kept for 7 days. If the whole log is not stored, the response is its end. With `timestamps=true`, each line begins with its time in UTC, or `-` where none is known, and the header `Range` is ignored.",
    params: operations.getAttempt.params,
    query: { timestamps: Type.Optional(Type.Boolean({ default: false })) },
    answers: {
      200: { description: "Text.", mediaType: "text/plain" },
      206: { description: "The bytes of the header `Range`; see `content-range`.", mediaType: "text/plain" },
      404: { description: "NOT_FOUND" },
      416: { description: "USAGE: the log is shorter; `content-range` and `details.size` contain its present size." },
    },
    async handle({ params: { attemptId }, query: { timestamps } }, { request }) {
      const log = await loadFullLog(deps, attemptId);
      if (timestamps !== true) return answerRange(log, request.headers.get("range"));
      return streamTexts(withTimestamps(log), { "content-type": "text/plain; charset=utf-8" });
    },
  });
}

/** The maximum size of one answer, in bytes. A page requests parts of 256 KiB. */
const MOST_BYTES = 1_048_576;

type LogDeps = Pick<RouteDeps, "store" | "clock" | "logs">;

/** Returns the stored log of an attempt, or its tail where the whole is not stored. Throws `NOT_FOUND`. */
export async function loadFullLog({ store, clock, logs }: LogDeps, attemptId: string): Promise<StoredLog> {
  const stored = await findAttemptLog(logs ?? store.records, attemptId, clock.now());
  return stored ?? toTailLog((await loadAttempt(store, attemptId)).log ?? "");
}

function toTailLog(text: string): StoredLog {
  const bytes = Buffer.from(text);
  return {
    size: bytes.byteLength,
    async *read(from, to) {
      yield bytes.subarray(from, to);
    },
    times: async () => [],
  };
}

/** Answers with the requested bytes (RFC 9110, 14). A header that is not one range of bytes is ignored, as the RFC allows. */
function answerRange(log: StoredLog, header: string | null): Response {
  const { size } = log;
  const headers = { "content-type": "text/plain; charset=utf-8", "accept-ranges": "bytes" };
  const range = parseRange(header, size);
  // A part is read when the client is ready, so that a slow one needs 64 KiB of memory.
  if (range === undefined) return new Response(ReadableStream.from(log.read(0, size)), { headers });
  const { from, to } = range;
  if (from >= to) {
    const message = `The log has ${size} bytes now.`;
    throw new HttpError(416, "USAGE", message, { details: { size } });
  }
  return new Response(ReadableStream.from(log.read(from, to)), {
    status: 206,
    headers: { ...headers, "content-range": `bytes ${from}-${to - 1}/${size}`, "content-length": String(to - from) },
  });
}

/** Parses a header `Range` into a half-open range; empty when the log has nothing in it, undefined when invalid. */
function parseRange(header: string | null, size: number): { readonly from: number; readonly to: number } | undefined {
  const [, first = "", last = ""] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? "") ?? [];
  if (first === "" && last === "") return undefined;
  if (first === "") return { from: Math.max(0, size - Number(last)), to: size };
  // An end before the beginning makes the header invalid.
  if (last !== "" && Number(last) < Number(first)) return undefined;
  return { from: Number(first), to: last === "" ? size : Math.min(size, Number(last) + 1) };
}
