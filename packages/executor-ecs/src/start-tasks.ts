import {
  type Failure,
  RunTaskCommand,
  StartTaskCommand,
  type StartTaskCommandInput,
  type StartTaskCommandOutput,
  type Task,
} from "@aws-sdk/client-ecs";
import { type Absence, decideAbsence, findAwsFault, isDenial, toAnswer } from "@stackyard/aws";
import { isTransientReason, isUnknownRole, toLastPart, toPlacementMessage, toReasonText } from "./judge.ts";
import {
  type AwsFailure,
  describeTasks,
  type EcsDeps,
  expectedCountOf,
  findStartedTasks,
  type TaskOrder,
  toAwsFailure,
  toRunTaskInput,
  toStartTaskInput,
} from "./task-order.ts";

/** The result of one try; `taskArns` are all tasks that run for the order now, those of earlier tries first. */
export type StartResult =
  | { readonly kind: "started"; readonly taskArns: readonly string[] }
  /** Reasons that pass: try again, or stop what did start. */
  | {
      readonly kind: "retry";
      /**
       * True if the call itself was rejected: send the same order with the same token again. Else the next try uses
       * another token.
       */
      readonly isSameTry: boolean;
      readonly taskArns: readonly string[];
      readonly reasons: readonly string[];
      readonly code: "ECS_PLACEMENT_FAILED" | AwsFailure["code"];
      readonly message: string;
      /** `capacity`: for the placement timeout; `new-role`: for two minutes, whatever that timeout is. */
      readonly passes: "capacity" | "new-role";
    }
  /** Another try would not help; what did start must be stopped. */
  | {
      readonly kind: "failed";
      readonly taskArns: readonly string[];
      readonly code: "ECS_PLACEMENT_FAILED" | AwsFailure["code"];
      readonly message: string;
      /** True if AWS could not serve the call now, and may later. */
      readonly retryable: boolean;
    };

/**
 * Tries once to start an order's missing tasks. The same order with the same `alreadyStarted` may be sent again after a
 * crash and starts nothing twice: RunTask by its client token (and the tasks in a ConflictException are adopted),
 * StartTask by `intendedAt`. After failures of an earlier try, RunTask starts only what is missing then. Returns errors of
 * AWS instead of throwing them.
 */
export async function startTasks(
  deps: EcsDeps,
  order: TaskOrder,
  alreadyStarted: readonly string[],
): Promise<StartResult> {
  const missing = expectedCountOf(order) - alreadyStarted.length;
  if (missing <= 0) return { kind: "started", taskArns: alreadyStarted };
  const onInstances = order.instances !== undefined && order.instances.length > 0;
  try {
    const answer = onInstances
      ? await startOnInstances(deps, order, alreadyStarted)
      : await runTasks(deps, order, alreadyStarted);
    return toResult(order, alreadyStarted, answer);
  } catch (error) {
    const what = `${onInstances ? "StartTask" : "RunTask"} in "${order.cluster}"`;
    return deps.signal.aborted ? toInterrupted(alreadyStarted, what) : toErrorResult(error, alreadyStarted, what);
  }
}

async function runTasks(deps: EcsDeps, order: TaskOrder, alreadyStarted: readonly string[]): Promise<StartAnswer> {
  const found = order.isRefused === true ? await findUnreported(deps, order, alreadyStarted) : [];
  const count = expectedCountOf(order) - alreadyStarted.length - found.length;
  if (count <= 0) return { tasks: found, failures: [] };
  const { tasks, failures } = await sendRunTask(deps, order, count);
  return { tasks: [...found, ...tasks], failures };
}

/** Returns the tasks of the order that no answer has named; none where they cannot be listed. */
async function findUnreported(
  deps: EcsDeps,
  order: TaskOrder,
  known: readonly string[],
): Promise<readonly Pick<Task, "taskArn">[]> {
  try {
    const tasks = await findStartedTasks(deps, order);
    return tasks.filter(({ taskArn = "" }) => !known.includes(taskArn));
  } catch (error) {
    if (isDenial(error)) return [];
    throw error;
  }
}

