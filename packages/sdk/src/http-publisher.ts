import { StackyardError } from "@stackyard/core";
import { createEventId } from "./event-id.ts";
import type { HttpClient } from "./http-client.ts";
import type { NewEvent, Publisher, PublishResult } from "./publisher.ts";

/** What the server takes in one request. */
const MAX_EVENTS = 100;

/** Publishes over the HTTP API. */
export function createHttpPublisher(http: HttpClient): Publisher {
  const publishMany: Publisher["publishMany"] = async (events, options = {}) => {
    const results: PublishResult[] = [];
    for (let from = 0; from < events.length; from += MAX_EVENTS) {
      const body = events.slice(from, from + MAX_EVENTS).map(withId);
      const answer = await http.requestJson<{ readonly results: readonly PublishResult[] }>({
        ...options,
        method: "POST",
        path: ["v1", "events"],
        body,
      });
      results.push(...answer.results);
    }
    return results;
  };
  return {
    publishMany,
    async publish(event, options) {
      const [result] = await publishMany([event], options);
      if (result?.kind === "accepted") return { eventId: result.eventId, stackId: result.stackId };
      const reason = result?.reason ?? "The server gave no result.";
      throw new StackyardError("EVENT_INVALID", reason, { details: { code: result?.code } });
    },
  };
}

function withId(event: NewEvent): NewEvent {
  return { ...event, id: event.id ?? createEventId() };
}
