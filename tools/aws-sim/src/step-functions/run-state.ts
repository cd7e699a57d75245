import type { Clock } from "@stackyard/core";
import type { Retrier, State } from "./to-local-definition.ts";

/** What a state's work needs. */
export interface StateDeps {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Calls a function; what it throws is told by its error's name. */
  readonly invoke: (functionName: string, payload: unknown) => Promise<unknown>;
}

/** The work of a task or a wait. A handler is for one execution: it remembers how often the state has failed. */
export function createStateHandler(state: State, deps: StateDeps): (input: unknown) => Promise<unknown> {
  const attempts = new Map<Retrier, number>();
  let pauseMs = 0;
  return async (input) => {
    if (state.Type === "Wait") return wait(state, input, deps);
    await deps.clock.sleep(pauseMs, deps.signal);
    pauseMs = 0;
    try {
      const output = await withTimeout(state, deps, () => runTask(state, input, deps));
      attempts.clear();
      return output;
    } catch (error) {
      pauseMs = toPause(state, attempts, error);
      throw error;
    }
  };
}

const INVOKE = "arn:aws:states:::lambda:invoke";

/** A function by its ARN, or through the service integration ("Invoke a Lambda function with Step Functions"). */
async function runTask({ Resource = "" }: State, input: unknown, { invoke }: StateDeps): Promise<unknown> {
  if (Resource !== INVOKE) return invoke(Resource, input);
  const { FunctionName, Payload } = Object(input);
  return { ExecutedVersion: "$LATEST", StatusCode: 200, Payload: await invoke(FunctionName, Payload) };
}

async function wait(state: State, input: unknown, { clock, signal }: StateDeps): Promise<null> {
  const { Seconds, SecondsPath, Timestamp, TimestampPath } = state;
  const until: unknown = Timestamp ?? (TimestampPath === undefined ? undefined : readPath(input, TimestampPath));
  const seconds = Seconds ?? (SecondsPath === undefined ? 0 : Number(readPath(input, SecondsPath)));
  await clock.sleep(until === undefined ? seconds * 1_000 : Date.parse(String(until)) - clock.now(), signal);
  return null;
}

/** `TimeoutSeconds` of a task: 60 s or whatever it says; without it there is none that a test would live to see. */
async function withTimeout<T>(
  { TimeoutSeconds }: State,
  { clock, signal }: StateDeps,
  work: () => Promise<T>,
): Promise<T> {
  if (TimeoutSeconds === undefined) return work();
  const done = new AbortController();
  const late = clock.sleep(TimeoutSeconds * 1_000, AbortSignal.any([signal, done.signal])).then(() => {
    throw Object.assign(new Error("The task ran out of time."), { name: "States.Timeout" });
  });
  try {
    return await Promise.race([work(), late]);
  } finally {
    late.catch(() => undefined);
    done.abort();
  }
}

/** "Retrying after an error": IntervalSeconds 1, MaxAttempts 3 and BackoffRate 2 where nothing is said. */
function toPause({ Retry = [] }: State, attempts: Map<Retrier, number>, error: unknown): number {
  const name = error instanceof Error ? error.name : "Error";
  const retrier = Retry.find(({ ErrorEquals }) => ErrorEquals.some((each) => matches(each, name)));
  if (retrier === undefined) return 0;
  const { IntervalSeconds = 1, MaxAttempts = 3, BackoffRate = 2, MaxDelaySeconds = Number.POSITIVE_INFINITY } = retrier;
  const attempt = attempts.get(retrier) ?? 0;
  attempts.set(retrier, attempt + 1);
  if (attempt < MaxAttempts) return Math.min(IntervalSeconds * BackoffRate ** attempt, MaxDelaySeconds) * 1_000;
  attempts.clear();
  return 0;
}

function matches(pattern: string, name: string): boolean {
  return pattern === "States.ALL" || pattern === name || (pattern === "States.TaskFailed" && name !== "States.Timeout");
}

/** Paths of names only, such as `$.progress.seconds`. */
function readPath(input: unknown, path: string): unknown {
  return path
    .split(".")
    .slice(1)
    .reduce((value: unknown, name) => Object(value)[name], input);
}