async function sendRunTask({ ecs }: EcsDeps, order: TaskOrder, count: number): Promise<StartAnswer> {
  try {
    const { tasks = [], failures = [] } = await ecs.send(new RunTaskCommand(toRunTaskInput(order, count)));
    return { tasks, failures };
  } catch (error) {
    const adopted = findAdopted(error);
    if (adopted.length === 0) throw error;
    return { tasks: adopted.map((taskArn) => ({ taskArn })), failures: [] };
  }
}

/**
 * Returns the tasks that the client token has started with other parameters: `resourceIds` (RunTask API,
 * ConflictException).
 */
function findAdopted(error: unknown): readonly string[] {
  if (!(error instanceof Error) || error.name !== "ConflictException") return [];
  const ids: unknown = "resourceIds" in error ? error.resourceIds : [];
  return Array.isArray(ids) ? ids.filter((id): id is string => typeof id === "string" && id !== "") : [];
}

function toResult(order: TaskOrder, alreadyStarted: readonly string[], { tasks, failures }: StartAnswer): StartResult {
  const taskArns = [...new Set([...alreadyStarted, ...tasks.flatMap(({ taskArn }) => taskArn ?? [])])];
  const expected = expectedCountOf(order);
  if (failures.length === 0 && taskArns.length >= expected) return { kind: "started", taskArns };
  const reasons = failures.map(toReasonText);
  const message = toPlacementMessage({ placed: taskArns.length, expected }, reasons);
  // A try that is repeated after a crash returns the first one's tasks without reasons.
  const passes = failures.every(({ reason }) => isTransientReason(reason));
  const code = "ECS_PLACEMENT_FAILED";
  if (passes) return { kind: "retry", isSameTry: false, taskArns, reasons, code, message, passes: "capacity" };
  return { kind: "failed", taskArns, code, message, retryable: false };
}

/** Returns the result of an interrupted call, which may have succeeded; repeating it with the same token shows that. */
function toInterrupted(taskArns: readonly string[], what: string): StartResult {
  const message = `${what} was interrupted before its outcome was known.`;
  return { kind: "failed", taskArns, code: "ECS_AWS_ERROR", message, retryable: true };
}

function toErrorResult(error: unknown, taskArns: readonly string[], what: string): StartResult {
  const failure = toAwsFailure(error, what);
  const { message } = failure;
  const again = { kind: "retry", isSameTry: true, taskArns, reasons: [message], message } as const;
  const isCapacity = findAwsFault(error).throttled || isTransientReason(toLimitText(error));
  if (isCapacity) return { ...again, code: "ECS_PLACEMENT_FAILED", passes: "capacity" };
  if (isDenial(error) || isUnknownRole(toLimitText(error) ?? "")) {
    return { ...again, code: "ECS_AWS_ERROR", passes: "new-role" };
  }
  return { kind: "failed", taskArns, ...failure };
}

/** ECS reports limits, EC2's throttling and unknown roles by errors that it also uses for invalid requests. */
const REFUSALS = ["ClientException", "InvalidParameterException", "LimitExceededException"];

/** Returns the message of such an error. */
function toLimitText(error: unknown): string | undefined {
  return error instanceof Error && REFUSALS.includes(error.name) ? error.message : undefined;
}

/** The response of ECS to a try: tasks, and why some are missing. */
interface StartAnswer {
  readonly tasks: readonly Pick<Task, "taskArn">[];
  readonly failures: readonly Failure[];
}

/** ListTasks often shows within seconds what StartTask has started; ECS documents eventual consistency and no bound. */
const LOOK_EVERY_MS = 2_000;

/**
 * Starts one task on each container instance without one of this order. First waits up to a minute for tasks that an
 * interrupted call may have started.
 */
