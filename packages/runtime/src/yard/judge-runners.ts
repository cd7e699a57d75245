import type { ExecutorDefinitions } from "../executor-definitions.ts";
import { type Finding, fail, ok, warn } from "./finding.ts";
import { onlyOnce } from "./judge-settings.ts";
import type { FunctionFacts } from "./load-functions.ts";

/** What runners are judged by. */
export interface RunnersInput {
  readonly functions: readonly FunctionFacts[];
  readonly executors: ExecutorDefinitions;
  /** Executors that the yard's machines name. */
  readonly used: ReadonlySet<string>;
  /** The yard has a queue of its own for what does not fit a function's time. */
  readonly hasLongQueue: boolean;
}

/** Each names a store; the runner reads them. */
const STORE_VARIABLES = ["DYNAMODB_TABLE", "POSTGRES_CONNECTION_SECRET", "DATABASE_URL"] as const;

/** Of which kind each runner is, whether the state manager believes the same, and who meets tasks that it cannot end. */
export function judgeRunners(input: RunnersInput): readonly Finding[] {
  const runners = onlyOnce(input.functions.filter(({ queue }) => queue === "tasks" || queue === "longTasks"));
  const managers = onlyOnce(input.functions.filter(({ queue }) => queue === "events"));
  return [
    ...runners.map(tellKind),
    ...managers.flatMap((manager) => judgeBelief(manager, runners)),
    ...judgeLongTasks(input),
  ];
}

function hasStore({ variables }: FunctionFacts): boolean {
  return STORE_VARIABLES.some((name) => (variables?.[name] ?? "") !== "");
}

function tellKind(runner: FunctionFacts): Finding {
  const { name } = runner;
  if (hasStore(runner)) return ok("runner", `${name} has the store: attempts have leases, and cancels reach them.`);
  const lacks = "it knows no cancels, exclusive keys or suspension, and a message that comes twice may run twice";
  return ok("runner", `${name} works by message alone: ${lacks}.`);
}

function judgeBelief({ name, variables }: FunctionFacts, runners: readonly FunctionFacts[]): readonly Finding[] {
  const without = runners.filter((runner) => !hasStore(runner)).map((runner) => runner.name);
  const believes = variables?.["RUNNERS_HAVE_STORE"] === "true";
  if (believes && without.length > 0) {
    const message = `${name}: RUNNERS_HAVE_STORE is true, but ${without.join(", ")} has none: its tasks are taken for lost.`;
    return [fail("runner", message, "Give the runner the variables of the store, or set RUNNERS_HAVE_STORE=false.")];
  }
  if (believes || runners.length === 0 || without.length > 0) return [];
  const message = `${name}: every function that runs tasks has the store, and RUNNERS_HAVE_STORE is not true.`;
  return [warn("runner", message, "Set it, if containers have the store too: exclusive keys and cancels then hold.")];
}

/** A function is ended after 15 minutes at most, and what cannot be taken up again is then lost. */
function judgeLongTasks({ functions, executors, used, hasLongQueue }: RunnersInput): readonly Finding[] {
  const runners = onlyOnce(functions.filter(({ queue }) => queue === "tasks"));
  const long = [...used].filter((name) => executors.get(name)?.resumable === false).sort();
  if (hasLongQueue || long.length === 0) return [];
  return runners.map(({ name, timeoutMs }) => {
    const message = `${name}: tasks of ${long.join(", ")} cannot be taken up again, and the function is ended after ${timeoutMs / 60_000} min.`;
    const hint =
      "Run a container on a queue of its own, and name that as SQS_LONG_TASK_QUEUE_URL and `longTaskQueueUrl`.";
    return warn("runner", message, hint);
  });
}
