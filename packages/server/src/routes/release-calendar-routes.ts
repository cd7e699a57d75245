import { defined, isMap, type Stack, StackyardError } from "@stackyard/core";
import type { ReleaseCalendar } from "@stackyard/core/api";
import * as operations from "@stackyard/core/api/operations";
import type { Machine } from "@stackyard/core/machine";
import { tallyByWave } from "@stackyard/core/rollout";
import { type BoardPlace, type Freeze, listBoardPlaces, listFreezes, passesFreeze } from "@stackyard/core/services";
import { findDeployState, type RowsInput } from "@stackyard/promotion/deploy";
import type { Caller } from "../access/caller.ts";
import type { Route } from "../http/route.ts";
import { reply, serve } from "../http/serve.ts";
import { findReadableFreeze } from "./readable-freeze.ts";
import { listReleaseWindows, type OpenTask } from "./release-windows.ts";
import type { RouteDeps } from "./route-deps.ts";

/** Defines the route of when a release may send. */
export function releaseCalendarRoutes(deps: RouteDeps): readonly Route[] {
  return [
    serve(deps, operations.getReleaseCalendar, async ({ params: { stackId } }, { caller }) => {
      const release = await loadRelease(deps, stackId);
      const machine = await deps.planner.findRevision(release.machineHash);
      const tasks = machine === undefined ? [] : await listOpenTasks(deps, release, machine);
      const targets = await findTargets(deps, tasks);
      const freezes = (await listFreezes(deps)).filter(
        (freeze) => freeze.machine === undefined || targets.has(freeze.machine),
      );
      const holding = freezes.filter((freeze) => freeze.where === undefined && !isPassed(freeze, release));
      const windows = await listReleaseWindows(deps, caller, { tasks, freezes: holding });
      return reply(200, {
        ...windows,
        freezes: tasks.length === 0 ? [] : await listReadable(deps, caller, { freezes, release }),
        alarms: [...new Set(tasks.flatMap(({ alarms }) => alarms))],
      });
    }),
  ];
}

async function loadRelease({ store }: RouteDeps, stackId: string): Promise<Stack> {
  const [loaded] = await store.load([stackId]);
  if (loaded?.stack !== undefined) return loaded.stack;
  throw new StackyardError("STACK_UNKNOWN", `Stack "${stackId}" does not exist.`);
}

/** Lists the tasks that send and have not ended, in the order in which the states reach them. */
async function listOpenTasks(
  { store, clock }: RouteDeps,
  { id: stackId, incarnation }: Stack,
  machine: Machine,
): Promise<readonly OpenTask[]> {
  const found = await Promise.all(
    listBoardPlaces(machine).map(async (place): Promise<readonly OpenTask[]> => {
      const rows: RowsInput = { records: store.records, clock, owner: { stackId, incarnation, task: place.task } };
      const state = await findDeployState(rows);
      if (state?.endedAt !== undefined) return [];
      const waiting = state === undefined ? 0 : tallyByWave(state).reduce((sum, wave) => sum + wave.waiting, 0);
      return [{ rows, place, waiting, ...readHolds(machine, place) }];
    }),
  );
  return found.flat();
}

function readHolds(machine: Machine, { task }: BoardPlace): Pick<OpenTask, "calendar" | "create" | "alarms"> {
  const config = machine.tasks.get(task)?.definition["config"];
  const { window, create, alarms } = isMap(config) ? config : {};
  return {
    ...defined({
      calendar: typeof window === "string" ? window : undefined,
      create: typeof create === "string" ? create : undefined,
    }),
    alarms: Array.isArray(alarms) ? alarms.filter((name) => typeof name === "string") : [],
  };
}

/** Returns the machines of the stacks that the tasks send to. */
async function findTargets({ store }: RouteDeps, tasks: readonly OpenTask[]): Promise<ReadonlySet<string>> {
  const ids = tasks.flatMap(({ place: { target } }) => ("stack" in target ? [target.stack] : []));
  const loaded = new Map((await store.load(ids)).map(({ stackId, stack }) => [stackId, stack?.machine]));
  const names = tasks.map(({ place: { target }, create }) =>
    "stack" in target ? (loaded.get(target.stack) ?? create) : target.machine,
  );
  return new Set(names.filter((name) => name !== undefined));
}

function isPassed(freeze: Freeze, { id, incarnation }: Stack): boolean {
  return passesFreeze(freeze, { release: id, incarnation });
}

/** Lists freezes as the list of all freezes shows them to the caller. */
async function listReadable(
  deps: RouteDeps,
  caller: Caller,
  { freezes, release }: { readonly freezes: readonly Freeze[]; readonly release: Stack },
): Promise<ReleaseCalendar["freezes"]> {
  const shown: ReleaseCalendar["freezes"][number][] = [];
  for (const freeze of freezes) {
    const view = await findReadableFreeze(deps, caller, freeze);
    if (view === undefined) continue;
    const { name, reason, startedAt, startedBy, startedById, to, machine, where } = view;
    shown.push({
      name,
      reason,
      startedAt,
      startedBy,
      ...defined({ startedById, to, machine, where }),
      passes: isPassed(freeze, release),
    });
  }
  return shown;
}
