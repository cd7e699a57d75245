import type { Task } from "@aws-sdk/client-ecs";
import { evaluateTasks, findExitCode, readLostLogs } from "../run-tasks.ts";
import { type DescribedTasks, describeTasks, toStatesText } from "../task-order.ts";
import { decideAfterLook, STOP_WITHIN_MS, toLost } from "../task-run.ts";
import { STOPPED_BY_US } from "./end-work.ts";
import { isOver } from "./resource-record.ts";
import { configOf, fail, finish, type Turn, type TurnContext, toDeadline, toFailed } from "./turn.ts";

const TAIL_LINES = 20;
/** An answer has 4,096 bytes, and would be cut at its end, where the last line is. */
const MAX_TAIL_BYTES = 1_500;

/** Looks at the tasks: judges them when all have ended, ends them at the deadline. */
export async function watchWork(context: TurnContext): Promise<Turn> {
  const { work, cluster, deps, ecs, id } = context;
  const config = configOf(context);
  const seen = await describeTasks(ecs, { cluster, taskArns: work.taskArns });
  const now = deps.clock.now();
  const deadline = toDeadline(config, work);
  const { kind, absence } = decideAfterLook(work, seen, { now, isLate: now >= deadline });
  switch (kind) {
    case "over":
      return evaluateWork(context, seen.tasks);
    case "unknown":
      return endLost(context, seen);
    case "late": {
      const seconds = Math.round((now - work.receivedAt) / 1_000);
      const states = toStatesText(seen.tasks, seen.missing.length);
      const message = `The tasks had not ended after ${seconds} s: ${states}.`;
      return fail(context, { code: "ECS_TIMEOUT", message }, { waitMs: STOP_WITHIN_MS });
    }
    case "running":
      if (await isOver(deps, id, work.receivedAt)) return fail(context, SUPERSEDED);
      return { kind: "wait", changes: { absence }, afterMs: Math.min(config.pollInterval * 1_000, deadline - now) };
  }
}

/** Two runs of one resource, such as migrations of one database, must not run in parallel, nor one after the way back. */
const SUPERSEDED = { code: "ECS_CANCELLED", message: "A later request of the resource replaces this one." };

/**
 * Judges tasks of which one has just ended. Undefined: the execution continues, because some run, or because they were
 * stopped for a reason that only the execution knows.
 */
export async function decideEnded(context: TurnContext): Promise<Turn | undefined> {
  const { work, cluster, deps, ecs } = context;
  const config = configOf(context);
  if (config.timeout === 0) return undefined;
  const seen = await describeTasks(ecs, { cluster, taskArns: work.taskArns });
  const isOver = decideAfterLook(work, seen, { now: deps.clock.now(), isLate: false }).kind === "over";
  const isStoppedByUs = seen.tasks.some(({ stoppedReason = "" }) => stoppedReason.startsWith(STOPPED_BY_US));
  return isOver && !isStoppedByUs ? evaluateWork(context, seen.tasks) : undefined;
}

/** Ends work with tasks that ECS does not show any more. They are not stopped: a Delete of the resource stops them. */
async function endLost(context: TurnContext, seen: DescribedTasks): Promise<Turn> {
  const { text } = await readLostLogs(context, { taskArns: seen.missing, ...toJudged(context) });
  const { code, message } = toLost(seen);
  return toFailed(context, { code, message: `${message} ${text}` });
}

function toJudged(context: TurnContext) {
  const { checkContainers: check, overrides } = configOf(context);
  const { taskDefinitionArn: taskDefinition = "" } = context.work;
  return { taskDefinition, check, overrides, tailLines: TAIL_LINES, maxTailBytes: MAX_TAIL_BYTES };
}

async function evaluateWork(context: TurnContext, tasks: readonly Task[]): Promise<Turn> {
  const { judgement, text, foreign } = await evaluateTasks(context, { tasks, ...toJudged(context) });
  const exitCode = findExitCode(judgement.kind === "failed" ? judgement.failures : []);
  if (judgement.kind === "failed") {
    return finish(context, { status: "FAILED", code: judgement.failures[0].code, text, why: "RUN", exitCode });
  }
  const ended = tasks.length === 1 ? "1 task has" : `${tasks.length} tasks have`;
  const success = [`${ended} ended, and every checked container exited with 0.`, ...foreign].join(" ");
  return finish(context, { status: "SUCCESS", code: "RUN", text: success, why: "RUN", exitCode });
}
