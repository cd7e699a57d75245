import { defined, StackyardError } from "@stackyard/core";
import * as operations from "@stackyard/core/api/operations";
import { toSimulationStack } from "@stackyard/core/engine";
import { mayReadLine } from "../access/reach.ts";
import type { Route } from "../http/route.ts";
import { reply, serve } from "../http/serve.ts";
import { toInstant } from "../schemas/event.ts";
import { loadStack } from "./operation-routes.ts";
import type { RouteDeps } from "./route-deps.ts";

/** Stacks as simulations begin with them: as they are, and as they were. */
export function snapshotRoutes(deps: RouteDeps): readonly Route[] {
  const { store, clock, planner, subjects, sensitive } = deps;
  return [
    serve(deps, operations.getStackSnapshot, async ({ params: { stackId } }) =>
      reply(200, { stack: toSimulationStack(await loadStack(store, stackId), clock.now()) }),
    ),
    serve(deps, operations.getStackAt, async ({ params: { stackId, position } }, { caller }) => {
      const found = await planner.findStackAt({ stackId, position: Number(position) });
      if (found === undefined || !(await mayReadLine(subjects, caller, found.line))) {
        throw new StackyardError("NOT_FOUND", `Stack "${stackId}" has no history up to position ${position}.`);
      }
      const { line, stack, incomplete } = found;
      const { at, event, outcome } = line;
      return reply(200, {
        stackId,
        position: line.position,
        at: toInstant(at),
        event,
        outcome,
        state: outcome === "removed" ? null : (line.to ?? null),
        ...(stack && { stack: toSimulationStack(await sensitive.past(stack), at) }),
        ...defined({ incomplete }),
      });
    }),
  ];
}
