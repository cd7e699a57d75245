import { cutText, defined } from "@stackyard/core";
import type { SimulationLine } from "@stackyard/core/machine";
import type { HistoryLine } from "../design/history-columns.tsx";
import type { Simulated } from "../machine/messages.ts";

/** A line of a simulation: a step, or an event that followed within it. */
export interface SimulatedLine extends HistoryLine {
  readonly key: string;
  /** The index of the step that a person can change; undefined for what followed. */
  readonly step?: number;
}

/** Returns the steps of a scenario and what followed from each, as the history of a stack lists them. */
export function toSimulatedHistory(steps: readonly unknown[], played: Simulated): readonly SimulatedLine[] {
  const states = new Map<string, string>();
  let subject = "";
  return steps.flatMap((step, index): readonly SimulatedLine[] => {
    const line = played.lines[index];
    const own = { key: String(index), step: index, ...describeStep(step) };
    // A step that was just added is not played yet.
    if (line === undefined) return [{ ...own, at: played.now, outcome: "ignored", reason: "not played yet" }];
    subject = line.stack?.id ?? findStackId(step) ?? subject;
    const from = states.get(subject);
    const to = line.stack?.state;
    if (to === undefined) states.delete(subject);
    else states.set(subject, to);
    const at = played.times[index] ?? played.now;
    const { outcome, code, reason } = line;
    const description = describeEffect(line, from !== undefined && to === undefined);
    return [
      { ...own, at, outcome, ...defined({ from, to, code, reason, description }) },
      ...listFollowing(line).map((following, place) => ({ key: `${index}.${place}`, at, ...following })),
    ];
  });
}

type Following = Pick<HistoryLine, "event" | "outcome" | "description"> & { readonly at?: string };

function listFollowing({ fired = [], raised = [], retried = [] }: SimulationLine): readonly Following[] {
  return [
    ...fired.map(({ timer, event, outcome, at }) => ({ event, outcome, at, description: `timer ${timer}` })),
    ...raised.map(({ event, outcome }) => ({ event, outcome, description: "raised by a reaction" })),
    ...retried.map(({ event, outcome }) => ({ event, outcome, description: "was parked" })),
  ];
}

function describeEffect({ dispatched, cancelled, differences }: SimulationLine, isGone: boolean): string | undefined {
  const parts = [
    dispatched.length > 0 && `starts ${dispatched.join(", ")}`,
    cancelled.length > 0 && `cancels ${cancelled.join(", ")}`,
    differences !== undefined && (differences.length === 0 ? "no differences" : `${differences.length} differences`),
    isGone && "the stack does not exist any more",
  ].filter((part) => part !== false);
  return parts.length === 0 ? undefined : parts.join("; ");
}

type Described = Pick<HistoryLine, "event" | "task" | "actor">;

/** The events of results, as the history of a stack names them. */
const ANSWERS: Readonly<Record<string, string>> = {
  succeeded: "TASK_COMPLETED",
  failed: "TASK_ERROR",
  cancelled: "TASK_CANCELLED",
};

/** Returns what a step of a scenario is called. */
function describeStep(step: unknown): Described {
  const [event, task, advance, load, upgrade, stack] = ["event", "task", "advance", "load", "upgrade", "stack"].map(
    (key) => fieldOf(step, key),
  );
  if (event !== undefined) return describeEvent(event, fieldOf(step, "sender"));
  if (typeof task === "string") return { event: ANSWERS[String(fieldOf(step, "result"))] ?? "result", task };
  if (typeof advance === "string") return { event: `${advance} pass` };
  if (typeof load === "string") return { event: `load ${load}` };
  if (typeof upgrade === "string") return { event: `upgrade ${upgrade}${fieldOf(step, "dryRun") ? " (dry run)" : ""}` };
  if (stack !== undefined) return { event: `stack ${fieldOf(stack, "id")} as it was` };
  return { event: cutText(JSON.stringify(step) ?? "", 80) };
}

function describeEvent(message: unknown, sender: unknown): Described {
  const name = fieldOf(message, "event") ?? fieldOf(message, "action");
  const task = fieldOf(fieldOf(message, "task"), "name");
  const actor = fieldOf(sender, "name");
  return {
    event: typeof name === "string" ? name : "event",
    ...(typeof task === "string" && { task }),
    ...(typeof actor === "string" && { actor }),
  };
}

function findStackId(step: unknown): string | undefined {
  const id = fieldOf(fieldOf(step, "event"), "stackId") ?? fieldOf(step, "stackId");
  return typeof id === "string" ? id : undefined;
}

function fieldOf(step: unknown, key: string): unknown {
  return typeof step === "object" && step !== null ? (step as Readonly<Record<string, unknown>>)[key] : undefined;
}
