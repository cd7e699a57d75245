import { findFaults } from "../engine/call-executor.ts";
import { StackyardError } from "../errors/stackyard-error.ts";
import type { ExecutorDefinition, ExecutorRegistry } from "../machine/executor-definition.ts";

/** What a request must be right in. */
export interface RequestedRun {
  readonly key?: string;
  readonly executor: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly target?: Readonly<Record<string, unknown>>;
  readonly timeoutMs?: number;
}

/**
 * The request with its executor. Throws `EXECUTOR_UNKNOWN`, which lists those that are known, and `CONFIG_INVALID`: else
 * somebody would find out only when the work begins.
 */
export function checkRunRequest<Request extends RequestedRun>(
  executors: ExecutorRegistry,
  request: Request,
): Omit<Request, "executor"> & { readonly executor: ExecutorDefinition } {
  const executor = executors.get(request.executor);
  if (executor === undefined) {
    const known = [...executors.keys()].sort().join(", ") || "none";
    const reason = `There is no executor "${request.executor}". Known: ${known}.`;
    throw new StackyardError("EXECUTOR_UNKNOWN", reason);
  }
  const faults = [
    findKeyFault(request.key),
    findConfigFault(executor, request.config),
    findTargetFault(request.target),
  ].filter((fault) => fault !== undefined);
  if (faults.length === 0) return { ...request, executor };
  throw new StackyardError("CONFIG_INVALID", `A run of "${executor.name}" cannot be started: ${faults.join("; ")}.`);
}

function findConfigFault({ config: schema }: ExecutorDefinition, config: unknown): string | undefined {
  const faults = findFaults(schema, config);
  return faults === undefined ? undefined : `config: ${faults}`;
}

const MAX_KEY = 255;

function findKeyFault(key: string | undefined): string | undefined {
  if (key === undefined) return undefined;
  const fits = key !== "" && key.length <= MAX_KEY && key.isWellFormed() && !/\p{Cc}/u.test(key);
  return fits ? undefined : `the key needs 1 to ${MAX_KEY} characters without control characters`;
}

/** A target that leaves something out would let the work be done in the runner's own account. */
function findTargetFault(target: Readonly<Record<string, unknown>> | undefined): string | undefined {
  if (target === undefined) return undefined;
  const { account, region } = target;
  const isWhole = typeof account === "string" && account !== "" && typeof region === "string" && region !== "";
  return isWhole ? undefined : "the target needs an account and a region; leave it out to work in the runner's own";
}
