import type { StackEvent } from "../event-message.ts";
import type { AfterTimer } from "../machine.ts";

/** The words for entries of `after` in ids of timers. */
const WORDS = { in: "after", at: "at", cron: "cron" } as const satisfies Record<AfterTimer["kind"], string>;
const KINDS = ["in", "at", "cron"] as const;

/** Returns the id of the timer of a task's next attempt. */
export function retryId(entry: number, task: string): string {
  return `${entry}/retry/${task}`;
}

/** Returns the id of the timer of an approval's end. */
export function approvalTimerId(entry: number, task: string): string {
  return `${entry}/approval/${task}`;
}

/** Returns the id of a timer's event: one timer fires once in the incarnation of its stack. */
export function timerEventId(incarnation: string, timerId: string): string {
  return `timer:${incarnation}:${timerId}`;
}

/** Returns the id of the timer of a state's own timeout. */
export function timeoutId(entry: number): string {
  return `${entry}/timeout`;
}

/** Returns the id of the timer of an entry of `after`. It is the same in a revision that lists the entry elsewhere. */
export function afterTimerId(entry: number, { kind, key }: Pick<AfterTimer, "kind" | "key">): string {
  return `${entry}/${WORDS[kind]}/${key}`;
}

/** Returns the kind of the entry of `after` that a timer is of; undefined for other timers. */
export function afterKindOf(timerId: string): AfterTimer["kind"] | undefined {
  const [, word] = timerId.split("/", 2);
  return KINDS.find((kind) => WORDS[kind] === word);
}

/** Returns true for the event of a schedule: an occurrence that is refused is skipped, since the next one follows. */
export function isOccurrence({ timerId = "" }: Pick<StackEvent, "timerId">): boolean {
  return afterKindOf(timerId) === "cron";
}
