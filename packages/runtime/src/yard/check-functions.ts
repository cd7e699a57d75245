import type { EventSourceMappingConfiguration, LambdaClient } from "@aws-sdk/client-lambda";
import { toAwsError } from "@stackyard/aws";
import type { AwsYardOptions } from "@stackyard/core";
import { readEnvironment } from "@stackyard/core/environment";
import { isSet, Variables } from "../environment.ts";
import type { ExecutorDefinitions } from "../parts.ts";
import { type Finding, fail, ok, warn } from "./finding.ts";
import type { QueueFacts, QueueRole } from "./load-queue.ts";

/** A function that reads a queue, and how it is connected. */
export interface FunctionFacts {
  readonly queue: QueueRole;
  readonly arn: string;
  readonly name: string;
  /** Of the event source mapping. */
  readonly mapping: {
    readonly id: string;
    readonly isEnabled: boolean;
    readonly batchSize: number;
    /** `ReportBatchItemFailures`. */
    readonly reportsFailures: boolean;
  };
  readonly timeoutMs: number;
  /** Undefined: they cannot be read. */
  readonly variables: Readonly<Record<string, string>> | undefined;
  /** Undefined: it cannot be read. */
  readonly recursiveLoop: string | undefined;
}

type Settings = Pick<FunctionFacts, "timeoutMs" | "variables" | "recursiveLoop">;

/** Loads the functions that read these queues; one that reads two is listed twice. Throws errors of Lambda. */
export async function loadFunctions(
  lambda: LambdaClient,
  queues: readonly QueueFacts[],
): Promise<readonly FunctionFacts[]> {
  const settings = new Map<string, Promise<Settings>>();
  const found: FunctionFacts[] = [];
  try {
    for (const { role, arn: queueArn } of queues) {
      for (const mapping of await listMappings(lambda, queueArn)) {
        const arn = mapping.FunctionArn ?? "";
        const loading = settings.get(arn) ?? loadSettings(lambda, arn);
        settings.set(arn, loading);
        found.push({ ...toConnection(role, arn, mapping), ...(await loading) });
      }
    }
    return found;
  } catch (error) {
    throw toAwsError(error, "Could not list the functions that read the queues.");
  }
}

async function listMappings(
  lambda: LambdaClient,
  queueArn: string,
): Promise<readonly EventSourceMappingConfiguration[]> {
  const { paginateListEventSourceMappings } = await import("@aws-sdk/client-lambda");
  const found: EventSourceMappingConfiguration[] = [];
  for await (const page of paginateListEventSourceMappings({ client: lambda }, { EventSourceArn: queueArn })) {
    found.push(...(page.EventSourceMappings ?? []));
  }
  return found;
}

function toConnection(
  queue: QueueRole,
  arn: string,
  { UUID: id = "", State = "Enabled", BatchSize = 10, FunctionResponseTypes = [] }: EventSourceMappingConfiguration,
): Pick<FunctionFacts, "queue" | "arn" | "name" | "mapping"> {
  return {
    queue,
    arn,
    name: arn.split(":")[6] ?? arn,
    mapping: {
      id,
      // A mapping that is being created or changed will be on.
      isEnabled: !["Disabled", "Disabling", "Deleting"].includes(State),
      batchSize: BatchSize,
      reportsFailures: FunctionResponseTypes.includes("ReportBatchItemFailures"),
    },
  };
}

async function loadSettings(lambda: LambdaClient, arn: string): Promise<Settings> {
  const { GetFunctionConfigurationCommand } = await import("@aws-sdk/client-lambda");
  const { Timeout = 3, Environment } = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName: arn }));
  return {
    timeoutMs: Timeout * 1_000,
    variables: Environment?.Error === undefined ? (Environment?.Variables ?? {}) : undefined,
    recursiveLoop: await findRecursiveLoop(lambda, arn),
  };
}

