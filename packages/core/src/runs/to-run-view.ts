import { defined, SYSTEM_EVENTS } from "../machine/event-message.ts";
import type { RunSource } from "../machine/run-machine.ts";
import type { Stack } from "../machine/stack.ts";
import type { AttemptView } from "../ports/attempt-store.ts";
import type { HistoryEntry } from "../ports/stack-store.ts";

/** How far a run is. `waiting`: nobody works on it yet. */
export type RunState = "waiting" | "running" | "succeeded" | "failed" | "cancelled";

/** A run as people and programs see it. Instants are epoch milliseconds. */
export interface RunView {
  readonly runId: string;
  readonly state: RunState;
  readonly executor: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly target?: Readonly<Record<string, unknown>>;
  /** What its last end gave, without what must not be shown. */
  readonly outputs?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly code: string; readonly message: string };
  /** The newest line of its progress. */
  readonly message?: string;
  /** A cancel was asked for and has not ended. */
  readonly cancelling?: true;
  /** When it was taken up; before, when it was asked for. */
  readonly startedAt: number;
  /** Of its last end; absent while it goes on. */
  readonly endedAt?: number;
}

/** What a run is seen by. */
export interface RunFacts {
  readonly runId: string;
  readonly source: RunSource;
  /** Undefined: it was not taken up yet, or it was closed. */
  readonly stack: Stack | undefined;
  /** Newest first. */
  readonly lines: readonly HistoryEntry[];
  /** The newest one. */
  readonly attempt: AttemptView | undefined;
  /** When it was asked for, where that is known. */
  readonly askedAt: number | undefined;
}

/** How a run stands. A closed one is told by its history, one that nobody took up by having none. */
export function toRunView(facts: RunFacts): RunView {
  const { runId, source, stack, lines, attempt, askedAt } = facts;
  const { executor, config, target } = source;
  const startedAt = stack?.createdAt ?? findStart(lines) ?? askedAt ?? lines.at(-1)?.at ?? 0;
  const isWorked = stack?.state === "RUN";
  return {
    ...{ runId, executor, config, startedAt, ...(target && { target }) },
    ...(isWorked || lines.length === 0 ? toOpen(attempt) : toEnd(lines, stack)),
    ...defined({ message: attempt?.progressMessage }),
  };
}

function findStart(lines: readonly HistoryEntry[]): number | undefined {
  return lines.find(({ event, outcome }) => event === "START" && outcome === "applied")?.at;
}

type Standing = Pick<RunView, "state" | "outputs" | "error" | "endedAt" | "cancelling">;

function toOpen(attempt: AttemptView | undefined): Standing {
  const isRunning = attempt?.status === "running" || attempt?.status === "suspended";
  const cancelling = attempt?.cancelling === undefined ? {} : ({ cancelling: true } as const);
  return { state: isRunning ? "running" : "waiting", ...cancelling };
}

function toEnd(lines: readonly HistoryEntry[], stack: Stack | undefined): Standing {
  const end = lines.find(({ from, to, outcome }) => from === "RUN" && to !== "RUN" && outcome === "applied");
  if (end !== undefined) return { ...toResult(end), ...toOutputs(end), endedAt: end.at };
  // Old lines go before the stack does, when a failed run was left for as long as it may be.
  if (stack !== undefined) return { state: stack.state === "DONE" ? "succeeded" : "failed", endedAt: stack.enteredAt };
  const refused = lines.find(({ event, outcome }) => event === "START" && outcome === "set-aside");
  if (refused === undefined) return { state: "waiting" };
  const { code = "INTERNAL", reason = "It could not be started.", at } = refused;
  return { state: "failed", error: { code, message: reason }, endedAt: at };
}

function toResult({ event, code, description, reason }: HistoryEntry): Standing {
  if (event === SYSTEM_EVENTS.taskCompleted || event === SYSTEM_EVENTS.settleTask) return { state: "succeeded" };
  if (event === SYSTEM_EVENTS.taskCancelled) return { state: "cancelled" };
  if (event === SYSTEM_EVENTS.taskTimedOut) return { state: "failed", error: TIMED_OUT };
  const message = description ?? reason ?? "It has failed and does not say why.";
  return { state: "failed", error: { code: code ?? "INTERNAL", message } };
}

const TIMED_OUT = { code: "TASK_TIMEOUT", message: "The run has not ended within its time and was asked to stop." };

function toOutputs({ outputs }: HistoryEntry): Pick<RunView, "outputs"> {
  return typeof outputs === "object" && outputs !== null ? { outputs: { ...outputs } } : {};
}
