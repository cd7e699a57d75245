import { listSecretRefs } from "../../machine/secrets.ts";
import type { Executor, ExecutorContext, Step } from "../../ports/executor.ts";
import { callExecutor, type Operation } from "./call-executor.ts";
import { toSecretsNeedStore } from "./resolve-secrets.ts";

/** The request that a state of a Step Functions execution sends. */
interface StepRequest {
  readonly op: Operation;
  readonly config: unknown;
  /** The progress that the previous step returned. */
  readonly progress?: unknown;
  /** Facts for the executor's context; the app's factory makes the context of them. */
  readonly ctx?: Readonly<Record<string, unknown>>;
}

/** Calls one executor without a yard: the execution that sends the requests is the store. */
export function createStepHandler(
  executor: Executor,
  createContext: (request: StepRequest) => ExecutorContext,
): (request: StepRequest) => Promise<Step> {
  return async (request) => {
    // Sensitive values are in a yard's store, and an execution has no store.
    const refs = listSecretRefs(request.config);
    if (refs.length > 0) return toSecretsNeedStore(refs);
    const kept = request.progress === undefined ? undefined : { progress: request.progress, cancelBegun: false };
    return callExecutor(executor, createContext(request), { operation: request.op, config: request.config, kept });
  };
}
