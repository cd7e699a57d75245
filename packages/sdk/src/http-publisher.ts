import { StackyardError } from "@stackyard/core";
import { createEventId } from "./event-id.ts";
import type { HttpClient } from "./http-client.ts";
import type { NewEvent, PublishedEvent, Publisher, PublishResult } from "./publisher.ts";

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
      if (result?.kind === "duplicate") return toRepeated(event, result);
      const reason = result?.reason ?? "The server gave no result.";
      throw new StackyardError("EVENT_INVALID", reason, { details: { code: result?.code } });
    },
  };
}

/** A repeat is harmless; another event under the same id would be lost without a word. */
function toRepeated(event: NewEvent, result: Extract<PublishResult, { kind: "duplicate" }>): PublishedEvent {
  const { kind: _, eventId, stackId, ...duplicate } = result;
  const { reason, usedFor } = duplicate;
  if (usedFor === undefined || usedFor.event === event.event) return { eventId, stackId, duplicate };
  throw new StackyardError("DUPLICATE", `${reason} ${event.event} needs an id of its own.`, {
    details: { eventId, stackId, usedFor },
  });
}

function withId(event: NewEvent): NewEvent {
  return { ...event, id: event.id ?? createEventId() };
}
