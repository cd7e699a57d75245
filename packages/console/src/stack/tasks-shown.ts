import type { StackDetails } from "@stackyard/sdk";

type Task = StackDetails["tasks"][number];
type Facts = Pick<StackDetails, "tasks" | "parts" | "summary">;

/**
 * Returns the tasks that need a row of their own: those of which head, graph and timeline do not say everything yet, and do not
 * have every action. `isReadOnly`: nothing can be done, so the head has no actions.
 */
export function chooseTasks(
  { tasks, parts, summary }: Facts,
  { isReadOnly }: { readonly isReadOnly: boolean },
): readonly Task[] {
  const failed = tasks.filter(({ status }) => status === "ERROR");
  const said = new Set(parts.flatMap(({ names }) => names));
  return tasks.filter(({ name, status, attempt, why }) => {
    if (isReadOnly) return true;
    // The graph marks it, and the timeline leads to its log.
    if (status === "SATISFIED") return false;
    // The only failed one is what the head retries, and its error is above.
    if (status === "ERROR") return failed.length > 1;
    // One that waits for another is a clause of the head; one with a command of its own says more.
    return attempt !== undefined || !said.has(name) || hasOwnCommand(why, summary);
  });
}

function hasOwnCommand(why: string, summary: string): boolean {
  return [...why.matchAll(/`([^`]+)`/g)].some(([, command = ""]) => !summary.includes(command));
}
