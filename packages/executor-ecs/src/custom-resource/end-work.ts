import { findStartedTasks } from "../find-started-tasks.ts";
import { toAwsFailure } from "../to-aws-failure.ts";
import { toDeadline } from "./deadline.ts";
import { toFailed } from "./finish-work.ts";
import { toTaskTags } from "./identity.ts";
import { isAwsError } from "./is-aws-error.ts";
import { type LeftTasks, stopKnown, toBirth, UNKNOWN_FOR_MS } from "./stop-known.ts";
import type { TaskWork, WorkFailure } from "./task-work.ts";
import { configOf, type Turn, type TurnContext } from "./turn.ts";

const LOOK_EVERY_MS = 5_000;
const TROUBLE_MS = 45_000;
/** CloudFormation waits for a minute longer than the work may take; the answer takes some of it. */
const AFTER_DEADLINE_MS = 50_000;
const UNTOLD = { code: "ECS_AWS_ERROR", text: "The work was given up." };

/** Stops the tasks of work that has failed, waits for their end as long as it was told, and then tells the failure. */
export async function endWork(context: TurnContext): Promise<Turn> {
  const { work, deps } = context;
  const { failure = UNTOLD, until = 0 } = work;
  const now = deps.clock.now();
  try {
    const { alive, unseen, changes } = await stopAll(context);
    // What an interrupted try has started, and what was started just now, shows up some seconds later.
    const isSought = work.intendedAt !== undefined || alive > 0;
    const endsAt = unseen > 0 ? toBirth(work) + UNKNOWN_FOR_MS : until;
    if (now >= endsAt || (unseen === 0 && !isSought)) return toFailed(context, failure, changes);
    return { kind: "wait", changes, afterMs: Math.min(LOOK_EVERY_MS, endsAt - now) };
  } catch (error) {
    if (!isAwsError(error)) throw error;
    return meetStopTrouble(context, error, failure);
  }
}

function meetStopTrouble(context: TurnContext, error: unknown, failure: WorkFailure): Turn {
  const { work, deps } = context;
  const { message, retryable } = toAwsFailure(error, "The stop of the tasks");
  const troubledSince = work.troubledSince ?? deps.clock.now();
  if (retryable && deps.clock.now() < toGiveUp(context, troubledSince)) {
    return { kind: "wait", changes: { troubledSince }, afterMs: LOOK_EVERY_MS };
  }
  return toFailed(context, { ...failure, text: `${failure.text} Tasks may still run: ${message}` });
}

/** Tasks that could not be told to stop go on; so that is tried for a while even where nobody waits for their end. */
function toGiveUp(context: TurnContext, troubledSince: number): number {
  const latest = toDeadline(configOf(context), context.work) + AFTER_DEADLINE_MS;
  return Math.max(context.work.until ?? 0, Math.min(troubledSince + TROUBLE_MS, latest));
}

/** Tells every task that the work has started to stop. */
export async function stopAll(context: TurnContext): Promise<LeftTasks & { readonly changes: Partial<TaskWork> }> {
  const taskArns = await findAll(context);
  return { ...(await stopKnown(context, taskArns, toBirth(context.work))), changes: { taskArns } };
}

/** A try that never came to its end may have started tasks whose ARNs nobody has noted. */
async function findAll(context: TurnContext): Promise<readonly string[]> {
  const { work, cluster, ecs, id } = context;
  const { taskArns, intendedAt, request, taskDefinitionArn = configOf(context).taskDefinition } = work;
  if (intendedAt === undefined) return taskArns;
  const tags = toTaskTags(request);
  const found = await findStartedTasks(ecs, { cluster, startedBy: id, taskDefinition: taskDefinitionArn, tags });
  return [...new Set([...taskArns, ...found.flatMap(({ taskArn }) => taskArn ?? [])])];
}
