import { toErrorText } from "../../errors/stackyard-error.ts";
import { listSecretRefs } from "../../machine/secrets.ts";
import type { TaskMessage } from "../../machine/task-message.ts";
import { type Executor, type Failed, failed } from "../../ports/executor.ts";
import { findFaults } from "../attempts/check-step.ts";
import { findTarget, findTargetFault } from "../attempts/find-target.ts";
import { resolveSecrets } from "../attempts/resolve-secrets.ts";

/** The exclusive keys of an attempt. */
interface ExclusiveKeys {
  readonly exclusiveKeys: readonly string[];
  /** Set when a key cannot be determined. The work must not begin without it. */
  readonly fault?: Failed;
}

/** Returns the executor's own key and the task's explicit one. */
export function findExclusiveKeys(executor: Executor | undefined, message: TaskMessage): ExclusiveKeys {
  const fault = findTargetFault(message);
  if (fault !== undefined) return { exclusiveKeys: [], fault };
  const { exclusiveKey } = message.dispatch;
  const explicit = exclusiveKey === undefined ? [] : [`key:${exclusiveKey}`];
  try {
    const own = findOwnKey(executor, message);
    return { exclusiveKeys: own === undefined ? explicit : [own, ...explicit] };
  } catch (error) {
    const reason = `The executor "${executor?.name}" could not name its exclusive key: ${toErrorText(error)}`;
    return { exclusiveKeys: [], fault: failed({ code: "PLUGIN_INVALID", message: reason, retryable: false }) };
  }
}

/** Returns undefined for an invalid config: its attempt fails before it does anything. */
function findOwnKey(executor: Executor | undefined, message: TaskMessage): string | undefined {
  if (executor?.exclusiveKey === undefined) return undefined;
  const { stack, task, dispatch } = message;
  const refs = dispatch.version === 2 ? listSecretRefs(task["config"]) : [];
  const config = refs.length === 0 ? (task["config"] ?? {}) : toNamedConfig(message, refs);
  // Names of secrets match no schema of numbers or patterns; such a config was checked when it was resolved.
  if (refs.length === 0 && findFaults(executor.config, config) !== undefined) return undefined;
  const target = findTarget(message);
  const subject = { stackId: stack.id, machine: stack.machine, task: task.name, ...(target && { target }) };
  const key = executor.exclusiveKey(subject, config as never);
  return key === undefined ? undefined : `${executor.name}:${key}`;
}

/**
 * Returns the config that keys are derived from. That happens before the claim returns the values of secrets, so
 * references replace the secrets here.
 */
function toNamedConfig(message: TaskMessage, refs: readonly string[]): unknown {
  const names = Object.fromEntries(refs.map((ref) => [ref, ref]));
  return resolveSecrets(message, names).message.task["config"] ?? {};
}
