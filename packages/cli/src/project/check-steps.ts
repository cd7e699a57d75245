import { readStep } from "@stackyard/core/machine";
import { failWith } from "../shell/failure.ts";
import { findNearestName } from "../shell/nearest-name.ts";

const RESULTS = ["succeeded", "failed", "cancelled"] as const;
const KINDS = ["event", "task", "advance", "load", "upgrade"];
const MAX_TOLD = 10;

/** Throws `CONFIG_INVALID` with every step that is none. */
export function checkSteps(steps: readonly unknown[], from: string): void {
  const faults = steps.flatMap((step, index) => {
    const fault = findFault(step);
    return fault === undefined ? [] : [`step ${index + 1}: ${fault}`];
  });
  if (faults.length === 0) return;
  const more = faults.length > MAX_TOLD ? [`and ${faults.length - MAX_TOLD} more`] : [];
  const told = [...faults.slice(0, MAX_TOLD), ...more].map((line) => `\n  - ${line}`).join("");
  throw failWith("CONFIG_INVALID", `${from} has steps that are none:${told}`, {
    hint: 'A step is {"event": {"stackId": "pr-12", "event": "OPENED", …}}, {"task": "db", "result": "succeeded", …}, {"advance": "15m"}, {"load": "next/review-app.yaml"} or {"upgrade": "pr-12"}.',
  });
}

function findFault(step: unknown): string | undefined {
  if (typeof step !== "object" || step === null || Array.isArray(step)) return `${tell(step)} is no object.`;
  // Whatever stands there is the message: one that is none is refused like any other that comes from outside.
  if ("event" in step) return undefined;
  const read = readStep(step, undefined);
  if (read.kind === "none") return read.reason;
  if (read.kind !== "event") return undefined;
  return "task" in step ? findAnswerFault(step) : tellUnknownKeys(Object.keys(step));
}

function findAnswerFault({ task, result }: { readonly task?: unknown; readonly result?: unknown }): string | undefined {
  if (typeof task !== "string") return `"task" must be the name of a task, not ${tell(task)}.`;
  if (RESULTS.some((each) => each === result)) return undefined;
  return `"result" must be "succeeded", "failed" or "cancelled"${result === undefined ? "." : `, not ${tell(result)}.`}`;
}

function tellUnknownKeys(keys: readonly string[]): string {
  const [near] = keys.flatMap((key) => {
    const known = findNearestName(key, KINDS);
    return known === undefined ? [] : [` Did you mean "${known}" instead of "${key}"?`];
  });
  return `it has none of ${KINDS.map((kind) => `"${kind}"`).join(", ")}.${near ?? ""}`;
}

function tell(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
