import type { TSchema } from "typebox";
import { Compile, type Validator } from "typebox/compile";
import { describeValue } from "../../errors/stackyard-error.ts";
import { findJsonFault, findRoundedFault, toPlainJson } from "../../machine/json.ts";
import { type Executor, type Failed, failed, type Running, type Step, type Succeeded } from "../../ports/executor.ts";

/**
 * Validates an executor's result, which may come from a plugin in plain JavaScript. An invalid one becomes a failed
 * step. What it returns is plain JSON, and the same whether it passes through a queue or stays in this process.
 */
export function checkStep(executor: Executor, answer: unknown): Step {
  if (typeof answer !== "object" || answer === null || !("kind" in answer)) return notAStep(executor, answer);
  // The kind claims one of three types; each part is checked before it is used.
  const step = answer as Step;
  switch (step.kind) {
    case "running":
      return checkRunning(executor, step);
    case "succeeded":
      return checkSucceeded(executor, step);
    case "failed":
      return checkFailed(executor, step);
    default:
      return notAStep(executor, answer);
  }
}

function checkRunning(executor: Executor, step: Running): Step {
  const { name, progress: schema } = executor;
  const { opensAt, heldBy, progress, pollAfterMs, ...rest } = step;
  if (!isLength(pollAfterMs)) {
    return invalidPlugin(
      `"${name}" answered running with pollAfterMs ${describeValue(pollAfterMs)}; give milliseconds.`,
    );
  }
  // Only the executor itself reads its progress, so rounded numbers are its own matter.
  const fault = findValueFault(schema, progress, findJsonFault);
  if (fault !== undefined) return invalidPlugin(`The progress of "${name}" ${fault}.`);
  const message = typeof step.message === "string" ? step.message : "";
  const known = { ...(isInstant(opensAt) && { opensAt }), ...(isCode(heldBy) && { heldBy }) };
  return { ...rest, ...known, pollAfterMs, progress: toPlainJson(progress), message };
}

function checkSucceeded({ name, outputs: schema }: Executor, step: Succeeded): Step {
  const fault = findValueFault(schema, step.outputs);
  if (fault !== undefined) return invalidOutput(`The outputs of "${name}" ${fault}.`);
  const { sensitive, followUp, ...rest } = step;
  const checked = { ...rest, outputs: toPlainJson(step.outputs) };
  if (rest.shortfall !== undefined && !isShortfall(rest.shortfall)) {
    return invalidOutput(`"${name}" answered succeeded with a shortfall without a code and a message.`);
  }
  if (sensitive !== undefined && !isListOfNames(sensitive)) {
    return invalidOutput(`"${name}" answered succeeded with sensitive ${describeValue(sensitive)}; give names.`);
  }
  const named = sensitive === undefined ? checked : { ...checked, sensitive };
  if (followUp === undefined) return named;
  // Null comes from plugins in plain JavaScript.
  const { inMs, config }: { inMs?: unknown; config?: unknown } = (followUp as typeof followUp | null) ?? {};
  if (!isLength(inMs)) {
    return invalidOutput(`The follow-up of "${name}" is in ${describeValue(inMs)}; give milliseconds.`);
  }
  const unread = findValueFault(undefined, config);
  if (unread !== undefined) return invalidOutput(`The config of the follow-up of "${name}" ${unread}.`);
  return { ...named, followUp };
}

function isShortfall(value: unknown): value is NonNullable<Succeeded["shortfall"]> {
  if (typeof value !== "object" || value === null || !("code" in value) || !("message" in value)) return false;
  return typeof value.code === "string" && typeof value.message === "string";
}

/** A failure stays what it is: it loses only outputs that cannot be stored, and says so. */
function checkFailed({ name }: Executor, step: Failed): Step {
  if (typeof step.code !== "string" || typeof step.message !== "string") {
    return invalidPlugin(`"${name}" answered failed without a code and a message.`);
  }
  const { outputs, ...rest } = step;
  if (outputs === undefined) return rest;
  const fault = findValueFault(undefined, outputs);
  if (fault === undefined) return { ...rest, outputs: toPlainJson(outputs) };
  return { ...rest, message: `${step.message} (The outputs were left out: they ${fault}.)` };
}

function notAStep({ name }: Executor, answer: unknown): Step {
  const what = answer === undefined ? "nothing" : typeof answer === "object" ? "an object of no known kind" : "no step";
  return invalidPlugin(`"${name}" answered ${what}. Answer with running(), succeeded() or failed().`);
}

function invalidPlugin(message: string): Step {
  return failed({ code: "PLUGIN_INVALID", message, retryable: false });
}

function invalidOutput(message: string): Step {
  return failed({ code: "OUTPUT_INVALID", message, retryable: false });
}

function isLength(value: unknown): boolean {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}

/** Returns true for a time that can be stored and shown. It is only shown, so another one is left out. */
function isInstant(value: unknown): value is number {
  return Number.isInteger(value) && !Number.isNaN(new Date(Number(value)).getTime());
}

const CODE = /^[A-Z][A-Z0-9_]{0,63}$/;

function isCode(value: unknown): value is string {
  return typeof value === "string" && CODE.test(value);
}

function isListOfNames(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((name) => typeof name === "string");
}

/** Returns why a value cannot leave its executor: its schema or the door of events would refuse it. */
function findValueFault(schema: TSchema | undefined, value: unknown, find = findKeptFault): string | undefined {
  const faults = findFaults(schema, value);
  if (faults !== undefined) return `do not fit its schema: ${faults}`;
  const fault = find(value);
  return fault === undefined ? undefined : `are not plain JSON: ${fault}`;
}

function findKeptFault(value: unknown): string | undefined {
  return findJsonFault(value) ?? findRoundedFault(value);
}

const compiled = new WeakMap<object, Validator>();
const FAULTS_SHOWN = 5;

/**
 * Returns the faults of a value by JSON pointer, as one sentence; undefined when it is valid. Schemas are compiled
 * once.
 */
export function findFaults(schema: TSchema | undefined, value: unknown): string | undefined {
  if (schema === undefined) return undefined;
  let validator = compiled.get(schema);
  if (validator === undefined) {
    validator = Compile(schema);
    compiled.set(schema, validator);
  }
  if (validator.Check(value)) return undefined;
  const faults = validator.Errors(value).slice(0, FAULTS_SHOWN);
  return faults.map(({ instancePath, message }) => `${instancePath === "" ? "/" : instancePath} ${message}`).join("; ");
}
