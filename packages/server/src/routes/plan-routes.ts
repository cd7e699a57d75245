import { chunk, defined, isMap, type Stack, StackyardError } from "@stackyard/core";
import type { PlannedStack } from "@stackyard/core/api";
import * as operations from "@stackyard/core/api/operations";
import { type IsSensitive, type LoadedStack, toEventName } from "@stackyard/core/engine";
import {
  findPlanDigest,
  findPlanHead,
  hasChanged,
  listPlanPages,
  type PlanEntry,
  type PlanHead,
  type RowsInput,
  toAims,
} from "@stackyard/promotion/deploy";
import type { Caller } from "../access/caller.ts";
import { hasEverywhere } from "../access/guard.ts";
import { mayRead, withReadableParked } from "../access/reach.ts";
import type { Route } from "../http/route.ts";
import { reply, serve } from "../http/serve.ts";
import { toInstant } from "../schemas/event.ts";
import { loadPlanChanges } from "./plan-changes.ts";
import { openPlanProgress } from "./plan-progress.ts";
import { listTargets, maskKeys } from "./release-targets.ts";
import type { RouteDeps } from "./route-deps.ts";
import { collectRows } from "./row-pages.ts";
import { pageInput } from "./to-page.ts";

/** Defines the routes of the plans of a release. */
export function planRoutes(deps: RouteDeps): readonly Route[] {
  return [
    serve(deps, operations.getDeployPlan, async ({ params: { stackId, plan } }, { caller }) => {
      const opened = await openPlan(deps, stackId, plan);
      const counts = { move: 0, same: 0, create: 0, moving: 0, fails: 0 };
      let [runs, stacks, hidden, changed] = [0, 0, 0, 0];
      const ids: string[] = [];
      for await (const entries of listPlanPages(deps, opened.head)) {
        const visible = await loadVisible(deps, caller, { opened, entries });
        hidden += entries.length - visible.length;
        stacks += visible.length;
        if (ids.length === 0) ids.push(...entries.map(({ stack }) => stack));
        for (const { entry, loaded } of visible) {
          counts[entry.does] += 1;
          runs += entry.tasks.length;
          if (isOtherwise(deps, opened, { entry, loaded })) changed += 1;
        }
      }
      const isSensitive = await deps.sensitive.keysOf(ids, opened.targets);
      const { digest, at } = opened.head;
      const tasks = opened.head.tasks.map(({ task, event, metadata, until, waves }) => {
        const shown = maskKeys(metadata, isSensitive);
        return { task, event, metadata: shown, until, waves: waves.map(({ name }) => name) };
      });
      return reply(200, { digest, madeAt: toInstant(at), tasks, stacks, hidden, counts, runs, changed });
    }),
    stacksRoute(deps),
  ];
}

function stacksRoute(deps: RouteDeps): Route {
  return serve(deps, operations.listPlanStacks, async ({ params: { stackId, plan }, query }, { caller }) => {
    const { does, state, ...start } = query;
    const opened = await openPlan(deps, stackId, plan);
    const { cursor, limit } = pageInput(start);
    const progress = await openPlanProgress({ ...deps, ...opened, incarnation: opened.release.incarnation });
    const isWanted = (entry: PlanEntry) =>
      (does === undefined || entry.does === does) && (state === undefined || progress.find(entry)?.state === state);
    async function* load(first: number) {
      let number = first;
      for await (const entries of listPlanPages(deps, opened.head, first)) {
        await progress.load(entries, number);
        yield entries;
        number += 1;
      }
    }
    const { items: entries, cursor: next } = await collectRows({ cursor, limit, isWanted, load });
    const visible = await loadVisible(deps, caller, { opened, entries });
    const changes = await loadPlanChanges(
      deps,
      visible.map(({ entry }) => entry),
    );
    const ids = visible.map(({ entry }) => entry.stack);
    const isSensitive = await deps.sensitive.keysOf(ids, opened.targets);
    const items = visible.map(({ entry, loaded }) => ({
      ...toPlannedStack(
        { entry, loaded: loaded && withReadableParked(caller, loaded) },
        { changed: isOtherwise(deps, opened, { entry, loaded }), isSensitive },
      ),
      ...defined({ changes: changes.get(entry.stack), progress: progress.find(entry) }),
    }));
    return reply(200, { items, ...defined({ cursor: next }) });
  });
}