/** Reads the setting of the function, not of its versions and aliases. */
async function findRecursiveLoop(lambda: LambdaClient, arn: string): Promise<string | undefined> {
  const { GetFunctionRecursionConfigCommand } = await import("@aws-sdk/client-lambda");
  try {
    const FunctionName = arn.split(":").slice(0, 7).join(":");
    return (await lambda.send(new GetFunctionRecursionConfigCommand({ FunctionName }))).RecursiveLoop;
  } catch {
    // It needs a separate permission, and emulators do not support it. The other checks work without it.
    return undefined;
  }
}

/** Returns findings about how functions read a yard's queues. */
export function evaluateFunctions(
  functions: readonly FunctionFacts[],
  queues: readonly Pick<QueueFacts, "role" | "name">[],
): readonly Finding[] {
  return [...queues.flatMap((queue) => evaluateReaders(queue, functions)), ...evaluateLoops(functions)];
}

const READ: ReadonlySet<QueueRole> = new Set(["events", "tasks", "longTasks", "ticks"]);

function evaluateReaders(
  { role, name }: Pick<QueueFacts, "role" | "name">,
  functions: readonly FunctionFacts[],
): readonly Finding[] {
  if (!READ.has(role)) return [];
  const readers = functions.filter(({ queue }) => queue === role);
  if (readers.length === 0) return [toUnread(role, name)];
  return readers.flatMap((reader) => {
    const faults = evaluateMapping(reader, name);
    return faults.length > 0 ? faults : [ok("function", `${reader.name} reads ${name}.`)];
  });
}

function toUnread(role: QueueRole, name: string): Finding {
  if (role === "longTasks") return ok("function", `No function reads ${name}: a container does.`);
  if (role === "ticks") {
    const message = `No function reads ${name}: timers that are due within the minute wait for the next sweep.`;
    return warn("function", message, "Connect the state manager to it. A container does not need this queue.");
  }
  const message = `No function reads ${name}: a container must read it, or nothing is processed.`;
  return warn("function", message, "Connect the function to it, unless a container reads it.");
}

function evaluateMapping(reader: FunctionFacts, queue: string): readonly Finding[] {
  const { name, mapping } = reader;
  const update = `aws lambda update-event-source-mapping --uuid ${mapping.id}`;
  const disabled = `${name} is connected to ${queue}, but its mapping is disabled.`;
  return [
    ...(mapping.isEnabled ? [] : [fail("function", disabled, `Enable it: ${update} --enabled`)]),
    ...(mapping.reportsFailures || mapping.batchSize === 1 ? [] : [toUnreported(reader, queue, update)]),
  ];
}

/**
 * Reports a mapping that treats every response as success. Without `stack-ticks` a function expects that, and throws
 * instead.
 */
function toUnreported({ name, variables }: FunctionFacts, queue: string, update: string): Finding {
  const hint = `Report failures per message: ${update} --function-response-types ReportBatchItemFailures`;
  if (variables !== undefined && !isSet(variables, "SQS_TICK_QUEUE_URL")) {
    return warn("function", `${name}: one failed message of ${queue} fails its whole batch.`, hint);
  }
  const message = `${name}: failed messages of a batch of ${queue} are lost: Lambda treats each response as success.`;
  return fail("function", message, `${hint}; or receive one message at a time: ${update} --batch-size 1`);
}

/**
 * Warns of functions with loop detection: Lambda stops a chain of about 16 calls; machines may be longer, and the
 * engine has its own limit.
 */
function evaluateLoops(functions: readonly FunctionFacts[]): readonly Finding[] {
  const ended = functions.filter(({ recursiveLoop }) => recursiveLoop === "Terminate").map(({ name }) => name);
  return [...new Set(ended)].map((name) => {
    const message = `${name}: Lambda treats the chain of results and tasks as a recursive loop and stops it after about 16 calls.`;
    const command = `aws lambda put-function-recursion-config --function-name ${name} --recursive-loop Allow`;
    return warn("function", message, `Allow it: ${command}`);
  });
}

/** The facts by which runners are evaluated. */
interface RunnersInput {
  readonly functions: readonly FunctionFacts[];
  readonly executors: ExecutorDefinitions;
  /** Executors that the yard's machines name. */
  readonly used: ReadonlySet<string>;
  /** The yard has a separate queue for tasks that exceed the timeout of a function. */
  readonly hasLongQueue: boolean;
}

