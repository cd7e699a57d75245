import { type Finding, look } from "./finding.ts";
import { judgeAddress } from "./judge-address.ts";
import { judgeFunctions } from "./judge-functions.ts";
import { judgeQueue } from "./judge-queue.ts";
import { type FunctionFacts, loadFunctions } from "./load-functions.ts";
import { loadQueue, type QueueFacts, type QueueRole } from "./load-queue.ts";
import { findYardRegion } from "./yard-aws.ts";
import type { YardScene } from "./yard-scene.ts";

/** What was found of queues and of the functions that read them. */
export interface CheckedQueues {
  readonly findings: readonly Finding[];
  readonly queues: readonly QueueFacts[];
  readonly functions: readonly FunctionFacts[];
}

/** Looks at all queues of a yard and at the functions that read them. Never throws. */
export async function checkQueues(scene: YardScene): Promise<CheckedQueues> {
  const { SQSClient } = await import("@aws-sdk/client-sqs");
  const sqs = scene.aws.client(SQSClient, undefined);
  const region = findYardRegion(scene.yard, scene.deps.environment);
  const found = listQueues(scene).map(async ([role, url]) => {
    const facts: QueueFacts[] = [];
    const findings = await look("queue", "Correct its URL, or its policy.", async () => {
      facts.push(await loadQueue(sqs, role, url));
      return [];
    });
    return { facts, findings: [...judgeAddress(url, region), ...findings] };
  });
  const looked = await Promise.all(found);
  const queues = looked.flatMap(({ facts }) => facts);
  const { functions, findings } = await checkFunctions(scene, queues);
  return {
    ...{ queues, functions },
    findings: [
      ...looked.flatMap((each) => each.findings),
      ...queues.flatMap((queue) => judgeQueue(queue, toSurroundings(queue, queues, functions))),
      ...findings,
    ],
  };
}

function listQueues({ parts }: YardScene): readonly (readonly [QueueRole, string])[] {
  const { events, tasks, longTasks, ticks, eventDeadLetters, taskDeadLetters } = parts.queues;
  const all: readonly (readonly [QueueRole, string | undefined])[] = [
    ["events", events],
    ["tasks", tasks],
    ["longTasks", longTasks],
    ["ticks", ticks],
    ["eventDeadLetters", eventDeadLetters],
    ["taskDeadLetters", taskDeadLetters],
  ];
  return all.flatMap(([role, url]) => (url === undefined ? [] : [[role, url] as const]));
}

async function checkFunctions(
  { aws }: YardScene,
  queues: readonly QueueFacts[],
): Promise<Pick<CheckedQueues, "functions" | "findings">> {
  const { LambdaClient } = await import("@aws-sdk/client-lambda");
  const functions: FunctionFacts[] = [];
  const hint = "Allow lambda:ListEventSourceMappings and lambda:GetFunctionConfiguration, to see who reads the queues.";
  const findings = await look("function", hint, async () => {
    functions.push(...(await loadFunctions(aws.client(LambdaClient, undefined), queues)));
    return judgeFunctions(functions, queues);
  });
  // A yard of containers has no functions, and who may not look at them can use the yard all the same.
  const softened = findings.map((each) => (functions.length === 0 && each.status === "fail" ? soften(each) : each));
  return { functions, findings: softened };
}

function soften(finding: Finding): Finding {
  return { ...finding, status: "warn" };
}

function toSurroundings(
  { role }: QueueFacts,
  queues: readonly QueueFacts[],
  functions: readonly FunctionFacts[],
): Parameters<typeof judgeQueue>[1] {
  const timeouts = functions.filter(({ queue }) => queue === role).map(({ timeoutMs }) => timeoutMs);
  const target = role === "events" ? "eventDeadLetters" : "taskDeadLetters";
  return {
    deadLetters: queues.find((queue) => queue.role === target),
    timeoutMs: timeouts.length === 0 ? undefined : Math.max(...timeouts),
  };
}
