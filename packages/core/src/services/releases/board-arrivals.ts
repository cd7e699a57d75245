import { isMap } from "../../machine/json.ts";
import type { Machine } from "../../machine/machine.ts";
import { maskMetadata, toShownMetadata } from "../../machine/secrets.ts";
import type { Stack, TaskState } from "../../machine/stack.ts";
import type { AttemptView } from "../../ports/stack-store.ts";
import { listBoardPlaces } from "./board.ts";

/** The step of a release before it has arrived in an environment, or the reason that holds it back. */
export type BoardHold = "failed" | "freeze" | "window" | "turn" | "gate" | "approval" | "moving";

/** An open task of a release, with the sentence why it is open and what its attempt is held back by. */
export type OpenTask = Pick<TaskState, "name" | "status" | "detail"> & {
  readonly why: string;
  readonly attempt?: Pick<AttemptView, "heldBy">;
};

/** A release that is on its way to an environment. */
export interface BoardArrival {
  /** The task of the environment. */
  readonly place: string;
  /** The task that is open. */
  readonly task: string;
  readonly hold: BoardHold;
  readonly why: string;
  /** The known values that the environment will have, by key; a sensitive value is `***`. */
  readonly values: Readonly<Record<string, unknown>>;
}

/**
 * Returns to which environments a release is on its way now, each once with what holds it back most. A gate or an
 * approval belongs to the environment that follows it, an undo to the one whose events it undoes.
 */
export function listBoardArrivals(machine: Machine, stack: Stack, tasks: readonly OpenTask[]): readonly BoardArrival[] {
  const found = new Map<string, BoardArrival>();
  for (const task of tasks) {
    if (!isOpen(task)) continue;
    const place = findPlace(machine, stack.state, task.name);
    if (place === undefined) continue;
    const hold = toHold(machine, task);
    const known = found.get(place);
    if (known !== undefined && HOLDS.indexOf(known.hold) <= HOLDS.indexOf(hold)) continue;
    // The values that an undo brings back are known for each stack only.
    const values = isUndo(machine, task.name) ? {} : toValues(machine, place, stack);
    found.set(place, { place, task: task.name, hold, why: task.why, values });
  }
  return [...found.values()];
}

/** The order of the reasons: that which holds back most comes first. */
const HOLDS: readonly BoardHold[] = ["failed", "freeze", "window", "turn", "gate", "approval", "moving"];

/** A task that waits for another one of the stack is left out: the other one is what holds the release back. */
function isOpen({ status, detail }: OpenTask): boolean {
  return status === "ERROR" || (status === "PENDING" && detail !== "WAITING");
}

function findPlace(machine: Machine, state: string, task: string): string | undefined {
  if (isUndo(machine, task)) return toText(configOf(machine, task)["of"]);
  const places = new Set(listBoardPlaces(machine).map((each) => each.task));
  if (places.has(task)) return task;
  const own = machine.states.get(state)?.tasks ?? [];
  const next = own.find((each) => places.has(each) && needs(machine, each, task));
  if (next !== undefined) return next;
  // No task of this state waits for it, so a later state does. A state of an earlier revision has no later ones.
  const states = [...machine.states.values()];
  const index = states.findIndex(({ name }) => name === state);
  const later = index < 0 ? [] : states.slice(index + 1);
  return later.flatMap(({ tasks }) => tasks).find((each) => places.has(each) && !own.includes(each));
}

function needs({ tasks }: Machine, from: string, wanted: string): boolean {
  const open = [...(tasks.get(from)?.needs ?? [])];
  const seen = new Set<string>();
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (next === wanted) return true;
    if (!seen.has(next)) open.push(...(tasks.get(next)?.needs ?? []));
    seen.add(next);
  }
  return false;
}

function configOf({ tasks }: Machine, task: string): Readonly<Record<string, unknown>> {
  const config = tasks.get(task)?.definition["config"];
  return isMap(config) ? config : {};
}

function isUndo(machine: Machine, task: string): boolean {
  return machine.tasks.get(task)?.executor === "deploy" && configOf(machine, task)["op"] === "undo";
}

function toText(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** By the code of what holds back the first stack to which a deployment does not send; a stack that moves holds nothing back. */
const HELD_BY: ReadonlyMap<string | undefined, BoardHold> = new Map([
  ["FROZEN", "freeze"],
  ["WINDOW_CLOSED", "window"],
  ["ALARM", "gate"],
  ["GATE_UNAVAILABLE", "gate"],
]);

function toHold(machine: Machine, { name, status, attempt }: OpenTask): BoardHold {
  if (status === "ERROR") return "failed";
  const { executor, isApproval } = machine.tasks.get(name) ?? {};
  if (isApproval) return "approval";
  if (executor === "gate") return configOf(machine, name)["turn"] === undefined ? "gate" : "turn";
  return (executor === "deploy" ? HELD_BY.get(attempt?.heldBy) : undefined) ?? "moving";
}

const REFERENCE = /^\$\{\s*metadata\.([A-Za-z_]\w*)\s*\}$/;

/** Expressions that compute are not evaluated: their keys are missing. */
function toValues(machine: Machine, place: string, stack: Stack): Readonly<Record<string, unknown>> {
  const mapped = configOf(machine, place)["metadata"];
  const shown = maskMetadata(toShownMetadata(stack));
  const pairs = Object.entries(isMap(mapped) ? mapped : {}).map(([key, given]) => {
    if (typeof given !== "string" || !given.includes("${")) return [key, given] as const;
    return [key, shown[REFERENCE.exec(given)?.[1] ?? ""]] as const;
  });
  return Object.fromEntries(pairs.filter(([, value]) => value !== undefined));
}
