import { formatNames } from "@stackyard/core";
import type { StackSummary } from "@stackyard/sdk";

/** What a stack waits for, as data. */
export type Wait = NonNullable<NonNullable<StackSummary["waiting"]>["waitsFor"]>;

type Kind = Wait["kind"];

/** What a kind of wait is called, and who ends one. */
interface Words {
  /** A filter: kinds of one name are one. */
  readonly name: string;
  readonly endedBy: string;
}

const RUNS: Words = { name: "A task runs", endedBy: "the task, when it ends" };

const WORDS: Readonly<Record<Kind, Words>> = {
  poll: RUNS,
  lease: RUNS,
  result: RUNS,
  opening: { name: "A gate or calendar is closed", endedBy: "the clock" },
  worker: { name: "No worker is free", endedBy: "the next free worker" },
  key: { name: "Another attempt has the key", endedBy: "the attempt that has the key" },
  event: { name: "An event must be sent", endedBy: "an event" },
  parked: { name: "A parked event is tried again", endedBy: "the next try" },
  leaving: { name: "Tasks of earlier states run", endedBy: "those tasks, when they end" },
  need: { name: "Other tasks must end first", endedBy: "those tasks, when they end" },
  timer: { name: "A timer is set", endedBy: "the clock" },
  cancel: { name: "A task is being stopped", endedBy: "the task, when it has stopped" },
  approval: { name: "An approval is open", endedBy: "people who may approve" },
  operator: { name: "A person must act", endedBy: "a person" },
};

const OTHER: Words = { name: "Other", endedBy: "–" };

/** Returns what the wait of a stack is called; `Other` for a kind of a newer server. */
export function nameWait({ waiting }: StackSummary): string {
  return findWords(waiting?.waitsFor?.kind).name;
}

function findWords(kind: Kind | undefined): Words {
  return kind !== undefined && Object.hasOwn(WORDS, kind) ? WORDS[kind] : OTHER;
}

/** Who or what ends a wait, and when that is known to happen. */
export interface WaitEnd {
  readonly by: string;
  /** Such as the events that people may send. */
  readonly how?: string;
  readonly at?: { readonly does: string; readonly instant: string };
}

/** Returns who or what ends the wait of a stack. */
export function findWaitEnd({ waiting }: StackSummary): WaitEnd {
  const { kind, events = [], tasks = [], groups = [], need = 1, at } = waiting?.waitsFor ?? {};
  const { endedBy } = findWords(kind);
  switch (kind) {
    case "approval":
      return {
        by: `${need.toLocaleString("en")} of ${formatNames(groups)}`,
        ...(at !== undefined && { at: { does: "expires", instant: at } }),
      };
    case "operator": {
      const how = [
        ...(tasks.length > 0 ? [`retry of ${formatNames(tasks)}`] : []),
        ...(events.length > 0 ? [toSent(events)] : []),
      ];
      return { by: endedBy, ...(how.length > 0 && { how: how.join(", or ") }) };
    }
    case "event":
      return { by: events.length === 0 ? endedBy : toSent(events) };
    case "timer":
    case "opening":
    case "parked":
      return { by: endedBy, ...(at !== undefined && { at: { does: "", instant: at } }) };
    default:
      return { by: endedBy };
  }
}

function toSent(events: readonly string[]): string {
  return `event ${formatNames(events, undefined, " or ")}`;
}

/** What a stack waits for: the task with what it does, or only a sentence. */
export interface WaitSubject {
  readonly task?: string;
  /** What the task does, such as `failed in DEPLOY`. */
  readonly does?: string;
  readonly code?: string;
  /** A sentence of the server. */
  readonly why: string;
}

/** Returns what a stack waits for, without what the other columns of the list say. */
export function findWaitSubject(stack: StackSummary): WaitSubject {
  const { waiting, lastFailure, tasks, state } = stack;
  const { summary = "", task, waitsFor } = waiting ?? {};
  if (waitsFor?.kind === "operator") {
    const failed = tasks.find(({ status }) => status === "ERROR");
    if (failed !== undefined) return toFailed(failed.name, state, failed.errorCode, failed.errorMessage);
    if (stack.degraded && lastFailure !== undefined && lastFailure.partial !== true)
      return toFailed(lastFailure.task, lastFailure.state, lastFailure.code, lastFailure.message);
    return { why: summary };
  }
  return task === undefined ? { why: summary } : { task: task.name, why: task.why };
}

function toFailed(task: string, state: string, code: string | undefined, message: string | undefined): WaitSubject {
  return { task, does: `failed in ${state}`, ...(code !== undefined && { code }), why: message ?? "" };
}
