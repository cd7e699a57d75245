import type { SimulationLine } from "@stackyard/core/machine";
import type { Output } from "../shell/output.ts";

/** One step of a simulation, for people. */
export function tellSimulationLine(line: SimulationLine, step: unknown, out: Output): string {
  const { stack, code, reason, dispatched, cancelled } = line;
  const head = `${String(line.step).padStart(3)}  ${toTitle(step)}  ${out.paint(COLORS[line.outcome], line.outcome)}`;
  const why = code === undefined ? "" : ` ${code}: ${reason ?? ""}`;
  const details = [...tellStack(stack), ...tellNames("sent", dispatched), ...tellNames("asked to stop", cancelled)];
  const told = details.length === 0 ? [] : [details.join(out.paint("dim", " · "))];
  const fired = (line.fired ?? []).map((timer) => tellFired(timer, line));
  const retried = (line.retried ?? []).map(tellRetried);
  const lines = [
    ...told,
    ...retried,
    ...fired,
    ...line.others.map(tellOther),
    ...(line.differences ?? []).map(tellDifference),
  ];
  const same = line.differences?.length === 0 ? ["Every event would do the same."] : [];
  return [head + why, ...[...lines, ...same].map((each) => `     ${each}`)].join("\n");
}

const COLORS = { applied: "green", removed: "green", refused: "yellow", ignored: "dim" } as const;

function tellStack(stack: SimulationLine["stack"]): readonly string[] {
  if (stack === null) return [];
  const { state, previousState, tasks, failed, overdue, stalled } = stack;
  const marks = Object.entries({ failed, overdue, stalled }).flatMap(([mark, is]) => (is ? [mark] : []));
  const was = previousState === null ? "" : ` (was ${previousState})`;
  return [`${state}${was}`, ...tasks.map(tellTask), ...marks];
}

function tellTask({
  name,
  status,
  detail,
  errorMessage,
}: NonNullable<SimulationLine["stack"]>["tasks"][number]): string {
  return `${name} ${detail ?? status}${errorMessage ? ` (${errorMessage})` : ""}`;
}

function tellNames(what: string, names: readonly string[]): readonly string[] {
  return names.length === 0 ? [] : [`${what} ${names.join(", ")}`];
}

function tellFired({ at, stackId, timer, event, task, outcome, code }: Fired, { stack }: SimulationLine): string {
  const whose = stackId === stack?.id ? "" : ` of ${stackId}`;
  const what = task === undefined ? event : `${timer} of task ${task}`;
  return `${at}  ${what}${whose} ${outcome}${code === undefined ? "" : ` (${code})`}`;
}

function tellRetried({ event, outcome, code }: NonNullable<SimulationLine["retried"]>[number]): string {
  return `parked ${event} ${outcome}${code === undefined ? "" : ` (${code})`}`;
}

type Fired = NonNullable<SimulationLine["fired"]>[number];

function tellOther({ id, stack, dispatched }: SimulationLine["others"][number]): string {
  const details = stack === null ? ["removed"] : [...tellStack(stack), ...tellNames("sent", dispatched)];
  return `${id}: ${details.join(" · ")}`;
}

function tellDifference({ step, event, before, after }: NonNullable<SimulationLine["differences"]>[number]): string {
  const tell = ({ outcome, code, state, dispatched }: typeof before) =>
    [code ?? outcome, state ?? "no stack", ...tellNames("sent", dispatched)].join(" · ");
  return `step ${step} ${event}: ${tell(before)} would be ${tell(after)}`;
}

function toTitle(step: unknown): string {
  if (typeof step !== "object" || step === null) return JSON.stringify(step) ?? "";
  if ("event" in step) return toEventTitle(step.event);
  if ("advance" in step) return `advance ${String(step.advance)}`;
  if ("load" in step) return `load ${String(step.load)}`;
  if ("upgrade" in step) return `upgrade ${String(step.upgrade)}${"dryRun" in step && step.dryRun ? " (dry run)" : ""}`;
  if (!("task" in step)) return JSON.stringify(step);
  return `${String(step.task)} ${"result" in step ? String(step.result) : "?"}`;
}

function toEventTitle(event: unknown): string {
  if (typeof event !== "object" || event === null) return JSON.stringify(event) ?? "";
  const name = "event" in event ? event.event : "action" in event ? event.action : "?";
  return `${String(name)} ${"stackId" in event ? String(event.stackId) : ""}`.trimEnd();
}
