import { parseAttemptId } from "../../machine/attempt-id.ts";

/**
 * Names a call: its subject, its action, and its number among calls of this kind. Without a subject it concerns the
 * process. Whatever else is removed from a plan, a call about an attempt or a stack mostly keeps its name.
 */
export type KeyOf = (what: string, subject?: string) => string;

/** Creates keys over all processes of a run; each process has its own `KeyOf` over the same counts. */
export function createKeys(): (node: number) => KeyOf {
  const counts = new Map<string, number>();
  return (node) =>
    (what, subject = `node ${node}`) => {
      const kind = `${subject} ${what}`;
      const count = (counts.get(kind) ?? 0) + 1;
      counts.set(kind, count);
      return `${kind} ${count}`;
    };
}

/** Returns `pr-1/plan/3.1` for an attempt's id: stack, task, entry and attempt. */
export function toAttemptKey(attemptId: string): string {
  const parts = parseAttemptId(attemptId);
  if (parts === undefined) return attemptId;
  const { stackId, task, entry, attempt } = parts;
  return `${stackId}/${task}/${entry}.${attempt}`;
}

/** Returns the subject of a call of a store, by its first argument; undefined: no attempt and no stack. */
export function findSubject(name: string, [first]: readonly unknown[]): string | undefined {
  if (Array.isArray(first)) return SUBJECT_LISTS.has(name) ? findStackId(first[0]) : undefined;
  if (typeof first !== "object" || first === null || !("attemptId" in first)) return undefined;
  return typeof first.attemptId === "string" ? toAttemptKey(first.attemptId) : undefined;
}

const SUBJECT_LISTS: ReadonlySet<string> = new Set(["load", "commit"]);

function findStackId(item: unknown): string | undefined {
  if (typeof item === "string") return item;
  if (typeof item !== "object" || item === null || !("stackId" in item)) return undefined;
  return typeof item.stackId === "string" ? item.stackId : undefined;
}
