import { defined } from "@stackyard/core";
import * as operations from "@stackyard/core/api/operations";
import { findCommitRange, isDone, listEndsOfRuns, type StoredStack, toSimulationStack } from "@stackyard/core/engine";
import type { Caller } from "../access/caller.ts";
import { mayReadLine } from "../access/reach.ts";
import type { Route } from "../http/route.ts";
import { reply, serve } from "../http/serve.ts";
import { toInstant } from "../schemas/event.ts";
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
    serve(deps, operations.listStackCommits, async ({ params: { stackId }, query: { task } }, { caller }) => {
      const stack = await loadStack(deps.store, stackId);
      const since = await findSince(deps, { stackId, task, caller });
      if (since === undefined) return reply(200, {});
      const { kind, position, at } = since;
      const base = { since: { kind, position, at: toInstant(at) } };
      const range = findCommitRange(since.stack, stack, toMetadata(stack, deps.clock.now()));
      if (range === undefined) return reply(200, base);
      const { before, now, compareUrl } = range;
      const found = await listHostCommits(deps, range);
      return reply(200, { ...base, before, now, ...defined({ compareUrl }), ...found });
    }),
  ];
}

/** Returns the values in which an address is looked for: not the sensitive ones. */
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
