import type { AwsYardOptions } from "@stackyard/core";
import { type Finding, look } from "@stackyard/sdk/commands";
import { checkIdentity } from "./check-identity.ts";
import { type CheckedMachines, checkMachines } from "./check-machines.ts";
import { type CheckedQueues, checkQueues } from "./check-queues.ts";
import { checkRules } from "./check-rules.ts";
import { checkLogs, checkStore } from "./check-store.ts";
import { checkTopic } from "./check-topic.ts";
import { checkPermissions } from "./dry-call.ts";
import { evaluateRunners } from "./evaluate-runners.ts";
import { evaluateRunnerSettings, evaluateStateManager } from "./evaluate-settings.ts";
import { createYardAws } from "./yard-aws.ts";
import type { YardContext } from "./yard-deps.ts";
import { toYardDeps } from "./yard-deps.ts";
import { toYardParts } from "./yard-parts.ts";
import type { YardScene } from "./yard-scene.ts";

/**
 * Checks a deployment with the caller's credentials, without changing it: identity and clock, queues and their readers,
 * tables or database, machines, permissions, and settings of functions. Never throws; each failure is a finding.
 */
export async function checkYard(yard: AwsYardOptions, context: YardContext): Promise<readonly Finding[]> {
  const deps = toYardDeps(context);
  const identity = await look("identity", "Correct the profile, the role, or the environment's credentials.", () =>
    // Within, because a wrong configuration is a finding too.
    Promise.resolve().then(() => checkIdentity(createYardAws(yard, context), deps)),
  );
  // Without credentials every other check reports the same.
  if (identity.some(({ check, status }) => check === "identity" && status === "fail")) return identity;
  const rest = await look("yard", "Complete it in stackyard.config.ts.", async () =>
    checkParts({ yard, parts: toYardParts(yard), aws: createYardAws(yard, context), deps }),
  );
  return [...identity, ...rest];
}

async function checkParts(scene: YardScene): Promise<readonly Finding[]> {
  const [queues, store, machines, logs, permissions] = await Promise.all([
    checkQueues(scene),
    look("store", "Look at its name, the region, and the role's permissions.", () => checkStore(scene)),
    lookAtMachines(scene),
    look("logs", "Look at bucket and prefix, and the role's permissions.", () => checkLogs(scene)),
    look("permissions", "Try again.", () => checkPermissions(scene)),
  ]);
  const topic = await look("topic", "Allow sns:ListSubscriptionsByTopic on it.", () =>
    checkTopic(scene, queues.queues),
  );
  const rules = await look("rule", "Look at the rules in EventRuleArns.", () => checkRules(scene, queues.queues));
  return [
    ...queues.findings,
    ...topic,
    ...rules,
    ...store,
    ...machines.findings,
    ...logs,
    ...permissions,
    ...judge(scene, queues, machines),
  ];
}

async function lookAtMachines(scene: YardScene): Promise<CheckedMachines> {
  let used: CheckedMachines["used"] = new Set();
  const findings = await look("machines", "Look at bucket and prefix.", async () => {
    const checked = await checkMachines(scene);
    used = checked.used;
    return checked.findings;
  });
  return { findings, used };
}

function judge({ yard, deps }: YardScene, { functions }: CheckedQueues, { used }: CheckedMachines): readonly Finding[] {
  const managers = functions.filter(({ queue }) => queue === "events");
  const isNamed = managers.some(({ variables }) => (variables?.["SQS_LONG_TASK_QUEUE_URL"] ?? "") !== "");
  const hasLongQueue = managers.length === 0 ? yard.longTaskQueueUrl !== undefined : isNamed;
  return [
    ...evaluateStateManager(yard, functions),
    ...evaluateRunnerSettings(yard, functions),
    ...evaluateRunners({ functions, executors: deps.executors, used, hasLongQueue }),
  ];
}
