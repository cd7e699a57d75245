import { type Clock, type Ids, type Locator, StackyardError, type Store } from "@stackyard/core";
import { type Decision, decide, parseEventMessage, type StackEvent } from "@stackyard/core/machine";
import { Type } from "typebox";
import { HttpError } from "../http/http-error.ts";
import { defineRoute, json, type Route } from "../http/route.ts";
import { StackId } from "../schemas/common.ts";
import { EventBody } from "../schemas/event.ts";
import { Preview } from "../schemas/machine.ts";
import { findDecidingMachine } from "./find-deciding-machine.ts";
import { loadMachine } from "./load-machine.ts";
import type { FindOwnMachine } from "./own-machines.ts";

export interface PreviewRoutesDeps {
  readonly store: Store;
  readonly locator: Locator;
  readonly findOwn: FindOwnMachine;
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
        200: { description: "The engine's decision.", schema: Preview },
        400: { description: "EVENT_INVALID" },
        404: { description: "MACHINE_UNKNOWN; STACK_UNKNOWN for an event without a machine." },
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
  if (stack !== undefined) return toPreview(decide(await findDecidingMachine(deps, stack), stack, event), stack.state);
  if (event.machine === undefined) {
    throw new StackyardError("STACK_UNKNOWN", `There is no stack "${event.stackId}". Name the machine of a new one.`);
  }
  return toPreview(decide(await loadMachine(deps.locator, event.machine), undefined, event), undefined);
}

function toPreview(decision: Decision, from: string | undefined): Preview {
  const before = from === undefined ? {} : { from };
  if (decision.kind !== "applied") {
    const { kind, code, reason } = decision;
    return { outcome: kind === "ignored" ? "ignored" : "refused", code, reason, ...before, sent: [], notes: [] };
  }
  const { removed, stack, dispatches, notes } = decision;
  return {
    outcome: removed ? "removed" : "applied",
    ...before,
    to: stack.state,
    sent: dispatches.map(({ task }) => task),
    notes: [...notes],
  };
}
