import { readEnvironment } from "@stackyard/core/environment";
import { type Finding, fail, ok, warn } from "@stackyard/sdk/commands";
import { isSet, Variables } from "../environment.ts";
import type { ExecutorDefinitions } from "../executor-definitions.ts";
import type { FunctionFacts } from "./check-functions.ts";
import { onlyOnce, type VariableName } from "./evaluate-settings.ts";

/** The facts by which runners are evaluated. */
interface RunnersInput {
  readonly functions: readonly FunctionFacts[];
  readonly executors: ExecutorDefinitions;
  /** Executors that the yard's machines name. */
  readonly used: ReadonlySet<string>;
  /** The yard has a separate queue for tasks that exceed the timeout of a function. */
  readonly hasLongQueue: boolean;
}

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
