import { parseDuration } from "@stackyard/core/machine";
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
    hint: 'A step is {"event": {"stackId": "pr-12", "event": "OPENED", …}}, {"task": "db", "result": "succeeded", …}, {"advance": "15m"}, {"load": "new.yaml"} or {"upgrade": "pr-12"}.',
  });
}

function findFault(step: unknown): string | undefined {
  if (typeof step !== "object" || step === null || Array.isArray(step)) return `${tell(step)} is no object.`;
  const fields = new Map<string, unknown>(Object.entries(step));
  // Whatever stands there is the message: one that is none is refused like any other that comes from outside.
  if (fields.has("event")) return undefined;
  if (fields.has("task")) return findAnswerFault(fields);
  for (const [key, findKeyFault] of KEY_FAULTS) if (fields.has(key)) return findKeyFault(fields);
  return tellUnknownKeys(fields.keys());
}

type Fields = ReadonlyMap<string, unknown>;

const KEY_FAULTS: ReadonlyMap<string, (fields: Fields) => string | undefined> = new Map([
  ["advance", findAdvanceFault],
  ["load", (fields: Fields) => findTextFault(fields, "load", "the path of a machine")],
  ["upgrade", (fields: Fields) => findTextFault(fields, "upgrade", "the id of a stack") ?? findDryRunFault(fields)],
]);

function findAdvanceFault(fields: Fields): string | undefined {
  const length = fields.get("advance");
  if (typeof length === "string" && parseDuration(length) !== undefined) return undefined;
  return `"advance" must be a duration such as "15m", not ${tell(length)}.`;
}

function findTextFault(fields: Fields, key: string, what: string): string | undefined {
  const text = fields.get(key);
  return typeof text === "string" && text !== "" ? undefined : `"${key}" must be ${what}, not ${tell(text)}.`;
}

function findDryRunFault(fields: Fields): string | undefined {
  const dryRun = fields.get("dryRun") ?? false;
  return typeof dryRun === "boolean" ? undefined : `"dryRun" must be true or false, not ${tell(dryRun)}.`;
}

function findAnswerFault(fields: Fields): string | undefined {
  const task = fields.get("task");
  if (typeof task !== "string") return `"task" must be the name of a task, not ${tell(task)}.`;
  const result = fields.get("result");
  if (RESULTS.some((each) => each === result)) return undefined;
  return `"result" must be "succeeded", "failed" or "cancelled"${result === undefined ? "." : `, not ${tell(result)}.`}`;
}

function tellUnknownKeys(keys: Iterable<string>): string {
  const [near] = [...keys].flatMap((key) => {
    const known = findNearestName(key, KINDS);
    return known === undefined ? [] : [` Did you mean "${known}" instead of "${key}"?`];
  });
  return `it has none of ${KINDS.map((kind) => `"${kind}"`).join(", ")}.${near ?? ""}`;
}

function tell(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
