import { defined, type Stack } from "@stackyard/core";
import type { ReleaseVersions } from "@stackyard/core/api";
import * as operations from "@stackyard/core/api/operations";
import { findVersionRange, toSimulationStack } from "@stackyard/core/engine";
import { listBoardPlaces } from "@stackyard/core/services";
import {
  type DeployRow,
  findDeployState,
  findPlanDigest,
  findPlanHead,
  listPlanPages,
  listRowPages,
  listVersionChanges,
  type PlanEntry,
  type RowsInput,
  type TaskChanges,
  type VersionChanges,
} from "@stackyard/promotion/deploy";
import type { Caller } from "../access/caller.ts";
import { toReadKey } from "../access/stack-scopes.ts";
import type { Route } from "../http/route.ts";
import { reply, serve } from "../http/serve.ts";
import { createBoardCache } from "./board-cache.ts";
import { listHostCommits } from "./host-commits.ts";
import { loadStack } from "./operation-routes.ts";
import { keepReadable } from "./readable-rows.ts";
import { listTargets, MASK } from "./release-targets.ts";
import type { RouteDeps } from "./route-deps.ts";

/** Each may ask a code host. */
const MOST_VERSIONS = 5;
/** Stacks whose sensitive keys are looked up: those of one machine have the same. */
const MOST_LOADED = 100;

/** Defines the route of the versions that a release brings. */
export function releaseVersionRoutes(deps: RouteDeps): readonly Route[] {
  const cache = createBoardCache<ReleaseVersions>(deps);
  return [
    serve(deps, operations.listReleaseVersions, async ({ params: { stackId } }, { caller }) => {
      const release = await loadStack(deps.store, stackId);
      const key = JSON.stringify([stackId, release.incarnation, toReadKey(caller)]);
      return reply(200, await cache.get(key, () => listVersions(deps, caller, release)));
    }),
  ];
}

async function listVersions(deps: RouteDeps, caller: Caller, release: Stack): Promise<ReleaseVersions> {
  const machine = await deps.planner.findRevision(release.machineHash);
  const tasks: TaskChanges[] = [];
  for (const { task } of machine === undefined ? [] : listBoardPlaces(machine)) {
    tasks.push(await loadTask(deps, caller, { release, task }));
  }
  const changes = listVersionChanges(tasks);
  const shown = changes.slice(0, MOST_VERSIONS);
  const isOnly = new Set(changes.map(({ key }) => key)).size === 1;
  const sent = tasks.flatMap((each) => [...(each.sent?.rows ?? []), ...each.planned]).slice(0, MOST_LOADED);
  const ids = new Set(sent.map(({ stack }) => stack));
  const isSensitive = await deps.sensitive.keysOf([...ids], listTargets(machine));
  const versions = await Promise.all(
    shown.map(async (given) => {
      const change = isSensitive(given.key) ? hideValues(given) : given;
      return {
        ...change,
        tasks: [...change.tasks],
        ...(change === given && (await listCommits(deps, { release, change, isOnly }))),
      };
    }),
  );
  return { versions, more: changes.length - shown.length };
}

function hideValues({ from, ...change }: VersionChanges): VersionChanges {
  return { ...change, to: MASK, ...(from !== undefined && { from: MASK }) };
}

interface LoadTaskInput {
  readonly release: Stack;
  readonly task: string;
}

async function loadTask(deps: RouteDeps, caller: Caller, { release, task }: LoadTaskInput): Promise<TaskChanges> {
  const { records, clock } = deps;
  const owner = { stackId: release.id, incarnation: release.incarnation, task };
  const input: RowsInput = { records, clock, owner };
  const state = await findDeployState(input);
  const rows: DeployRow[] = [];
  if (state !== undefined) for await (const page of listRowPages(input)) rows.push(...page);
  const planned: PlanEntry[] = [];
  const head = await findPlanHead(deps, (await findPlanDigest(input)) ?? "");
  if (head !== undefined) for await (const page of listPlanPages(deps, head)) planned.push(...page);
  return {
    task,
    sent: state && { state, rows: await keepReadable(deps, caller, rows) },
    planned: await keepReadable(deps, caller, planned),
  };
}

interface CommitsInput {
  readonly release: Stack;
  readonly change: VersionChanges;
  /** No other key changes. */
  readonly isOnly: boolean;
}

/** Lists the commits between two versions; nothing where the metadata of the release does not say where they are. */
async function listCommits(deps: RouteDeps, { release, change: { key, from, to }, isOnly }: CommitsInput) {
  if (typeof from !== "string" || typeof to !== "string") return {};
  // Without the sensitive values.
  const { metadata = {} } = toSimulationStack(release, deps.clock.now());
  const range = findVersionRange({ key, before: from, now: to, isOnly }, metadata);
  if (range === undefined) return {};
  const found = await listHostCommits(deps, range);
  // The list alone shows that the earlier tag exists.
  const isKnown = !range.isTag || found.commits !== undefined;
  return { ...found, ...defined({ compareUrl: isKnown ? range.compareUrl : undefined }) };
}
