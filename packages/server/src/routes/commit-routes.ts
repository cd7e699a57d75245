import { defined } from "@stackyard/core";
import { StackCommits } from "@stackyard/core/api";
import { findCommitRange, isDone, listEndsOfRuns, type StoredStack, toSimulationStack } from "@stackyard/core/engine";
import { Type } from "typebox";
import type { Caller } from "../access/caller.ts";
import { mayReadLine } from "../access/reach.ts";
import { defineRoute, json, type Route } from "../http/route.ts";
import { StackId, toInstant } from "../schemas/event.ts";
import { listHostCommits } from "./host-commits.ts";
import { loadStack } from "./operation-routes.ts";
import type { RouteDeps } from "./route-deps.ts";

/** Lines of the history in which the last success is looked for. */
const LINES = 1_000;
/** Each needs a replay. */
const MOST_RUNS = 5;

/** Defines the route of the commits that an approval would bring. */
export function commitRoutes(deps: RouteDeps): readonly Route[] {
  return [
    defineRoute("GET", "/v1/stacks/:stackId/commits", {
      operationId: "listStackCommits",
      permission: "read",
      subject: "stack",
      tag: "approvals",
      summary:
        "List the commits that the stack has brought since its last success, by the API of the code host; without access, where they are compared.",
      params: { stackId: StackId },
      query: {
        task: Type.Optional(
          Type.String({
            minLength: 1,
            maxLength: 1_024,
            description: "The task whose last approval counts where no success is known.",
          }),
        ),
      },
      answers: {
        200: { description: "The commits, or why they cannot be listed.", schema: StackCommits },
        404: { description: "STACK_UNKNOWN" },
      },
      async handle({ params: { stackId }, query: { task } }, { caller }) {
        const stack = await loadStack(deps.store, stackId);
        const since = await findSince(deps, { stackId, task, caller });
        if (since === undefined) return json(200, {} satisfies StackCommits);
        const { kind, position, at } = since;
        const base = { since: { kind, position, at: toInstant(at) } };
        const range = findCommitRange(toMetadata(since.stack, at), toMetadata(stack, deps.clock.now()));
        if (range === undefined) return json(200, base satisfies StackCommits);
        const { before, now, compareUrl } = range;
        const found = await listHostCommits(deps, range);
        return json(200, { ...base, before, now, ...defined({ compareUrl }), ...found } satisfies StackCommits);
      },
    }),
  ];
}

/** Returns the values in which commits are looked for: not the sensitive ones. */
function toMetadata(stack: StoredStack["stack"], at: number) {
  return toSimulationStack(stack, at).metadata ?? {};
}

/** A stack as it was after a line. */
interface Since {
  readonly kind: "success" | "approval";
  readonly position: number;
  readonly at: number;
  readonly stack: StoredStack["stack"];
}

interface FindSinceInput {
  readonly stackId: string;
  readonly task: string | undefined;
  readonly caller: Caller;
}

/** Returns the stack at its last success; without one, when the task was last approved. */
async function findSince(deps: RouteDeps, { stackId, task, caller }: FindSinceInput): Promise<Since | undefined> {
  const { store, planner, subjects } = deps;
  const { items } = await store.queries.listHistory({ stackId, newestFirst: true }, { limit: LINES });
  const end = items.findIndex(({ outcome }) => outcome === "removed");
  const lines = end < 0 ? items : items.slice(0, end);
  const findAt = async (position: number) => {
    const found = await planner.findStackAt({ stackId, position });
    // An incomplete replay may have other values.
    if (
      found?.stack === undefined ||
      found.incomplete !== undefined ||
      !(await mayReadLine(subjects, caller, found.line))
    )
      return undefined;
    return { position, at: found.line.at, stack: found.stack };
  };
  for (const { position } of listEndsOfRuns(lines).slice(0, MOST_RUNS)) {
    const found = await findAt(position);
    if (found !== undefined && isDone(found.stack)) return { kind: "success", ...found };
  }
  const approved = lines.find(
    (line) => line.event === "APPROVE_TASK" && line.task === task && line.outcome === "applied",
  );
  const found = approved && (await findAt(approved.position));
  return found && { kind: "approval", ...found };
}
