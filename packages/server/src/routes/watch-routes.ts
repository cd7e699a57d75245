import { Type } from "typebox";
import { HttpError } from "../http/http-error.ts";
import { defineRoute, type Route } from "../http/route.ts";
import { StackId } from "../schemas/common.ts";
import type { HistoryStreams } from "../watch/history-stream.ts";

/** Live updates as server-sent events. */
export function watchRoutes(streams: HistoryStreams): readonly Route[] {
  return [
    defineRoute({
      method: "GET",
      path: "/v1/watch",
      operationId: "watchHistory",
      tag: "history",
      summary:
        "The history as it grows: `ready` with the position, then `history` with one HistoryEntry each. The header Last-Event-ID, or `since`, goes on after a position.",
      longLived: true,
      query: {
        stackId: Type.Optional(StackId),
        since: Type.Optional(Type.Integer({ minimum: 0, description: "A position; the header wins." })),
      },
      answers: {
        200: { description: "A stream.", mediaType: "text/event-stream" },
      },
      handle({ query }, { request, signal }) {
        return streams.open({ ...query, ...parseLastEventId(request) }, signal);
      },
    }),
  ];
}

function parseLastEventId(request: Request): { readonly since?: number } {
  const header = request.headers.get("last-event-id");
  if (header === null || header === "") return {};
  if (/^(0|[1-9]\d{0,15})$/.test(header)) return { since: Number(header) };
  throw new HttpError(400, "USAGE", "The header Last-Event-ID is no position.");
}
