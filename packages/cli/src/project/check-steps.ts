import { failWith } from "../shell/failure.ts";
import { findNearestName } from "../shell/nearest-name.ts";

const RESULTS = ["succeeded", "failed", "cancelled"] as const;
const MAX_TOLD = 10;

/** Throws `CONFIG_INVALID` with every step that is neither an event nor a worker's answer. */
export function checkSteps(steps: readonly unknown[], from: string): void {
  const faults = steps.flatMap((step, index) => {
    const fault = findFault(step);
    return fault === undefined ? [] : [`step ${index + 1}: ${fault}`];
  });
  if (faults.length === 0) return;
  const more = faults.length > MAX_TOLD ? [`and ${faults.length - MAX_TOLD} more`] : [];
  const told = [...faults.slice(0, MAX_TOLD), ...more].map((line) => `\n  - ${line}`).join("");
  throw failWith("CONFIG_INVALID", `${from} has steps that are none:${told}`, {
    hint: 'A step is {"event": {"stackId": "pr-12", "event": "OPENED", …}} or {"task": "db", "result": "succeeded", …}.',
  });
}

function findFault(step: unknown): string | undefined {
  if (typeof step !== "object" || step === null || Array.isArray(step)) return `${tell(step)} is no object.`;
  const fields = new Map<string, unknown>(Object.entries(step));
  // Whatever stands there is the message: one that is none is refused like any other that comes from outside.
  if (fields.has("event")) return undefined;
  return fields.has("task") ? findAnswerFault(fields) : tellUnknownKeys(fields.keys());
}

function findAnswerFault(fields: ReadonlyMap<string, unknown>): string | undefined {
  const task = fields.get("task");
  if (typeof task !== "string") return `"task" must be the name of a task, not ${tell(task)}.`;
  const result = fields.get("result");
  if (RESULTS.some((each) => each === result)) return undefined;
  return `"result" must be "succeeded", "failed" or "cancelled"${result === undefined ? "." : `, not ${tell(result)}.`}`;
}

function tellUnknownKeys(keys: Iterable<string>): string {
  const [near] = [...keys].flatMap((key) => {
    const known = findNearestName(key, ["event", "task"]);
    return known === undefined ? [] : [` Did you mean "${known}" instead of "${key}"?`];
  });
  return `it has neither "event" nor "task".${near ?? ""}`;
}

function tell(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
