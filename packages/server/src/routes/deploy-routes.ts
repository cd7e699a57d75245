import { defined, isMap, type Stack, StackyardError } from "@stackyard/core";
import type { Deploy, DeployStack } from "@stackyard/core/api";
import * as operations from "@stackyard/core/api/operations";
import { findMoves, type IsSensitive } from "@stackyard/core/engine";
import type { Machine } from "@stackyard/core/machine";
import { addTallies, type Tally, tallyByWave } from "@stackyard/core/rollout";
import {
  type DeployRow,
  type DeployState,
  findDeployState,
  findPlannedTasks,
  findSendLimits,
  findTrouble,
  listRows,
  type RowsInput,
} from "@stackyard/promotion/deploy";
import type { Caller } from "../access/caller.ts";
import type { Route } from "../http/route.ts";
import { reply, serve } from "../http/serve.ts";
import { toInstant } from "../schemas/event.ts";
import { keepReadable } from "./readable-rows.ts";
import { findSensitiveRows, listTargets, maskKeys } from "./release-targets.ts";
import type { RouteDeps } from "./route-deps.ts";
import { pageInput } from "./to-page.ts";

/** Defines the routes of what the tasks `deploy` of a release have done. */
export function deployRoutes(deps: RouteDeps): readonly Route[] {
  return [
    serve(deps, operations.listDeploys, async ({ params: { stackId }, query: { trouble = false } }, { caller }) => {
      const release = await openRelease(deps, stackId);
      const found = release.tasks.map(async (input) => {
        const state = await findDeployState(input);
        return state && { state, isSensitive: await findSensitiveRows(deps, input, release.machine) };
      });
      const states = await Promise.all(found);
      const undo = findUndoEvents(release.machine, release.stack.state);
      const items = states
        .filter((state) => state !== undefined)
        .map(
          async ({ state, isSensitive }): Promise<Deploy> => ({
            ...toDeploy(state, release.machine, isSensitive),
            ...defined({ undo: undo.get(state.release.task) }),
            ...(trouble && (await toTrouble(deps, caller, { state, ...release }))),
          }),
        );
      return reply(200, { items: await Promise.all(items) });
    }),
    serve(deps, operations.listDeployStacks, async ({ params: { stackId, task }, query }, { caller }) => {
      const { state: wanted, order, ...start } = query;
      const { tasks, machine } = await openRelease(deps, stackId);
      const input = tasks.find(({ owner }) => owner.task === task);
      const state = input && (await findDeployState(input));
      if (input === undefined || state === undefined) throw toNothing(task, { stackId, tasks });
      const part = { ...pageInput(start), state: wanted, isFailedFirst: order === "failed-first" };
      const rows = await listRows(input, state, part);
      const visible = await keepReadable(deps, caller, rows.items);
      const planned = await findPlannedTasks(deps, state, visible);
      const ids = visible.map(({ stack }) => stack);
      const isSensitive = await deps.sensitive.keysOf(ids, listTargets(machine));
      return reply(200, {
        items: visible.map((row) => ({
          ...toDeployStack(row, state, isSensitive),
          ...defined({ tasks: planned.get(row.stack) }),
        })),
        ...defined({ cursor: rows.cursor }),
      });
    }),
  ];
}

/** The task is not one that deploys, or has not begun. */
function toNothing(task: string, { stackId, tasks }: Pick<OpenedRelease, "tasks"> & { readonly stackId: string }) {
  const names = tasks.map(({ owner }) => owner.task);
  const message = `The task "${task}" of "${stackId}" has deployed nothing.`;
  if (names.includes(task)) return new StackyardError("NOT_FOUND", `${message} It has not begun.`);
  const hint = names.length === 0 ? "Its machine has no task deploy." : `Name one of its tasks: ${names.join(", ")}.`;
  return new StackyardError("NOT_FOUND", message, { details: { hint } });
}

/** Returns what is wrong now where a task had arrived, as far as the caller may read the stacks. */
async function toTrouble(
  deps: RouteDeps,
  caller: Caller,
  { state, stack, machine }: Pick<OpenedRelease, "stack" | "machine"> & { readonly state: DeployState },
): Promise<Pick<Deploy, "trouble" | "soaksUntil">> {
  const { store, records, clock } = deps;
  const { counts, soaksUntil } = await findTrouble({
    records,
    clock,
    load: (ids) => store.load(ids),
    findMoves: (target, since) => findMoves(store, target, since),
    keep: (rows) => keepReadable(deps, caller, rows),
    state,
    release: stack,
    soaks: listSoaks(machine, state.release.task),
  });
  const trouble = [...counts].map(([code, stacks]) => ({ code, stacks }));
  return { trouble, ...defined({ soaksUntil: toInstant(soaksUntil) }) };
}

