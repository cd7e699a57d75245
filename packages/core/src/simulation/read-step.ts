import { parseDuration } from "../machine/document/duration.ts";
import { type EventOrigin, isMap, SYSTEM_EVENTS } from "../machine/event-message.ts";

/** A step of a simulation, as it was written. */
export type SimulationStep =
  | { readonly kind: "event"; readonly body: unknown; readonly origin: EventOrigin }
  | { readonly kind: "advance"; readonly byMs: number; readonly stackId: string | undefined }
  | { readonly kind: "load"; readonly file: string }
  | { readonly kind: "upgrade"; readonly stackId: string; readonly dryRun: boolean }
  | { readonly kind: "none"; readonly reason: string };

/** Reads a step; `subject` is the stack of the step before. Never throws. */
export function readStep(step: unknown, subject: string | undefined): SimulationStep {
  if (!isMap(step)) return { kind: "event", body: step, origin: "external" };
  if (Object.hasOwn(step, "event")) return { kind: "event", body: step["event"], origin: "external" };
  if (Object.hasOwn(step, "advance")) return readAdvance(step, subject);
  if (Object.hasOwn(step, "load")) return readLoad(step["load"]);
  if (Object.hasOwn(step, "upgrade")) return readUpgrade(step);
  return readAnswer(step, subject);
}

type Fields = Readonly<Record<string, unknown>>;

const ANSWERS: ReadonlyMap<unknown, string> = new Map([
  ["succeeded", SYSTEM_EVENTS.taskCompleted],
  ["failed", SYSTEM_EVENTS.taskError],
  ["cancelled", SYSTEM_EVENTS.taskCancelled],
]);

function readAnswer(step: Fields, subject: string | undefined): SimulationStep {
  const { task, result, stackId = subject, message: description, ...rest } = step;
  const body = { ...rest, event: ANSWERS.get(result), stackId, description, task: { name: task } };
  // Nobody outside may confirm a cancel; the step stands for the worker that does.
  return { kind: "event", body, origin: result === "cancelled" ? "worker" : "external" };
}

function readAdvance(step: Fields, subject: string | undefined): SimulationStep {
  const { advance, stackId = subject } = step;
  const byMs = typeof advance === "string" ? parseDuration(advance) : undefined;
  if (byMs === undefined) {
    return { kind: "none", reason: `"advance" must be a duration such as "15m", not ${tell(advance)}.` };
  }
  return { kind: "advance", byMs, stackId: typeof stackId === "string" ? stackId : undefined };
}

function readLoad(file: unknown): SimulationStep {
  if (typeof file === "string" && file !== "") return { kind: "load", file };
  return { kind: "none", reason: `"load" must be the path of a machine, not ${tell(file)}.` };
}

function readUpgrade({ upgrade, dryRun = false }: Fields): SimulationStep {
  if (typeof upgrade !== "string" || upgrade === "") {
    return { kind: "none", reason: `"upgrade" must be the id of a stack, not ${tell(upgrade)}.` };
  }
  if (typeof dryRun === "boolean") return { kind: "upgrade", stackId: upgrade, dryRun };
  return { kind: "none", reason: `"dryRun" must be true or false, not ${tell(dryRun)}.` };
}

const MOST_TOLD = 60;

function tell(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > MOST_TOLD ? `${text.slice(0, MOST_TOLD)}…` : text;
}
