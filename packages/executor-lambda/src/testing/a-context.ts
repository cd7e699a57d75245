import { type ExecutorContext, silentLogger } from "@stackyard/core";

/** Returns a context with the fields that this package uses, and the reported lines. */
export function aContext(
  given: Partial<ExecutorContext> = {},
): ExecutorContext & { readonly lines: readonly string[] } {
  const lines: string[] = [];
  return {
    stackId: "pr-12",
    machine: "review-app",
    task: "db",
    attempt: { id: "pr-12/0/1/db/1", number: 1, token: 1 },
    metadata: { sha: "9f1c" },
    state: "BUILD",
    previousState: "INIT",
    idempotencyKey: "0123456789abcdef0123456789abcdef",
    signal: new AbortController().signal,
    cancelling: false,
    deadlineAt: Date.now() + 60_000,
    logger: silentLogger,
    report: (line) => lines.push(line),
    clock: { now: () => Date.now(), sleep: async () => {} },
    records: undefined as never,
    leases: undefined as never,
    service: () => undefined,
    aws: () => {
      throw new Error("This test has no AWS.");
    },
    credentials: async () => ({ accessKeyId: "AKIATEST", secretAccessKey: "secret" }),
    lines,
    ...given,
  };
}