/** Returns how long gates let a task soak, as durations. */
function listSoaks(machine: Machine | undefined, of: string): readonly string[] {
  const configs = [...(machine?.tasks.values() ?? [])].map(({ definition }) => definition["config"]);
  const soaks = configs.flatMap((config) => (isMap(config) && isMap(config["soak"]) ? [config["soak"]] : []));
  return soaks.flatMap((soak) => (soak["of"] === of && typeof soak["for"] === "string" ? [soak["for"]] : []));
}

interface OpenedRelease {
  /** The tasks `deploy`, in the order of the document. */
  readonly tasks: readonly RowsInput[];
  /** The machine, or undefined if its revision is not known any more. */
  readonly machine: Machine | undefined;
  readonly stack: Stack;
}

async function openRelease({ store, planner, clock }: RouteDeps, stackId: string): Promise<OpenedRelease> {
  const [loaded] = await store.load([stackId]);
  const stack = loaded?.stack;
  if (stack === undefined) throw new StackyardError("STACK_UNKNOWN", `Stack "${stackId}" does not exist.`);
  const machine = await planner.findRevision(stack.machineHash);
  const names = [...(machine?.tasks.values() ?? [])].filter(({ executor }) => executor === "deploy");
  const { incarnation } = stack;
  const tasks = names.map(({ name: task }) => ({
    records: store.records,
    clock,
    owner: { stackId, incarnation, task },
  }));
  return { tasks, machine, stack };
}

/** Returns by task the event that leads from a state to one that undoes it. */
function findUndoEvents(machine: Machine | undefined, present: string): ReadonlyMap<string, string> {
  if (machine === undefined) return new Map();
  const reactions = [...(machine.states.get(present)?.on ?? [])].filter(([event]) => machine.events.has(event));
  const found = reactions.flatMap(([event, choices]) => {
    const entered = choices.flatMap(({ advance }) => advance).flatMap((name) => machine.states.get(name)?.tasks ?? []);
    return entered.flatMap((name) => findUndone(machine, name)).map((task) => [task, event] as const);
  });
  // The first of several events of the document counts.
  return new Map(found.toReversed());
}

function findUndone(machine: Machine, name: string): readonly string[] {
  const config = machine.tasks.get(name)?.definition["config"];
  const of = isMap(config) && config["op"] === "undo" ? config["of"] : undefined;
  return typeof of === "string" ? [of] : [];
}

function toDeploy(state: DeployState, machine: Machine | undefined, isSensitive: IsSensitive): Deploy {
  const { release, op, event, metadata, plan, approval, unseen, startedAt, firstSentAt, endedAt, stop, curve } = state;
  // The document says whether this task undoes or sends; its rows are of what it did last.
  const config = machine?.tasks.get(release.task)?.definition["config"];
  const limits = op === "send" ? findSendLimits(config, state) : undefined;
  return {
    task: release.task,
    op,
    event,
    metadata: maskKeys(metadata, isSensitive),
    ...defined({ plan, unseen, firstSentAt: toInstant(firstSentAt), endedAt: toInstant(endedAt) }),
    ...(approval && {
      approval: { ...approval, by: approval.by.map((each) => ({ ...each })), at: toInstant(approval.at) },
    }),
    startedAt: toInstant(startedAt),
    ...(stop && { stop: { code: stop.code, message: stop.message } }),
    ...defined({ concurrency: limits?.concurrency }),
    waves: toWaves(state, limits),
    ...(curve && { progress: curve.map(({ at, ...reached }) => ({ at: toInstant(at), ...reached })) }),
  };
}

function toWaves(state: DeployState, limits: ReturnType<typeof findSendLimits>): Deploy["waves"] {
  const tallies = tallyByWave(state);
  const pauses = new Map(state.pauses?.map(({ wave, at }) => [wave, at]));
  return state.waves.map((name, index) => {
    const pausedAt = pauses.get(index);
    const pauseMs = limits?.pausesMs[index] ?? 0;
    return {
      name,
      stacks: state.sizes[index] ?? 0,
      counts: toCounts(tallies[index]),
      ...defined({ maxFailures: limits?.maxFailures[index] }),
      ...(pausedAt !== undefined && { pause: { from: toInstant(pausedAt), to: toInstant(pausedAt + pauseMs) } }),
    };
  });
}

function toCounts({ codes: _, ...counts }: Tally = addTallies([])) {
  return counts;
}

function toDeployStack(row: DeployRow, { waves }: DeployState, isSensitive: IsSensitive): DeployStack {
  const { stack, wave, state, code, message, from, at, sentAt } = row;
  const before = from && Object.fromEntries(Object.entries(from).map(([key, { value }]) => [key, value ?? null]));
  return {
    stackId: stack,
    wave: waves[wave] ?? String(wave + 1),
    state,
    tries: row.try,
    ...(row.heldSince !== undefined && state === "sent" && { approving: true as const }),
    ...defined({ code, message, from: before && maskKeys(before, isSensitive) }),
    since: toInstant(at),
    ...defined({ sentAt: toInstant(sentAt) }),
  };
}
