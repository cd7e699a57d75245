import { type Finding, look } from "@stackyard/sdk/commands";
import { type FunctionFacts, loadFunctions } from "./check-functions.ts";
import { evaluateAddress } from "./evaluate-address.ts";
import { evaluateFunctions } from "./evaluate-functions.ts";
import { evaluateQueue, type QueueSurroundings } from "./evaluate-queue.ts";
import { loadQueue, type QueueFacts, type QueueRole } from "./load-queue.ts";
import { findYardRegion } from "./yard-aws.ts";
import type { YardScene } from "./yard-scene.ts";

/** The findings about queues and the functions that read them. */
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
    return { facts, findings: [...evaluateAddress(url, region), ...findings] };
  });
  const looked = await Promise.all(found);
  const queues = looked.flatMap(({ facts }) => facts);
  const { functions, findings } = await checkFunctions(scene, queues);
  return {
    queues,
    functions,
    findings: [
      ...looked.flatMap((each) => each.findings),
      ...queues.flatMap((queue) => evaluateQueue(queue, toSurroundings(queue, queues, functions))),
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
    return evaluateFunctions(functions, queues);
  });
  // A yard of containers has no functions, and a user without permission to read them can still use the yard.
  const softened = findings.map((each): Finding => {
    return functions.length === 0 && each.status === "fail" ? { ...each, status: "warn" } : each;
  });
  return { functions, findings: softened };
}

function toSurroundings(
  { role }: QueueFacts,
  queues: readonly QueueFacts[],
  functions: readonly FunctionFacts[],
): QueueSurroundings {
  const timeouts = functions.filter(({ queue }) => queue === role).map(({ timeoutMs }) => timeoutMs);
  const target = role === "events" ? "eventDeadLetters" : "taskDeadLetters";
  return {
    deadLetters: queues.find((queue) => queue.role === target),
    timeoutMs: timeouts.length === 0 ? undefined : Math.max(...timeouts),
  };
}
