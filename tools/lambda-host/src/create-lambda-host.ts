import type { SQSClient } from "@aws-sdk/client-sqs";
import type { Clock } from "@stackyard/core";
import { type EventSource, type EventSourceInput, startEventSource } from "./event-source.ts";
import { findEventSourceFault, findFunctionFault } from "./find-fault.ts";
import { type FunctionInput, type Invocation, LAMBDA_LIMITS } from "./function-input.ts";
import { createFunctionPool, type FunctionPool } from "./function-pool.ts";
import { createQueueCalls, type MessageCounts } from "./queue-calls.ts";

/** Lambda in this process: functions, event source mappings and schedules. */
export interface LambdaHost {
  addFunction(input: FunctionInput): void;
  /** Creates an event source mapping. Throws what `CreateEventSourceMapping` refuses. */
  connect(input: EventSourceInput): Promise<EventSource>;
  /**
   * Implements `Invoke` with `RequestResponse`. Throws when the function is throttled or the event is larger than 6 MB.
   */
  invoke(functionName: string, event: unknown): Promise<Invocation>;
  /** Runs a schedule now. Returns undefined when the host has stopped meanwhile. */
  tick(functionName: string): Promise<Invocation | undefined>;
  /** Runs a schedule at each full minute of the clock. */
  everyMinute(functionName: string): void;
  /** All invocations that have ended, in that order. */
  readonly invocations: readonly Invocation[];
  /** Resolves once this holds; asked now and after each batch and invocation. */
  until(holds: () => boolean | Promise<boolean>): Promise<void>;
  /** Resolves when nothing runs and no connected queue has a message that is visible. Hidden ones and delayed ones may be left. */
  idle(): Promise<void>;
  /** Receives and begins nothing more, and cuts off what is under way. */
  stop(): void;
}

/** What a host needs. `clock`: of timeouts, visibility and schedules. */
interface LambdaHostOptions {
  readonly sqs: SQSClient;
  readonly clock: Clock;
  /** Counts the messages of a queue of an emulator in this process, so that `idle` needs no requests. Default: asks the service. */
  readonly countMessages?: (queueUrl: string) => Promise<MessageCounts>;
}

interface Connected {
  readonly source: EventSource;
  count(): Promise<MessageCounts>;
}

const MINUTE_MS = 60_000;

/** Creates a host without functions. */
export function createLambdaHost({ sqs, clock, countMessages }: LambdaHostOptions): LambdaHost {
  const pools = new Map<string, FunctionPool>();
  const sources: Connected[] = [];
  const invocations: Invocation[] = [];
  const stopped = new AbortController();
  const changes = createChanges();

  function note<Ended extends Invocation | undefined>(invocation: Ended): Ended {
    if (invocation !== undefined) invocations.push(invocation);
    changes.tell();
    return invocation;
  }

  async function invoke(functionName: string, event: unknown): Promise<Invocation> {
    if (Buffer.byteLength(JSON.stringify(event)) > LAMBDA_LIMITS.maxPayloadBytes) {
      throw new Error("RequestTooLargeException: Request must be smaller than 6291456 bytes.");
    }
    const invocation = await poolOf(pools, functionName).call(event);
    if (invocation === undefined) throw new Error("TooManyRequestsException: Rate Exceeded.");
    return note(invocation);
  }

  /** Schedules call asynchronously ("Asynchronous invocation"): what is throttled waits for its turn. */
  async function tick(functionName: string): Promise<Invocation | undefined> {
    const event = toScheduleEvent(clock.now());
    return note(await poolOf(pools, functionName).callWhenFree(event, stopped.signal));
  }

  return {
    invocations,
    invoke,
    tick,
    addFunction(input) {
      const fault = findFunctionFault(input);
      if (fault !== undefined) throw new Error(fault);
      pools.set(input.name, createFunctionPool(input, { clock }));
    },
    async connect(input) {
      const pool = poolOf(pools, input.functionName);
      const queue = createQueueCalls(sqs, input.queueUrl);
      const { arn, visibilityMs } = await queue.loadAttributes();
      const fault = findEventSourceFault(input, { visibilityMs, timeoutMs: pool.input.timeoutMs });
      if (fault !== undefined) throw new Error(fault);
      const source = startEventSource(input, { queue, queueArn: arn, visibilityMs, pool, clock, onChange: note });
      sources.push({ source, count: () => countMessages?.(input.queueUrl) ?? queue.loadAttributes() });
      return source;
    },
    everyMinute(functionName) {
      // A failed call is not tried again here: the next minute comes anyway.
      void runSchedule({ clock, stopped: stopped.signal }, () => void tick(functionName).catch(() => changes.tell()));
    },
    until: (holds) => waitUntil(holds, changes),
    idle: () => waitUntilIdle([...pools.values()], sources, changes),
    stop() {
      stopped.abort();
      for (const pool of pools.values()) pool.stop();
      for (const { source } of sources) source.stop();
    },
  };
}

async function waitUntil(holds: () => boolean | Promise<boolean>, changes: Changes): Promise<void> {
  for (;;) {
    const seen = changes.count();
    if (await holds()) return;
    // What has happened while it was asked would else be waited for without end.
    if (changes.count() === seen) await changes.next();
  }
}

async function runSchedule(
  { clock, stopped }: { readonly clock: Clock; readonly stopped: AbortSignal },
  run: () => void,
): Promise<void> {
  while (!stopped.aborted) {
    await clock.sleep(MINUTE_MS - (clock.now() % MINUTE_MS), stopped);
    if (!stopped.aborted) run();
  }
}

function poolOf(pools: ReadonlyMap<string, FunctionPool>, name: string): FunctionPool {
  const pool = pools.get(name);
  if (pool === undefined) throw new Error(`ResourceNotFoundException: Function not found: ${name}`);
  return pool;
}

async function waitUntilIdle(
  pools: readonly FunctionPool[],
  sources: readonly Connected[],
  changes: Changes,
): Promise<void> {
  const isBusy = () => pools.some(({ running }) => running > 0) || sources.some(({ source }) => source.busy > 0);
  for (;;) {
    const seen = changes.count();
    const queues = await Promise.all(sources.map(({ count }) => count()));
    // A message that is hidden and not known here is on its way into a batch.
    const isCalm = queues.every(({ visible, hidden }, index) => {
      return visible === 0 && hidden <= (sources[index]?.source.waiting ?? 0);
    });
    if (isCalm && !isBusy() && changes.count() === seen) return;
    await (isBusy() ? changes.next() : new Promise((resolve) => setTimeout(resolve, 5)));
  }
}

interface Changes {
  tell(): void;
  count(): number;
  next(): Promise<void>;
}

function createChanges(): Changes {
  let count = 0;
  let waiting: (() => void)[] = [];
  return {
    count: () => count,
    tell() {
      count += 1;
      const woken = waiting;
      waiting = [];
      for (const wake of woken) wake();
    },
    next: () => new Promise((resolve) => waiting.push(resolve)),
  };
}

/** Returns the event of a rule with a schedule. Source: "Amazon EventBridge User Guide", events of scheduled rules. */
function toScheduleEvent(now: number): Readonly<Record<string, unknown>> {
  return {
    version: "0",
    id: `00000000-0000-4000-8000-${String(now).padStart(12, "0").slice(-12)}`,
    "detail-type": "Scheduled Event",
    source: "aws.events",
    account: "000000000000",
    region: "eu-west-1",
    time: new Date(now).toISOString().replace(/\.\d+Z$/, "Z"),
    resources: ["arn:aws:events:eu-west-1:000000000000:rule/each-minute"],
    detail: {},
  };
}
