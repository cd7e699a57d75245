import type { Task, TaskDefinition } from "@aws-sdk/client-ecs";
import { type Failed, failed, type Succeeded, succeeded } from "@stackyard/core";
import type { EcsOutputs, EcsProgress } from "./definition.ts";
import { type EcsCall, toEssentialNames, toMaskedOverrides } from "./ecs-call.ts";
import { isRetryable } from "./is-retryable.ts";
import { judge, type TaskFailure } from "./judge.ts";
import { createSecretMask } from "./mask-secrets.ts";
import { reportLogs } from "./report-logs.ts";
import { tailLogs } from "./tail-logs.ts";
import { type FailureLog, toFailureText } from "./to-failure-text.ts";
import { toOutputs } from "./to-outputs.ts";

/** Each tail is up to 8 KiB, and the causes of ten equal failures are one. */
const MAX_TAILS = 3;

/** Judges stopped tasks, after the rest of their logs was shown. Fails with the codes of `judge`. */
export async function finishTasks(
  call: EcsCall,
  progress: EcsProgress,
  tasks: readonly Task[],
): Promise<Succeeded<EcsOutputs> | Failed> {
  const { settings, deps, definitions } = call;
  const definition = await definitions.find(deps, progress.taskDefinition);
  await reportLogs(call, progress, { tasks, definition });
  const judgement = judge(tasks, settings.check, toEssentialNames(definition));
  const failures = judgement.kind === "ok" ? [] : judgement.failures;
  const outputs = toOutputs({ tasks, failures, definition, container: settings.container });
  if (judgement.kind === "ok") return succeeded(outputs);
  const logs = await loadTails(call, judgement.failures, definition);
  return failed({
    code: judgement.failures[0].code,
    message: toFailureText(judgement.failures, { logs }),
    retryable: isRetryable(judgement.failures),
    outputs,
  });
}

async function loadTails(
  { logs, settings }: EcsCall,
  failures: readonly TaskFailure[],
  definition: TaskDefinition | undefined,
): Promise<readonly FailureLog[]> {
  if (settings.tailLines === 0) return [];
  const containers = definition?.containerDefinitions ?? [];
  const mask = createSecretMask(containers, toMaskedOverrides(settings));
  const tails: FailureLog[] = [];
  for (const { taskArn, container: name } of failures.slice(0, MAX_TAILS)) {
    if (name === undefined || taskArn === "") continue;
    const container = containers.find((each) => each.name === name);
    const tail = await tailLogs(logs, { taskArn, container, lines: settings.tailLines, mask });
    tails.push({ taskArn, container: name, tail });
  }
  return tails;
}
