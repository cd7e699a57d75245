import { formatNames } from "../machine/format-names.ts";
import { defined } from "../machine/json.ts";
import type { LastFailure, Stack, TaskState } from "../machine/stack.ts";
import { evaluateHealth, findStall, REVISION_LOST } from "../machine/stack-health.ts";
import type { AttemptView, ParkedHead } from "../ports/stack-store.ts";
import { formatApprovals, type Reason } from "./explain-task.ts";

/**
 * A part of what a stack does or waits for, for readers who show names and instants in their own way: the names, what they
 * do, since when, why, and what comes next. It names no commands. Instants are epoch milliseconds.
 */
export interface ExplainedPart {
  readonly kind: PartKind;
  /** The tasks or events that it is about. None: the stack as a whole. */
  readonly names: readonly string[];
  /** What they do, such as `failed in DEPLOY`. Missing where `why` says it all. */
  readonly does?: string;
  readonly since?: number;
  /** The reason or the progress, without secrets; perhaps several lines. */
  readonly why?: string;
  /** What happens then, such as `it can continue`. */
  readonly next?: { readonly does: string; readonly at: number };
}

/**
 * `failed`: a task of the present state. `left`: what an earlier state has left behind. `runs`: a task at work. `waits`: a
 * task, for something outside of the stack. `needs`: tasks, for those named before. `events`: these lead out of the state.
 * `parked`: events that are retried. `held`: the stack keeps its revision.
 */
type PartKind = "failed" | "left" | "runs" | "waits" | "needs" | "events" | "parked" | "held";

/** The facts about a stack whose tasks are explained. */
interface PartFacts {
  readonly stack: Stack;
  readonly parked: readonly ParkedHead[];
  readonly tasks: readonly (TaskState & Reason & { readonly attempt?: AttemptView })[];
  /** What the stack as a whole waits for. */
  readonly waitsFor: Reason["waitsFor"];
  readonly now: number;
}

/** Returns what a stack with failed or open tasks, or with a failure behind it, does and waits for; none for others. */
export function listParts(facts: PartFacts): readonly ExplainedPart[] {
  const { stack, tasks } = facts;
  if (findStall(stack) !== undefined) return [];
  const failed = tasks.filter(({ status }) => status === "ERROR");
  const open = tasks.filter(({ status }) => status === "PENDING");
  const own =
    failed.length + open.length > 0
      ? [...failed.map(toFailed), ...listOpen(facts, open, failed.length)]
      : listLeft(facts);
  return own.length === 0 ? [] : [...own, ...listParked(facts), ...listHeld(stack)];
}

function toFailed({ name, detail, errorCode, errorMessage }: TaskState): ExplainedPart {
  const does = detail === "CANCELLED" ? "was cancelled" : "failed";
  return { kind: "failed", names: [name], does, ...defined({ why: errorMessage ?? errorCode }) };
}

type ExplainedTask = PartFacts["tasks"][number];

function listOpen({ now }: PartFacts, open: readonly ExplainedTask[], failed: number): readonly ExplainedPart[] {
  const isNeeding = ({ waitsFor }: Reason) => waitsFor?.kind === "need";
  const before = open.filter((task) => !isNeeding(task)).map((task) => toOpen(task, now));
  const names = open.filter(isNeeding).map(({ name }) => name);
  const does = `${names.length === 1 ? "waits" : "wait"} for ${before.length + failed === 1 ? "it" : "them"}`;
  return [...before, ...(names.length === 0 ? [] : [{ kind: "needs", names, does } as const])];
}

function toOpen({ name, why, waitsFor, attempt }: ExplainedTask, now: number): ExplainedPart {
  const { kind, at = 0, need = 0, given = [], groups = [] } = waitsFor ?? {};
  const work = { names: [name], ...defined({ since: attempt?.dispatchedAt, why: attempt?.progressMessage }) };
  switch (kind) {
    case "opening":
      return { kind: "waits", does: "waits", ...work, next: { does: "it can continue", at } };
    case "approval": {
      const approved = given.length === 0 ? "" : ` (approved: ${formatNames(given)})`;
      const does = `waits for ${formatApprovals(need, given)} from ${formatNames(groups)}${approved}`;
      return { kind: "waits", names: [name], does, next: { does: "it expires", at } };
    }
    case "poll":
      return { kind: "runs", does: "runs", ...work };
    case "lease":
      // A worker that is silent says more than that the task runs.
      if (at > now) return { kind: "runs", does: "runs", ...work };
      break;
    default:
  }
  return { kind: "waits", names: [name], why };
}

function listLeft({ stack, waitsFor }: PartFacts): readonly ExplainedPart[] {
  const { lastFailure } = stack;
  if (!evaluateHealth(stack).degraded || lastFailure === undefined) return [];
  const { events = [] } = waitsFor ?? {};
  const does = events.length === 1 ? "leads on" : "lead on";
  return [toLeft(lastFailure), ...(events.length === 0 ? [] : [{ kind: "events", names: events, does } as const])];
}

/** A failure that the stack has left behind, or what a task has left undone. */
function toLeft({ task, state, message, code, partial }: LastFailure): ExplainedPart {
  const does = `${partial ? "" : "failed "}in ${state}`;
  return { kind: "left", names: [task], does, ...defined({ why: message ?? code }) };
}

function listParked({ parked }: PartFacts): readonly ExplainedPart[] {
  if (parked.length === 0) return [];
  const does = parked.length === 1 ? "1 event is parked" : `${parked.length} events are parked`;
  const at = Math.min(...parked.map(({ nextTryAt }) => nextTryAt));
  return [{ kind: "parked", names: [], does, next: { does: "retried", at } }];
}

function listHeld({ heldBack }: Stack): readonly ExplainedPart[] {
  if (heldBack === undefined || heldBack.code === REVISION_LOST) return [];
  return [{ kind: "held", names: [], does: "It keeps its revision for now", why: heldBack.reason }];
}
