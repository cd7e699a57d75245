import type { Task } from "@aws-sdk/client-ecs";
import { describeTasks } from "../describe-tasks.ts";
import { judge, type TaskFailure } from "../judge.ts";
import { createSecretMask } from "../mask-secrets.ts";
import { type LogTail, tailLogs } from "../tail-logs.ts";
import { type FailureLog, toFailureText } from "../to-failure-text.ts";
import { toStatesText } from "../to-states-text.ts";
import { toDeadline } from "./deadline.ts";
import { fail, finish } from "./finish-work.ts";
import { UNKNOWN_FOR_MS } from "./stop-known.ts";
import { configOf, type Turn, type TurnContext } from "./turn.ts";

/** ECS sends SIGTERM, then SIGKILL after 30 s by default. */
const ENDED_WITHIN_MS = 45_000;
const MAX_TAILS = 3;
const TAIL_LINES = 20;
/** An answer has 4,096 bytes, and would be cut at its end, where the last line is. */
const MAX_TAIL_CHARS = 1_500;

/** Looks at the tasks: judges them when all have ended, ends them at the deadline. */
export async function watchWork(context: TurnContext): Promise<Turn> {
  const { work, cluster, deps } = context;
  const config = configOf(context);
  const { tasks, missing } = await describeTasks(context.ecs, { cluster, taskArns: work.taskArns });
  const now = deps.clock.now();
  if (missing.length === 0 && tasks.every(({ lastStatus }) => lastStatus === "STOPPED"))
    return judgeWork(context, tasks);
  if (missing.length > 0 && now - (work.startedAt ?? 0) >= UNKNOWN_FOR_MS) {
    const text = `ECS does not know ${missing.join(", ")} any more. The others are ${toStatesText(tasks)}.`;
    return fail(context, { code: "ECS_TASK_LOST", text });
  }
  const leftMs = toDeadline(config, work) - now;
  if (leftMs > 0) return { kind: "wait", changes: {}, afterMs: Math.min(config.pollInterval * 1_000, leftMs) };
  const seconds = Math.round((now - work.receivedAt) / 1_000);
  const text = `The tasks had not ended after ${seconds} s: ${toStatesText(tasks, missing.length)}. They are stopped.`;
  return fail(context, { code: "ECS_TIMEOUT", text }, { waitMs: ENDED_WITHIN_MS });
}

async function judgeWork(context: TurnContext, tasks: readonly Task[]): Promise<Turn> {
  const { checkContainers } = configOf(context);
  const definition = await context.definitions.find(context.ecs, context.work.taskDefinitionArn ?? "");
  const essential = definition?.containerDefinitions?.filter((container) => container.essential !== false);
  const names = essential?.flatMap(({ name }) => name ?? []);
  const judgement = judge(tasks, checkContainers, names);
  if (judgement.kind === "ok") {
    const text = `${tasks.length === 1 ? "1 task has" : `${tasks.length} tasks have`} ended, and every checked container exited with 0.`;
    return finish(context, { status: "SUCCESS", code: "RUN", text, why: "RUN", exitCode: 0 });
  }
  const { failures } = judgement;
  const logs = await loadTails(context, failures);
  const { code } = failures[0];
  const end = { status: "FAILED", code, text: toFailureText(failures, { logs }), why: "RUN" } as const;
  return finish(context, { ...end, exitCode: findExitCode(failures) });
}

/** The first that is not 0. Without one it is 0 where every container has ended so, and unknown where one never started. */
function findExitCode(failures: readonly TaskFailure[]): number | undefined {
  const known = failures.find(({ exitCode }) => exitCode !== undefined)?.exitCode;
  return known ?? (failures.every(({ code }) => code === "ECS_TASK_STOPPED") ? 0 : undefined);
}

async function loadTails(context: TurnContext, failures: readonly TaskFailure[]): Promise<readonly FailureLog[]> {
  const { definitions, ecs, logs, work } = context;
  const definition = await definitions.find(ecs, work.taskDefinitionArn ?? "");
  const { containerDefinitions: containers = [] } = definition ?? {};
  const mask = createSecretMask(containers, configOf(context).overrides);
  const named = failures.filter(({ taskArn, container }) => taskArn !== "" && container !== undefined);
  const shown = named.slice(0, MAX_TAILS);
  const tails: FailureLog[] = [];
  for (const { taskArn, container: name = "" } of shown) {
    const container = containers.find((each) => each.name === name);
    const tail = await tailLogs(logs, { taskArn, container, lines: TAIL_LINES, mask });
    tails.push({ taskArn, container: name, tail: toShort(tail, MAX_TAIL_CHARS / shown.length) });
  }
  return tails;
}

/** The last lines that fit, and the end of the last one at least. */
function toShort(tail: LogTail, maxChars: number): LogTail {
  if (tail.kind === "none") return tail;
  const lines: string[] = [];
  let left = maxChars;
  for (const line of [...tail.lines].reverse()) {
    if (line.length > left && lines.length > 0) break;
    lines.unshift(line.length > left ? `…${line.slice(-left)}` : line);
    left -= line.length + 1;
  }
  return { ...tail, lines };
}
