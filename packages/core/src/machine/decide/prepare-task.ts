import type { Evaluated, ExpressionScope } from "../expression/expression.ts";
import { isMap } from "../json.ts";
import { ACCOUNT, type Machine, type Task } from "../machine.ts";
import { exceedsBytes } from "./metadata.ts";
import { type ScopeInput, toFindSecret, toScope } from "./to-scope.ts";

/** The maximum size of a config with its expressions resolved: bytes of its JSON form in UTF-8. */
const MAX_CONFIG_BYTES = 262_144;

/** A longer key is a mistake; stores keep keys in an index. */
const MAX_KEY_CHARACTERS = 1_024;

/** All that an attempt is sent with, resolved. */
export interface PreparedTask {
  readonly kind: "prepared";
  readonly task: Task;
  /** As in the machine, with the config and the target resolved. */
  readonly definition: Readonly<Record<string, unknown>>;
  readonly timeoutMs: number;
  readonly exclusiveKey?: string;
}

/** Why a task cannot be sent: it fails with this code. */
export interface PrepareFault {
  readonly kind: "fault";
  readonly code: "EXPRESSION_FAILED" | "CONFIG_INVALID" | "APPROVAL_STALE" | "APPROVAL_MISSING";
  readonly message: string;
}

/** Resolves the config and target of a task. Without expressions it creates no scope. */
export function prepareTask(input: ScopeInput, task: Task): PreparedTask | PrepareFault {
  const { definition, timeoutMs } = task;
  if (!task.dynamicConfig && task.target === undefined && !task.exclusive) {
    return { kind: "prepared", task, definition, timeoutMs };
  }
  const scope = toScope(input, { tasks: true });
  const config = resolveConfig(input, task, scope);
  if (config.kind === "fault") return config;
  const target = resolveTarget(input.machine, task, scope);
  if (target.kind === "fault") return target;
  const key = resolveKey(task, scope);
  if (key.kind === "fault") return key;
  return {
    kind: "prepared",
    task,
    definition: { ...definition, ...config.part, ...target.part },
    timeoutMs: config.timeoutMs ?? timeoutMs,
    ...key.part,
  };
}

interface Part {
  readonly kind: "part";
  readonly part: Readonly<Record<string, unknown>>;
  readonly timeoutMs?: number | undefined;
}

const NOTHING: Part = { kind: "part", part: {} };

function resolveConfig({ stack }: ScopeInput, { dynamicConfig }: Task, scope: ExpressionScope): Part | PrepareFault {
  if (dynamicConfig === undefined) return NOTHING;
  const config = toValue(dynamicConfig.template.resolve(scope, toFindSecret(stack)), "The config");
  if (config.kind === "fault") return config;
  const { value } = config;
  if (exceedsBytes(value, MAX_CONFIG_BYTES)) {
    return toFault("CONFIG_INVALID", `The config would be larger than ${MAX_CONFIG_BYTES} bytes.`);
  }
  const fault = dynamicConfig.findFault(value);
  if (fault !== undefined) return toFault("CONFIG_INVALID", fault);
  return { kind: "part", part: { config: value }, timeoutMs: dynamicConfig.findTimeoutMs(value) };
}

function resolveTarget(machine: Machine, { target: name }: Task, scope: ExpressionScope): Part | PrepareFault {
  if (name === undefined) return NOTHING;
  const what = `The target "${name}"`;
  const template = machine.targets.get(name);
  if (template === undefined) return toFault("EXPRESSION_FAILED", `${what} is not in the machine.`);
  // Sensitive values are not in the scope, so that an address cannot contain any.
  const target = toValue(
    template.resolve(scope, () => undefined),
    what,
  );
  if (target.kind === "fault") return target;
  const fault = findTargetFault(target.value);
  if (fault !== undefined) return toFault("EXPRESSION_FAILED", `${what} failed: ${fault}`);
  return { kind: "part", part: { target: target.value } };
}

function findTargetFault(target: unknown): string | undefined {
  if (!isMap(target)) return "it is not a map.";
  const wrong = Object.entries(target).find(([, value]) => typeof value !== "string" || value === "");
  if (wrong !== undefined) return `"${wrong[0]}" must be a text that is not empty.`;
  const { account } = target;
  const isAccount = account === undefined || new RegExp(ACCOUNT).test(String(account));
  return isAccount ? undefined : '"account" must have twelve digits.';
}

function resolveKey(
  { exclusive }: Task,
  scope: ExpressionScope,
): { readonly kind: "part"; readonly part: { readonly exclusiveKey?: string } } | PrepareFault {
  if (exclusive === undefined) return { kind: "part", part: {} };
  const what = `The exclusive key ${JSON.stringify(exclusive.source)}`;
  const result = toValue(exclusive.evaluate(scope), what);
  if (result.kind === "fault") return result;
  const { value } = result;
  if (value === null || value === "") return { kind: "part", part: {} };
  if (!["string", "number", "boolean"].includes(typeof value)) {
    return toFault("EXPRESSION_FAILED", `${what} failed: the result is not a string, number or boolean.`);
  }
  const exclusiveKey = String(value);
  if (exclusiveKey.length <= MAX_KEY_CHARACTERS) return { kind: "part", part: { exclusiveKey } };
  return toFault("EXPRESSION_FAILED", `${what} failed: it has more than ${MAX_KEY_CHARACTERS} characters.`);
}

function toValue(result: Evaluated, what: string): { readonly kind: "value"; readonly value: unknown } | PrepareFault {
  return result.kind === "value" ? result : toFault("EXPRESSION_FAILED", `${what} failed: ${result.reason}`);
}

function toFault(code: PrepareFault["code"], message: string): PrepareFault {
  return { kind: "fault", code, message };
}