type VariableName = keyof typeof Variables.properties;

/** Each names a store; the runner reads them. */
const STORE_VARIABLES: readonly VariableName[] = ["DYNAMODB_TABLE", "POSTGRES_CONNECTION_SECRET", "DATABASE_URL"];

/**
 * Evaluates the kind of each runner, whether the state manager expects the same kind, and tasks that exceed its
 * timeout.
 */
export function evaluateRunners(input: RunnersInput): readonly Finding[] {
  const runners = onlyOnce(input.functions.filter(({ queue }) => queue === "tasks" || queue === "longTasks"));
  const managers = onlyOnce(input.functions.filter(({ queue }) => queue === "events"));
  return [
    ...runners.map(toRunnerKind),
    ...runners.flatMap(evaluateLogs),
    ...managers.flatMap((manager) => evaluateBelief(manager, runners)),
    ...evaluateLongTasks(input),
  ];
}

function hasStore({ variables }: FunctionFacts): boolean {
  return STORE_VARIABLES.some((name) => isSet(variables, name));
}

function toRunnerKind(runner: FunctionFacts): Finding {
  const { name } = runner;
  if (hasStore(runner)) return ok("runner", `${name} has the store: attempts have leases and can be cancelled.`);
  const lacks =
    "cancels, exclusive keys and suspension are not supported, and a message that is delivered twice may run twice";
  return ok("runner", `${name} works without a store: ${lacks}.`);
}

/**
 * Warns of missing log buckets. The store's records are in one partition of DynamoDB, so a runner keeps whole logs in a
 * bucket or not at all.
 */
function evaluateLogs({ name, variables }: FunctionFacts): readonly Finding[] {
  if (!isSet(variables, "DYNAMODB_TABLE") || isSet(variables, "TASK_LOG_BUCKET")) return [];
  const message = `${name}: TASK_LOG_BUCKET is not set, so only the last 64 KiB of each task's log are kept.`;
  return [warn("logs", message, "Set it to a bucket, and add `logs` with that bucket to the yard's configuration.")];
}

function evaluateBelief({ name, variables }: FunctionFacts, runners: readonly FunctionFacts[]): readonly Finding[] {
  const without = runners.filter((runner) => !hasStore(runner)).map((runner) => runner.name);
  const believes = readEnvironment(Variables, variables ?? {}).values.RUNNERS_HAVE_STORE;
  if (believes && without.length > 0) {
    const message = `${name}: RUNNERS_HAVE_STORE is true, but ${without.join(", ")} has no store: its tasks are treated as lost.`;
    return [fail("runner", message, "Give the runner the variables of the store, or set RUNNERS_HAVE_STORE=false.")];
  }
  if (believes || runners.length === 0 || without.length > 0) return [];
  const message = `${name}: every function that runs tasks has the store, but RUNNERS_HAVE_STORE is not true.`;
  return [
    warn("runner", message, "Set it if all containers have the store too. Exclusive keys and cancels then work."),
  ];
}

/** Warns of tasks that cannot be resumed: a function ends after at most 15 minutes, and their work is then lost. */
function evaluateLongTasks({ functions, executors, used, hasLongQueue }: RunnersInput): readonly Finding[] {
  const runners = onlyOnce(functions.filter(({ queue }) => queue === "tasks"));
  const long = [...used].filter((name) => executors.get(name)?.resumable === false).sort();
  if (hasLongQueue || long.length === 0) return [];
  return runners.map(({ name, timeoutMs }) => {
    const message = `${name}: tasks of ${long.join(", ")} cannot be resumed, and Lambda ends the function after ${timeoutMs / 60_000} min.`;
    const hint =
      "Run a container on a separate queue, and set SQS_LONG_TASK_QUEUE_URL and `longTaskQueueUrl` to that queue.";
    return warn("runner", message, hint);
  });
}

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
function onlyOnce(functions: readonly FunctionFacts[]): readonly FunctionFacts[] {
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
