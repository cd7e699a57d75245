import type { AwsYardOptions } from "@stackyard/core";
import { readEnvironment } from "@stackyard/core/environment";
import { type Finding, fail, ok, warn } from "@stackyard/sdk/commands";
import { Variables } from "../environment.ts";
import type { FunctionFacts } from "./check-functions.ts";

/** Checks that the function that decides events uses the resources in the configuration. */
export function evaluateStateManager(yard: AwsYardOptions, functions: readonly FunctionFacts[]): readonly Finding[] {
  return onlyOnce(functions.filter(({ queue }) => queue === "events" || queue === "ticks")).flatMap((each) => [
    ...evaluateVariables(each, listExpected(yard)),
    ...evaluateRefusals(yard, each),
  ]);
}

/** Evaluates whether runners send their results to the yard's event queue or topic. */
export function evaluateRunnerSettings(yard: AwsYardOptions, functions: readonly FunctionFacts[]): readonly Finding[] {
  const expected: readonly Expected[] = [
    ["SQS_EVENT_QUEUE_URL", yard.eventTopicArn === undefined ? yard.eventQueueUrl : undefined, isSameQueue],
    ["SNS_EVENT_TOPIC_ARN", yard.eventTopicArn, isSame],
    ["DYNAMODB_TABLE", yard.stacksTable, isSameOrAbsent],
    ["TASK_LOG_BUCKET", yard.logs?.bucket, isSame],
    ["TASK_LOG_PREFIX", yard.logs?.prefix, isSamePrefix],
  ];
  const runners = functions.filter(({ queue }) => queue === "tasks" || queue === "longTasks");
  return onlyOnce(runners).flatMap((each) => evaluateVariables(each, expected));
}

/** Keeps a function that reads two queues only once. */
export function onlyOnce(functions: readonly FunctionFacts[]): readonly FunctionFacts[] {
  return [...new Map(functions.map((each) => [each.arn, each])).values()];
}

type Expected = readonly [
  variable: VariableName,
  wanted: string | undefined,
  fits: (set: string | undefined, wanted: string) => boolean,
];

function listExpected(yard: AwsYardOptions): readonly Expected[] {
  const work = yard.workTable ?? (yard.stacksTable === undefined ? undefined : `${yard.stacksTable}-work`);
  return [
    ["SQS_TASK_QUEUE_URL", yard.taskQueueUrl, isSameQueue],
    ["SQS_LONG_TASK_QUEUE_URL", yard.longTaskQueueUrl, isSameQueue],
    ["SQS_TICK_QUEUE_URL", yard.tickQueueUrl, isSameQueue],
    ["SQS_EVENT_DEAD_LETTER_QUEUE_URL", yard.eventDeadLetterQueueUrl, isSameQueue],
    ["DYNAMODB_TABLE", yard.connectionSecret === undefined ? yard.stacksTable : undefined, isSame],
    ["DYNAMODB_WORK_TABLE", yard.connectionSecret === undefined ? work : undefined, isSameOrAbsent],
    ["POSTGRES_CONNECTION_SECRET", yard.connectionSecret, isSameSecret],
    ["MACHINE_S3_BUCKET", yard.machines?.bucket, isSame],
    ["MACHINE_S3_KEY", yard.machines && (yard.machines.prefix ?? ""), isSamePrefix],
  ];
}

function evaluateVariables({ name, variables }: FunctionFacts, expected: readonly Expected[]): readonly Finding[] {
  if (variables === undefined) {
    const message = `${name}: its environment cannot be read.`;
    return [warn("settings", message, "Allow kms:Decrypt on its key.")];
  }
  const wrong = expected.flatMap(([variable, wanted, fits]) => {
    const set = variables[variable] || undefined;
    if (wanted === undefined || fits(set, wanted)) return [];
    const is = set === undefined ? "is not set" : `is ${set}`;
    const message = `${name}: ${variable} ${is}, but the configuration has ${wanted}.`;
    const hint = "Compare both with the outputs of the template, and correct the wrong one.";
    return [set === undefined ? warn("settings", message, hint) : fail("settings", message, hint)];
  });
  return wrong.length > 0 ? wrong : [ok("settings", `${name} uses the resources in the configuration.`)];
}

/**
 * Reports `redeliver` with a FIFO queue: one event that comes again would block its whole stack, so the state manager
 * does not start.
 */
function evaluateRefusals({ eventQueueUrl }: AwsYardOptions, { name, variables }: FunctionFacts): readonly Finding[] {
  const { REFUSED_EVENTS } = readEnvironment(Variables, variables ?? {}).values;
  if (REFUSED_EVENTS !== "redeliver" || eventQueueUrl?.endsWith(".fifo") !== true) return [];
  const message = `${name}: REFUSED_EVENTS is "redeliver", which is not supported with a FIFO event queue.`;
  return [fail("settings", message, "Set it to park or drop.")];
}

function isSame(set: string | undefined, wanted: string): boolean {
  return set === wanted;
}

function isSameOrAbsent(set: string | undefined, wanted: string): boolean {
  return set === undefined || set === wanted;
}

/** Returns true for the same queue. A queue has several addresses; account and name are the same in all. */
function isSameQueue(set: string | undefined, wanted: string): boolean {
  return set !== undefined && toPath(set) === toPath(wanted);
}

function toPath(url: string): string {
  return URL.parse(url)?.pathname ?? url;
}

/** Returns true for the same secret. Either may be the name, or the ARN with its six characters at the end. */
function isSameSecret(set: string | undefined, wanted: string): boolean {
  if (set === undefined) return false;
  return set === wanted || isArnOf(set, wanted) || isArnOf(wanted, set);
}

/** Returns true for `arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME-abcdef` of that name. */
function isArnOf(arn: string, name: string): boolean {
  const [, , service, , , , id = ""] = arn.split(":");
  return service === "secretsmanager" && id.replace(/-\w{6}$/, "") === name;
}

function isSamePrefix(set: string | undefined, wanted: string): boolean {
  return (set ?? "").replace(/\/$/, "") === wanted.replace(/\/$/, "");
}

export type VariableName = keyof typeof Variables.properties;
