import { type Clock, type Ids, StackyardError, type Store } from "@stackyard/core";
import type { createPlanner } from "@stackyard/core/engine";
import { parseEventMessage, type StackEvent } from "@stackyard/core/machine";
import { Type } from "typebox";
import { HttpError } from "../http/http-error.ts";
import { defineRoute, json, type Route } from "../http/route.ts";
import { StackId } from "../schemas/common.ts";
import { EventBody } from "../schemas/event.ts";
import { Preview } from "../schemas/machine.ts";

type Planner = Pick<ReturnType<typeof createPlanner>, "decide">;

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
        const event = parseEvent({ ...body, stackId }, deps);
        return json(200, await preview(deps, event));
      },
    }),
  ];
}

function parseEvent(message: object, { clock, ids, allowExternalNext }: PreviewRoutesDeps): StackEvent {
  const parsed = parseEventMessage(message, { at: clock.now(), messageId: ids.next(), allowExternalNext });
  if (parsed.kind === "event") return parsed.event;
  throw new HttpError(400, "EVENT_INVALID", parsed.reason);
}

async function preview(deps: PreviewRoutesDeps, event: StackEvent): Promise<Preview> {
  const [loaded] = await deps.store.load([event.stackId]);
  const stack = loaded?.stack;
  if (stack === undefined && event.machine === undefined) {
    throw new StackyardError("STACK_UNKNOWN", `There is no stack "${event.stackId}". Name the machine of a new one.`);
  }
  return toPreview(await deps.planner.decide(stack, event), stack?.state);
}

function toPreview({ decision, notes }: Awaited<ReturnType<Planner["decide"]>>, from: string | undefined): Preview {
  const before = from === undefined ? {} : { from };
  if (decision.kind !== "applied") {
    const { kind, code, reason } = decision;
    return {
      outcome: kind === "ignored" ? "ignored" : "refused",
      code,
      reason,
      ...before,
      sent: [],
      notes: [...notes],
    };
  }
  const { removed, stack, dispatches } = decision;
  return {
    outcome: removed ? "removed" : "applied",
    ...before,
    to: stack.state,
    sent: dispatches.map(({ task }) => task),
    notes: [...notes, ...decision.notes],
  };
}