interface OpenedPlan {
  readonly head: PlanHead;
  readonly release: Pick<Stack, "id" | "createdAt" | "incarnation">;
  /** The machine of a stack that a task would create, by task. */
  readonly creates: ReadonlyMap<string, string>;
  /** The machines to whose stacks it sends. */
  readonly targets: readonly string[];
}

async function openPlan(deps: RouteDeps, stackId: string, plan: string): Promise<OpenedPlan> {
  const { store, planner, records, clock } = deps;
  const [loaded] = await store.load([stackId]);
  const stack = loaded?.stack;
  if (stack === undefined) throw new StackyardError("STACK_UNKNOWN", `Stack "${stackId}" does not exist.`);
  const input: RowsInput = { records, clock, owner: { stackId, incarnation: stack.incarnation, task: plan } };
  const head = (await findPlanHead(deps, plan)) ?? (await findPlanHead(deps, (await findPlanDigest(input)) ?? ""));
  if (head?.release.id !== stackId) {
    throw new StackyardError("NOT_FOUND", `"${stackId}" has no plan "${plan}".`, {
      details: { hint: "Name a task that plans or is planned, or the digest of a plan of the last 90 days." },
    });
  }
  const machine = await planner.findRevision(stack.machineHash);
  const creates = [...(machine?.tasks.values() ?? [])].flatMap(({ name, definition }) => {
    const config = definition["config"];
    const create = isMap(config) ? config["create"] : undefined;
    return typeof create === "string" ? [[name, create] as const] : [];
  });
  return { head, release: stack, creates: new Map(creates), targets: listTargets(machine) };
}

const LOAD_AT_ONCE = 100;

interface VisibleEntry {
  readonly entry: PlanEntry;
  readonly loaded: LoadedStack | undefined;
}

/** Loads the stacks of entries, and drops those that the caller may not read. */
async function loadVisible(
  { store }: RouteDeps,
  caller: Caller,
  { opened, entries }: { readonly opened: OpenedPlan; readonly entries: readonly PlanEntry[] },
): Promise<readonly VisibleEntry[]> {
  const isAll = hasEverywhere(caller.rights, "read");
  const visible: VisibleEntry[] = [];
  for (const part of chunk(entries, LOAD_AT_ONCE)) {
    const found = new Map((await store.load(part.map(({ stack }) => stack))).map((each) => [each.stackId, each]));
    for (const entry of part) {
      const loaded = found.get(entry.stack);
      const machine = loaded?.stack?.machine ?? opened.creates.get(entry.task);
      const isVisible = machine !== undefined && mayRead(caller, { kind: "stack", stackId: entry.stack, machine });
      if (isAll || isVisible) visible.push({ entry, loaded });
    }
  }
  return visible;
}

/** Parked events that are listed for one stack. */
const MOST_PARKED = 10;

function toPlannedStack(
  { entry, loaded }: VisibleEntry,
  { changed, isSensitive }: { readonly changed: boolean; readonly isSensitive: IsSensitive },
): PlannedStack {
  const { stack: stackId, task, wave, does, code, from, to, show, tasks, end, isWhole } = entry;
  return {
    stackId,
    task,
    wave,
    does,
    ...defined({ code, incarnation: entry.incarnation ?? undefined, revision: entry.revision ?? undefined }),
    from: maskKeys(from, isSensitive),
    to: maskKeys(to, isSensitive),
    show: maskKeys(show, isSensitive),
    tasks,
    ...defined({ end: end ?? undefined }),
    whole: isWhole,
    changed,
    parked: (loaded?.parked ?? []).slice(0, MOST_PARKED).map(({ event, code: why, parkedAt }) => ({
      event: toEventName(event.message) ?? "",
      code: why,
      since: toInstant(parkedAt),
    })),
  };
}

/** Returns true when a stack is not as the plan says any more. */
function isOtherwise(
  { clock }: Pick<RouteDeps, "clock">,
  { head, release }: OpenedPlan,
  visible: VisibleEntry,
): boolean {
  const { entry, loaded = { stackId: entry.stack, version: 0, parked: [] } } = visible;
  const task = head.tasks.find((each) => each.task === entry.task);
  return task !== undefined && hasChanged(entry, loaded, toAims(task, release, clock.now()));
}
