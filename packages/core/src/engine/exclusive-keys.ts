import { toErrorText } from "../errors/error-text.ts";
import type { TaskMessage } from "../machine/message/task-message.ts";
import { listSecretRefs } from "../machine/secrets.ts";
import type { Executor, Failed } from "../ports/executor.ts";
import { failed } from "../ports/steps.ts";
import { findFaults } from "./check-value.ts";
import { resolveSecrets } from "./resolve-secrets.ts";
import { findTarget, findTargetFault } from "./task-target.ts";

/** What an attempt must hold alone. */
export interface ExclusiveKeys {
  readonly exclusiveKeys: readonly string[];
  /** Without the key that it asks for, the work must not begin. */
  readonly fault?: Failed;
}

/** The executor's own key, and the task's explicit one. */
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

/** A config that does not fit has none: its attempt fails before it does anything. */
function findOwnKey(executor: Executor | undefined, message: TaskMessage): string | undefined {
  if (executor?.exclusiveKey === undefined) return undefined;
  const { stack, task, dispatch } = message;
  const refs = dispatch.version === 2 ? listSecretRefs(task["config"]) : [];
  const config = refs.length === 0 ? (task["config"] ?? {}) : toNamedConfig(message, refs);
  // Names of secrets fit no schema of numbers or patterns; such a config was checked when it was resolved.
  if (refs.length === 0 && findFaults(executor.config, config) !== undefined) return undefined;
  const target = findTarget(message);
  const subject = { stackId: stack.id, machine: stack.machine, task: task.name, ...(target && { target }) };
  const key = executor.exclusiveKey(subject, config as never);
  return key === undefined ? undefined : `${executor.name}:${key}`;
}

/** Keys are named before the claim gives the values of secrets, so that there a secret's reference stands for it. */
function toNamedConfig(message: TaskMessage, refs: readonly string[]): unknown {
  const names = Object.fromEntries(refs.map((ref) => [ref, ref]));
  return resolveSecrets(message, names).message.task["config"] ?? {};
}
