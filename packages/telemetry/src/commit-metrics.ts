import type { Change, LoadedStack } from "@stackyard/core/engine";
import type { Dimensions, MetricName } from "./metrics.ts";

/** A stack before a commit. */
export interface StackBefore {
  readonly stack: LoadedStack["stack"] | undefined;
}

/** One value to measure. */
export interface Measured {
  readonly name: MetricName;
  readonly value: number;
  readonly dimensions: Dimensions;
}

type Entry = Change["history"][number];

const REFUSALS: ReadonlySet<Entry["outcome"]> = new Set(["parked", "refused", "set-aside"]);

/** What a commit has done, in numbers. */
export function toCommitMetrics(change: Change, before: StackBefore): readonly Measured[] {
  const { write, history, dispatches, now } = change;
  const after = write.kind === "put" ? write.stack : before.stack;
  // Where no stack is there, the machine's name is a sender's word: it would make metrics without end.
  const machine = after?.machine ?? "none";
  return [
    ...history.map(({ outcome }) => one("events", { outcome })),
    ...history.filter(isRefused).map(({ code }) => one("refused_events", { machine, code: code ?? "none" })),
    ...history.filter(isFailure).map(({ code }) => one("task_failures", { machine, code: toFailureCode(code) })),
    ...dispatches.map(() => one("sent_tasks", { machine })),
    ...toStalls(before, write),
    ...toStateDurations(before, write, now),
  ];
}

function one(name: MetricName, dimensions: Dimensions): Measured {
  return { name, value: 1, dimensions };
}

function isRefused({ outcome }: Entry): boolean {
  return REFUSALS.has(outcome);
}

function isFailure({ event, outcome }: Entry): boolean {
  return outcome === "applied" && (event === "TASK_ERROR" || event === "TASK_TIMED_OUT");
}

/** Runners of others may say anything. */
function toFailureCode(code: string | undefined): string {
  if (code === undefined) return "none";
  return /^[A-Z][A-Z0-9_]{1,63}$/.test(code) ? code : "other";
}

function toStalls({ stack }: StackBefore, write: Change["write"]): readonly Measured[] {
  const stalled = write.kind === "put" ? write.stack.stalled : undefined;
  return stalled === undefined || stack?.stalled !== undefined ? [] : [one("stalls", { code: stalled.code })];
}

/** How long it was in the state that it leaves. States that it passes within one commit take no time. */
function toStateDurations({ stack }: StackBefore, write: Change["write"], now: number): readonly Measured[] {
  if (stack === undefined || write.kind === "keep") return [];
  if (write.kind === "put" && write.stack.entry === stack.entry && write.stack.life === stack.life) return [];
  const { machine, state, enteredAt } = stack;
  const value = Math.max(0, now - enteredAt) / 1_000;
  return [{ name: "state_duration_seconds", value, dimensions: { machine, state } }];
}
