import { ListTasksCommand, type ListTasksCommandInput } from "@aws-sdk/client-ecs";
import type { EcsDeps } from "./task-order.ts";

/**
 * The ARNs of the tasks in a cluster that are meant to run and were started by that name, over all pages. ListTasks allows
 * no other filter beside `startedBy`, and without a `desiredStatus` it shows RUNNING.
 */
export function listTasks(
  deps: Pick<EcsDeps, "ecs" | "signal">,
  { cluster, startedBy }: { readonly cluster: string; readonly startedBy: string },
): Promise<readonly string[]> {
  return listPages(deps, { cluster, startedBy });
}

/** The ARNs of tasks of a family that have stopped, or are about to, within the last hour. */
export function listStoppedTasks(
  deps: Pick<EcsDeps, "ecs" | "signal">,
  { cluster, family }: { readonly cluster: string; readonly family: string },
): Promise<readonly string[]> {
  return listPages(deps, { cluster, family, desiredStatus: "STOPPED" });
}

async function listPages(
  { ecs, signal }: Pick<EcsDeps, "ecs" | "signal">,
  filter: ListTasksCommandInput,
): Promise<readonly string[]> {
  const taskArns: string[] = [];
  let nextToken: string | undefined;
  do {
    const input = { ...filter, ...(nextToken === undefined ? {} : { nextToken }) };
    const page = await ecs.send(new ListTasksCommand(input), { abortSignal: signal });
    taskArns.push(...(page.taskArns ?? []));
    nextToken = page.nextToken;
  } while (nextToken !== undefined && nextToken !== "");
  return taskArns;
}
