import { createLeases } from "../engine/built-in-ports.ts";
import { StackyardError } from "../errors/stackyard-error.ts";
import { idempotencyKeyOf } from "../machine/event-message.ts";
import { createMemoryRecords } from "../memory/memory-records.ts";
import type { ExecutorContext } from "../ports/executor.ts";
import { silentLogger } from "../ports/logger.ts";
import { createFakeClock, type FakeClock } from "./fake-clock.ts";

/** A context whose time a test moves, and which keeps what the executor reports. */
export interface TestExecutorContext extends ExecutorContext {
  readonly clock: FakeClock;
  /** The lines that were reported, oldest first. */
  readonly reports: readonly string[];
}

/** What a test may set; the idempotency key follows from the ids unless it is given. */
export type TestContextInput = Partial<Omit<TestExecutorContext, "reports" | "report">>;

const HOUR_MS = 60 * 60 * 1000;

/** A context for one attempt of the task `work` of the stack `s1`, with records and leases in memory and no AWS. */
export function createExecutorContext(input: TestContextInput = {}): TestExecutorContext {
  const clock = input.clock ?? createFakeClock();
  const records = input.records ?? createMemoryRecords();
  const { stackId = "s1", task = "work", attempt = { id: "a1", number: 1, token: 1 } } = input;
  const reports: string[] = [];
  return {
    stackId,
    machine: "web",
    task,
    attempt,
    metadata: {},
    state: "UP",
    previousState: "INIT",
    idempotencyKey: idempotencyKeyOf({ stackId, life: "created", entry: 1, task, attempt: attempt.number }),
    signal: new AbortController().signal,
    cancelling: false,
    deadlineAt: clock.now() + HOUR_MS,
    logger: silentLogger,
    clock,
    records,
    leases: createLeases(records, { clock }),
    service: () => undefined,
    aws: () => refuseAws(),
    credentials: async () => refuseAws(),
    ...input,
    reports,
    report: (line) => {
      reports.push(line);
    },
  };
}

function refuseAws(): never {
  throw new StackyardError(
    "CONFIG_INVALID",
    "This test has no AWS. Give `aws` or `credentials` to createExecutorContext.",
  );
}