async function startOnInstances(
  deps: EcsDeps,
  order: TaskOrder,
  alreadyStarted: readonly string[],
): Promise<StartAnswer> {
  const { cluster, intendedAt } = order;
  const found = intendedAt === undefined ? [] : await awaitStarted(deps, order);
  const { tasks: known, missing } = await describeTasks(deps, { cluster, taskArns: alreadyStarted });
  // Their instances are unknown, and an instance must not get a second task.
  if (missing.length > 0) return { tasks: found, failures: missing.map(toNotShown) };
  const free = findFree(order.instances ?? [], uniqueTasks([...known, ...found]));
  if (free.length === 0) return { tasks: found, failures: [] };
  const answer = await sendStartTask(deps, toStartTaskInput(order, free));
  if (answer.kind === "answered") {
    const { tasks = [], failures = [] } = answer.output;
    return { tasks: [...found, ...tasks], failures };
  }
  const started = await awaitStarted(deps, order);
  const left = findFree(order.instances ?? [], uniqueTasks([...known, ...started]));
  if (started.length === 0) throw answer.error;
  return {
    tasks: started,
    failures: left.map((arn) => ({ arn, reason: "AGENT", detail: "StartTask's answer was lost" })),
  };
}

function toNotShown(arn: string): Failure {
  return { arn, reason: "AGENT", detail: "ECS does not show the task of an earlier try yet" };
}

/** Polls until every instance has its task, or until looks in a row did not show one that may have been started. */
async function awaitStarted(deps: EcsDeps, order: TaskOrder): Promise<readonly Task[]> {
  const { clock, signal } = deps;
  for (let absence: Absence | undefined; ; ) {
    const after = decideAbsence(absence, clock.now());
    const isLast = after.kind === "unknown";
    const tasks = await findUnlessBusy(deps, order, isLast);
    const isAll = tasks !== undefined && findFree(order.instances ?? [], tasks).length === 0;
    if (tasks !== undefined && (isAll || isLast)) return tasks;
    absence = after.absence;
    signal.throwIfAborted();
    await clock.sleep(Math.min(LOOK_EVERY_MS, after.afterMs), signal);
  }
}

/** Returns undefined if ECS cannot answer now: tasks that may run must not be abandoned. */
async function findUnlessBusy(deps: EcsDeps, order: TaskOrder, isLast: boolean): Promise<readonly Task[] | undefined> {
  try {
    return await findStartedTasks(deps, order);
  } catch (error) {
    if (isLast || toAnswer(error) !== "passing") throw error;
    return undefined;
  }
}

/** Returns the instances without a task. An instance that is listed twice gets two. */
function findFree(instances: readonly string[], tasks: readonly Task[]): readonly string[] {
  const taken = tasks.map(({ containerInstanceArn }) => toLastPart(containerInstanceArn));
  return instances.filter((instance) => {
    const at = taken.indexOf(toLastPart(instance));
    if (at === -1) return true;
    taken.splice(at, 1);
    return false;
  });
}

function uniqueTasks(tasks: readonly Task[]): readonly Task[] {
  return [...new Map(tasks.map((task) => [task.taskArn, task])).values()];
}

/** StartTask's answer; `unknown`: it may have started tasks or not. */
type StartTaskAnswer =
  | { readonly kind: "answered"; readonly output: StartTaskCommandOutput }
  | { readonly kind: "unknown"; readonly error: unknown };

/**
 * Sends StartTask so that it is executed at most once. The SDK retries calls with a lost response, and StartTask has no
 * client token; only rejected calls (throttling) are sent again. Throws permanent rejections.
 */
export async function sendStartTask(
  { ecs }: Pick<EcsDeps, "ecs">,
  input: StartTaskCommandInput,
): Promise<StartTaskAnswer> {
  const command = new StartTaskCommand(input);
  let lost: unknown;
  command.middlewareStack.add(
    (next) => async (args) => {
      if (lost !== undefined) throw new Error("StartTask is not repeated: its first answer was lost.", { cause: lost });
      try {
        return await next(args);
      } catch (error) {
        if (isUnknown(error)) lost = error;
        throw error;
      }
    },
    // After the SDK's retries, so that each try passes here.
    { step: "finalizeRequest", priority: "low", name: "startTaskOnce" },
  );
  try {
    return { kind: "answered", output: await ecs.send(command) };
  } catch (error) {
    if (lost === undefined && !isUnknown(error)) throw error;
    return { kind: "unknown", error: lost ?? error };
  }
}

function isUnknown(error: unknown): boolean {
  const { answer, throttled, code } = findAwsFault(error);
  // Without a status the connection has ended.
  return (answer === "passing" && !throttled) || code === "INTERNAL";
}
