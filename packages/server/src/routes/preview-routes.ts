import { type Clock, type Ids, StackyardError, type Store } from "@stackyard/core";
import type { createPlanner } from "@stackyard/core/engine";
import { parseEventMessage, type StackEvent } from "@stackyard/core/machine";
import { Type } from "typebox";
import { HttpError } from "../http/http-error.ts";
import { defineRoute, json, type Route } from "../http/route.ts";
import { StackId } from "../schemas/common.ts";
import { EventBody } from "../schemas/event.ts";
import { Preview } from "../schemas/machine.ts";

type Planner = Pick<ReturnType<typeof createPlanner>, "preview">;

export interface PreviewRoutesDeps {
  readonly store: Store;
  readonly planner: Planner;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly allowExternalNext: boolean;
}

/** What an event would do to a stack as it stands now. */
export function previewRoutes(deps: PreviewRoutesDeps): readonly Route[] {
  return [
    defineRoute({
      method: "POST",
      path: "/v1/stacks/:stackId/simulate",
      operationId: "previewEvent",
      tag: "machines",
      summary: "What an event would do to the stack as it stands. Changes nothing.",
      params: { stackId: StackId },
      body: Type.Object({}),
      // The stack id of the path counts.
      describedBody: Type.Omit(EventBody, ["stackId"]),
      answers: {
        200: {
          description:
            "The engine's decision; where there is no machine to decide on, that the event would be refused.",
          schema: Preview,
        },
        400: { description: "EVENT_INVALID" },
        404: { description: "STACK_UNKNOWN for an event without a machine." },
      },
      async handle({ params: { stackId }, body }) {
        return json(200, await preview(deps, { ...body, stackId }));
      },
    }),
  ];
}

async function preview(deps: PreviewRoutesDeps, message: { readonly stackId: string }): Promise<Preview> {
  const event = parseEvent(message, deps);
  const { stackId } = event;
  const loaded = (await deps.store.load([stackId]))[0] ?? { stackId, version: 0, parked: [] };
  if (loaded.stack === undefined && event.machine === undefined) {
    throw new StackyardError("STACK_UNKNOWN", `There is no stack "${stackId}". Name the machine of a new one.`);
  }
  const queued = { id: event.id, stackId, origin: "external", receivedAt: event.at, message: { ...message } } as const;
  return toPreview(event.id, await deps.planner.preview(loaded, queued));
}

function parseEvent(message: object, { clock, ids, allowExternalNext }: PreviewRoutesDeps): StackEvent {
  const parsed = parseEventMessage(message, { at: clock.now(), messageId: ids.next(), allowExternalNext });
  if (parsed.kind === "event") return parsed.event;
  throw new HttpError(400, "EVENT_INVALID", parsed.reason);
}

/** The event's own line of the history, and what parked events do once it has changed the stack. */
function toPreview(eventId: string, { history, dispatches, write }: Awaited<ReturnType<Planner["preview"]>>): Preview {
  const own = history.find((line) => line.internal !== true && line.eventId === eventId);
  const before = own?.from === undefined ? {} : { from: own.from };
  const notes = own?.notes ?? [];
  if (own?.outcome !== "applied" && own?.outcome !== "removed") {
    const outcome = own?.outcome === "ignored" ? "ignored" : "refused";
    const why = own?.code === undefined ? {} : { code: own.code, reason: own.reason ?? "" };
    return { outcome, ...why, ...before, sent: [], notes: [...notes] };
  }
  const to = write.kind === "put" ? write.stack.state : own.to;
  const parked = history.filter((line) => line !== own && (line.outcome === "applied" || line.outcome === "removed"));
  return {
    outcome: write.kind === "remove" ? "removed" : "applied",
    ...before,
    ...(to === undefined ? {} : { to }),
    sent: dispatches.map(({ task }) => task),
    notes: [...notes, ...parked.map(({ event }) => `The parked event "${event}" would be applied after it.`)],
  };
}
