import { defined } from "@stackyard/core";
import type { Seen, StackDetails } from "@stackyard/sdk";

/** Returns what a page shows of a task: an operation on it is refused when another entry or attempt has its name. */
export function toSeenTask({ incarnation, entry, tasks }: StackDetails, task: string): Seen {
  const attempt = tasks.find(({ name }) => name === task)?.attempt?.attemptId;
  return { incarnation, entry, ...defined({ attempt }) };
}
