import { defined, isMap, StackyardError } from "@stackyard/core";
import { Deploy, DeployStack } from "@stackyard/core/api";
import type { Machine } from "@stackyard/core/machine";
import { type Tally, tallyByWave } from "@stackyard/core/rollout";
import {
  type DeployRow,
  type DeployState,
  findDeployState,
  findSendLimits,
  listRows,
  type RowsInput,
} from "@stackyard/promotion/deploy";
import { Type } from "typebox";
import { defineRoute, json, type Route } from "../http/route.ts";
import { pageOf, pageQuery, StackId, toInstant } from "../schemas/event.ts";
import { keepReadable } from "./readable-rows.ts";
import type { RouteDeps } from "./route-deps.ts";
import { pageInput } from "./to-page.ts";

/** Defines the routes of what the tasks `deploy` of a release have done. */
export function deployRoutes(deps: RouteDeps): readonly Route[] {
  return [listRoute(deps), stacksRoute(deps)];
}

function listRoute(deps: RouteDeps): Route {
  return defineRoute("GET", "/v1/stacks/:stackId/deploys", {
    operationId: "listDeploys",
    permission: "read",
    subject: "stack",
    tag: "promotion",
    summary: "List what each task `deploy` of a release has done, by wave. Kept for 90 days.",
    params: { stackId: StackId },
    answers: {
      200: { description: "Those that have begun.", schema: Type.Object({ items: Type.Array(Deploy) }) },
      404: { description: "STACK_UNKNOWN" },
    },
    async handle({ params: { stackId } }) {
      const { tasks, machine, present } = await openRelease(deps, stackId);
      const states = await Promise.all(tasks.map((input) => findDeployState(input)));
      const undo = findUndoEvents(machine, present);
      return json(200, {
        items: states.flatMap((state) =>
          state === undefined
            ? []
            : [{ ...toDeploy(state, machine), ...defined({ undo: undo.get(state.release.task) }) }],
        ),
      });
    },
  });
}

/** How far a stack of a task `deploy` may be. */
export const DEPLOY_STATES = ["waiting", "sent", "done", "unchanged", "failed", "skipped", "unsent", "undone"] as const;

function stacksRoute(deps: RouteDeps): Route {
  return defineRoute("GET", "/v1/stacks/:stackId/deploys/:task", {
    operationId: "listDeployStacks",
    permission: "read",
    subject: "stack",
    tag: "promotion",
    summary: "List the stacks of a task `deploy`, without those that the caller may not read.",
    params: { stackId: StackId, task: Type.String({ minLength: 1, maxLength: 255 }) },
    query: {
      ...pageQuery,
      state: Type.Optional(Type.Enum([...DEPLOY_STATES], { description: "Default: all." })),
      order: Type.Optional(
        Type.Enum(["sending", "failed-first"], {
          description:
            "Default: the order in which they are sent to. `failed-first`: those that have failed come before all others. In either order the pages contain each stack once, also when it fails between two of them.",
        }),
      ),
    },
    answers: {
      200: { description: "A page.", schema: pageOf(DeployStack) },
      404: { description: "STACK_UNKNOWN; NOT_FOUND: the task has deployed nothing" },
    },
    async handle({ params: { stackId, task }, query: { state: wanted, order, ...query } }, { caller }) {
      const { tasks } = await openRelease(deps, stackId);
      const input = tasks.find(({ owner }) => owner.task === task);
      const state = input && (await findDeployState(input));
      if (input === undefined || state === undefined) throw toNothing(task, { stackId, tasks });
      const part = { ...pageInput(query), state: wanted, isFailedFirst: order === "failed-first" };
      const rows = await listRows(input, state, part);
      const visible = await keepReadable(deps, caller, rows.items);
      return json(200, {
        items: visible.map((row) => toDeployStack(row, state)),
        ...defined({ cursor: rows.cursor }),
      });
    },
  });
}

/** The task is not one that deploys, or has not begun. */
function toNothing(task: string, { stackId, tasks }: Pick<OpenedRelease, "tasks"> & { readonly stackId: string }) {
  const names = tasks.map(({ owner }) => owner.task);
  const message = `The task "${task}" of "${stackId}" has deployed nothing.`;
  if (names.includes(task)) return new StackyardError("NOT_FOUND", `${message} It has not begun.`);
  const hint = names.length === 0 ? "Its machine has no task deploy." : `Name one of its tasks: ${names.join(", ")}.`;
  return new StackyardError("NOT_FOUND", message, { details: { hint } });
}

interface OpenedRelease {
  /** The tasks `deploy`, in the order of the document. */
  readonly tasks: readonly RowsInput[];
  /** Undefined: its revision is not known any more. */
  readonly machine: Machine | undefined;
  /** The state of the release. */
  readonly present: string;
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
  return { tasks, machine, present: stack.state };
}

/** Returns by task the event that leads from a state to one that undoes it. */
function findUndoEvents(machine: Machine | undefined, present: string): ReadonlyMap<string, string> {
  if (machine === undefined) return new Map();
  const reactions = [...(machine.states.get(present)?.on ?? [])].filter(([event]) => machine.events.has(event));
  const found = reactions.flatMap(([event, choices]) => {
    const entered = choices.flatMap(({ advance }) => advance).flatMap((name) => machine.states.get(name)?.tasks ?? []);
    return entered.flatMap((name) => findUndone(machine, name)).map((task) => [task, event] as const);
  });
  // Of several events the first of the document counts.
  return new Map(found.toReversed());
}

function findUndone(machine: Machine, name: string): readonly string[] {
  const config = machine.tasks.get(name)?.definition["config"];
  const of = isMap(config) && config["op"] === "undo" ? config["of"] : undefined;
  return typeof of === "string" ? [of] : [];
}

function toDeploy(state: DeployState, machine: Machine | undefined): Deploy {
  const { release, op, event, metadata, plan, sizes, startedAt, firstSentAt, endedAt, stop, curve } = state;
  // The document says whether this task undoes or sends; its rows are of what it did last.
  const config = machine?.tasks.get(release.task)?.definition["config"];
  const limits = op === "send" ? findSendLimits(config, sizes) : undefined;
  return {
    task: release.task,
    op,
    event,
    metadata,
    ...defined({ plan, firstSentAt: toInstant(firstSentAt), endedAt: toInstant(endedAt) }),
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

function toCounts({ waiting = 0, sent = 0, done = 0, failed = 0, skipped = 0, unsent = 0 }: Partial<Tally> = {}) {
  return { waiting, sent, done, failed, skipped, unsent };
}

function toDeployStack(row: DeployRow, { waves }: DeployState): DeployStack {
  const { stack, wave, state, code, message, from, at } = row;
  const before = from && Object.fromEntries(Object.entries(from).map(([key, { value }]) => [key, value ?? null]));
  return {
    stackId: stack,
    wave: waves[wave] ?? String(wave + 1),
    state,
    tries: row.try,
    ...(row.heldSince !== undefined && state === "sent" && { approving: true as const }),
    ...defined({ code, message, from: before }),
    since: toInstant(at),
  };
}
