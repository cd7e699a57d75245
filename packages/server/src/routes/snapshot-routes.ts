import { defined, StackyardError } from "@stackyard/core";
import { StackAt, StackSnapshot } from "@stackyard/core/api";
import { toSimulationStack } from "@stackyard/core/engine";
import { Type } from "typebox";
import { mayReadLine } from "../access/reach.ts";
import { defineRoute, json, type Route } from "../http/route.ts";
import { StackId, toInstant } from "../schemas/event.ts";
import { loadStack } from "./operation-routes.ts";
import type { RouteDeps } from "./route-deps.ts";

/** Stacks as simulations begin with them: as they are, and as they were. */
export function snapshotRoutes(deps: RouteDeps): readonly Route[] {
  return [snapshotRoute(deps), atRoute(deps)];
}

function snapshotRoute({ store, clock }: RouteDeps): Route {
  return defineRoute("GET", "/v1/stacks/:stackId/snapshot", {
    operationId: "getStackSnapshot",
    permission: "read",
    subject: "stack",
    tag: "stacks",
    summary: "Get a stack as the first step of a simulation. Sensitive values are masked.",
    params: { stackId: StackId },
    answers: {
      200: { description: "The step.", schema: StackSnapshot },
      404: { description: "STACK_UNKNOWN" },
    },
    async handle({ params: { stackId } }) {
      return json(200, { stack: toSimulationStack(await loadStack(store, stackId), clock.now()) });
    },
  });
}

function atRoute({ planner, subjects }: RouteDeps): Route {
  return defineRoute("GET", "/v1/stacks/:stackId/at/:position", {
    operationId: "getStackAt",
    permission: "read",
    subject: "stack",
    tag: "history",
    summary:
      "Get a stack as it was after a line of its history, by replay on the revisions that decided it. Works after its removal, too.",
    params: { stackId: StackId, position: Type.String({ pattern: "^[0-9]{1,15}$" }) },
    answers: {
      200: { description: "The stack, as far as the history says.", schema: StackAt },
      404: { description: "NOT_FOUND: the history has no line of the stack up to that position." },
    },
    async handle({ params: { stackId, position } }, { caller }) {
      const found = await planner.findStackAt({ stackId, position: Number(position) });
      if (found === undefined || !(await mayReadLine(subjects, caller, found.line))) {
        throw new StackyardError("NOT_FOUND", `Stack "${stackId}" has no history up to position ${position}.`);
      }
      const { line, stack, incomplete } = found;
      const { at, event, outcome } = line;
      const state = outcome === "removed" ? null : (line.to ?? null);
      return json(200, {
        stackId,
        position: line.position,
        at: toInstant(at),
        event,
        outcome,
        state,
        ...(stack && { stack: toSimulationStack(stack, at) }),
        ...defined({ incomplete }),
      } satisfies StackAt);
    },
  });
}
